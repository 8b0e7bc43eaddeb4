"""Which template fits a study best: a pure comparison, so that the choice is the same wherever it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: Ways of making a radiograph: one template serves them all.
_ALIKE: Final = {"CR": "DX", "RG": "DX", "PX": "DX", "IO": "DX"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is known of the study that is to be reported."""

    language: str
    modality: str = ""
    body_part_examined: str = ""
    procedure_code: str = ""
    department_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A template as it is compared; empty conditions fit everything, a condition that does not fit rules it out."""

    pk: int
    language: str
    modality: str = ""
    body_part_examined: str = ""
    procedure_code: str = ""
    is_own: bool = False
    is_of_department: bool = False
    position: int = 0


def family(modality: str) -> str:
    """The modality, radiographs under one name."""
    return _ALIKE.get(modality, modality)


def fit(offer: Offer, wanted: Wanted) -> int:
    """How well a template fits; 0 when it is for something else."""
    if offer.language != wanted.language:
        return 0
    pairs = (
        (offer.procedure_code.casefold(), wanted.procedure_code.casefold(), 16),
        (offer.body_part_examined.casefold(), wanted.body_part_examined.casefold(), 8),
        (family(offer.modality), family(wanted.modality), 4),
    )
    points = 1
    for asked, known, weight in pairs:
        if asked and asked != known:
            return 0
        points += weight if asked else 0
    return points + (2 if offer.is_own else 0) + (1 if offer.is_of_department else 0)


def best(offers: Iterable[Offer], wanted: Wanted) -> int | None:
    """The template that fits best, by primary key; None when none says anything of such a study."""
    ranked = [(fit(offer, wanted), -offer.position, -offer.pk, offer) for offer in offers]
    fitting = [entry for entry in ranked if entry[0] > 1 and (entry[3].modality or entry[3].procedure_code)]
    return max(fitting, key=lambda entry: entry[:3])[3].pk if fitting else None
