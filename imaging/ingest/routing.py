"""Where a new study lands: the first rule that matches, then the departments that its sender acts for. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from imaging.studies.rows.incoming import PlannedPlacement

CONDITIONS: Final = (
    "door",
    "calling_ae_title",
    "station_name",
    "institutional_department_name",
    "modality",
    "requesting_service",
)
_OWNER: Final = "owner"
_REQUESTING: Final = "requesting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What rules ask of the first object of a study."""

    door: str = ""
    calling_ae_title: str = ""
    station_name: str = ""
    institutional_department_name: str = ""
    modality: str = ""
    requesting_service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One routing rule; departments by primary key, conditions as patterns (``*`` any text, ``?`` one character)."""

    name: str
    owner_id: int
    also_ids: tuple[int, ...] = ()
    door: str = ""
    calling_ae_title: str = ""
    station_name: str = ""
    institutional_department_name: str = ""
    modality: str = ""
    requesting_service: str = ""

    @property
    def is_default(self) -> bool:
        """Whether it has no condition: everything that came so far lands there."""
        return not any(getattr(self, condition) for condition in CONDITIONS)

    def matches(self, facts: Facts) -> bool:
        """Whether every condition that is set fits."""
        return not self.misfits(facts)

    def misfits(self, facts: Facts) -> tuple[str, ...]:
        """The names of the conditions that do not fit."""
        return tuple(name for name in CONDITIONS if not fits(getattr(self, name), getattr(facts, name)))

    @property
    def plan(self) -> tuple[PlannedPlacement, ...]:
        """The placements of this rule, owner first."""
        code = "default" if self.is_default else "rule"
        also = dict.fromkeys(pk for pk in self.also_ids if pk != self.owner_id)
        return (
            PlannedPlacement(self.owner_id, _OWNER, code, self.name),
            *(PlannedPlacement(pk, _REQUESTING, code, self.name) for pk in also),
        )


def fits(pattern: str, value: str) -> bool:
    """Whether a pattern matches the whole value, whatever the case; an empty pattern matches anything."""
    return not pattern or _compiled(pattern).fullmatch(value.strip()) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Runs of * are one: two in a row would only make a hostile value slow to refuse.
    parts = re.split(r"(\*+|\?)", pattern.strip())
    translated = (".*" if part.startswith("*") else "." if part == "?" else re.escape(part) for part in parts)
    return re.compile("".join(translated), re.IGNORECASE | re.DOTALL)


def plan(
    facts: Facts, *, rules: Sequence[Rule], sender: str, sender_department_ids: Sequence[int]
) -> tuple[PlannedPlacement, ...]:
    """The placements of a new study, each with the reason that its page shows. Empty: nobody may have it, and it waits."""
    for rule in rules:
        if rule.matches(facts):
            return rule.plan
    return tuple(
        PlannedPlacement(pk, _REQUESTING if position else _OWNER, "sender", sender)
        for position, pk in enumerate(dict.fromkeys(sender_department_ids))
    )
