"""Keeping templates and macros, and loading the ones that a hospital begins with."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from imaging.reports.models import ReportMacro, ReportTemplate
from imaging.reports.templates import layout

_STARTER: Final = Path(__file__).parent / "starter"
_OURS: Final = uuid.UUID("0f8a3f2e-52c8-5d60-9a53-2f6a3b1f6f0e")
#: What one person may keep.
MOST_OWN: Final = 200


class TooMany(Exception):
    """The person keeps as many as anybody may; nothing was written."""


@dataclass(frozen=True, slots=True)
class Starter:
    """A template of the starter set: its name in the set, and its columns."""

    name: str
    columns: dict[str, Any]


def starter() -> Iterator[Starter]:
    """The templates that come with the portal, in both languages."""
    for file in sorted(_STARTER.glob("*/*.txt")):
        head, _line, body = file.read_text(encoding="utf-8").partition("\n\n")
        given = dict(line.split(": ", 1) for line in head.splitlines())
        yield Starter(
            f"{file.parent.name}/{file.stem}",
            {
                "name": given["name"],
                "language": file.parent.name,
                "modality": given.get("modality", ""),
                "body_part_examined": given.get("body part", ""),
                "sections": layout.read(body),
            },
        )


@transaction.atomic
def load_starter(*, actor: Actor) -> int:
    """Add the templates and macros that come with the portal and are not here yet; how many templates were new.

    What a hospital has changed, renamed or stopped offering stays as it is. On record when anything was added.
    """
    made = words_made = 0
    for position, entry in enumerate(starter()):
        key = uuid.uuid5(_OURS, entry.name)
        _row, is_new = ReportTemplate.objects.get_or_create(
            key=key, defaults={**entry.columns, "position": 100 + position}
        )
        made += is_new
    for language, words in _MACROS.items():
        for word, text in words.items():
            _macro, is_new = ReportMacro.objects.get_or_create(
                word=word, language=language, owner=None, defaults={"text": text}
            )
            words_made += is_new
    if made or words_made:
        audit.record(
            audit.Action.SETTING_CHANGED,
            actor=actor,
            subject_type="report templates",
            detail={"what": "starter templates", "count": made, "macros": words_made},
        )
    return made


def keep_template(user: User, columns: dict[str, Any], *, known: ReportTemplate | None = None) -> ReportTemplate:
    """Keep a person's own template, a new one or ``known`` of theirs. Raises ``TooMany``."""
    if known is None and ReportTemplate.objects.filter(owner=user).count() >= MOST_OWN:
        raise TooMany
    row = known or ReportTemplate(owner=user)
    for name, value in columns.items():
        setattr(row, name, value)
    row.owner = user
    row.save()
    return row


def keep_macro(user: User, *, word: str, text: str, language: str) -> None:
    """Keep a person's own macro; the same word again replaces its text. Raises ``TooMany``."""
    known = ReportMacro.objects.filter(owner=user)
    if known.count() >= MOST_OWN and not known.filter(word=word, language=language).exists():
        raise TooMany
    ReportMacro.objects.update_or_create(owner=user, word=word, language=language, defaults={"text": text})


_MACROS: Final = {
    "en": {
        "nochange": "No significant change since the previous examination.",
        "nofracture": "No fracture or dislocation. Joint spaces preserved. Soft tissues unremarkable.",
        "normalchest": "Heart size normal. Lungs clear. No pleural effusion or pneumothorax. No acute bony abnormality.",
        "nohaemorrhage": "No intracranial haemorrhage, mass effect or extra-axial collection.",
        "limited": "The examination is limited by [[reason|movement/body habitus/positioning/artefact]].",
        "discussed": "Discussed with [[name|text]] by telephone on [[day|date]].",
    },
    "fr": {
        "inchange": "Pas de modification significative par rapport à l’examen précédent.",
        "pasdefracture": "Pas de fracture ni de luxation. Interlignes articulaires conservés. Parties molles sans particularité.",
        "thoraxnormal": "Silhouette cardiaque de taille normale. Pas de foyer parenchymateux. Pas d’épanchement pleural ni de "
        "pneumothorax. Pas d’anomalie osseuse aiguë.",
        "pasdhemorragie": "Pas d’hémorragie intracrânienne, d’effet de masse ni de collection extra-axiale.",
        "limite": "Examen limité par [[raison|mouvements/morphologie/positionnement/artéfacts]].",
        "discute": "Discuté avec [[nom|text]] par téléphone le [[jour|date]].",
    },
}
