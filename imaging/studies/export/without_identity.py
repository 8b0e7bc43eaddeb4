"""Exports whose objects name nobody: copies that are made while they go out, by the rules of ``imaging.dicom.deidentification``.

Only what needs no look by a person goes; the rest is counted beforehand (``survey``) and told in the export. Neither a page nor
previews nor reports lie in it, and no name, date or number of the source: files are numbered, the index is made of the copies.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time
from functools import partial
from typing import Final

from django.utils import timezone

from accounts.actor import Actor
from accounts.scope import Scope
from imaging.studies.export import cleaned_facts, deidentification_notes, directory, notes, receipts, services
from imaging.studies.export.cleaning import Cleaned, Cleaning, Copies, LeftOut, TooMany, clean, pseudonyms_of
from imaging.studies.export.receipts import Handed
from imaging.studies.export.selection import Selection, select
from imaging.studies.export.services import Export
from imaging.studies.models import Series, Study

__all__ = ["Cleaning", "LeftOut", "NothingLeft", "TooMany", "prepare", "survey"]

#: Part of every tag: another way of making copies is another file.
_WRITING: Final = 1
_INDEX: Final = "DICOMDIR"


class NothingLeft(Exception):
    """No object of what was asked for can go out without identity by itself."""


def survey(levels: Iterable[Study | Series], *, scope: Scope, cleaning: Cleaning) -> Cleaned:
    """What of these would go out, and what not, for a page that says so beforehand. Raises ``TooMany`` and ``StorageAway``."""
    return clean(select(levels, scope=scope), scope, cleaning)


def prepare(
    scope: Scope,
    study_instance_uids: Sequence[str],
    *,
    actor: Actor,
    form: str,
    cleaning: Cleaning,
    handed: Handed,
    series_instance_uids: Sequence[str] = (),
) -> Export:
    """The export of copies of these studies, or of some series of the first; each study is on record before this returns.

    The texts are in the language that is active now. Raises what ``services.prepare`` does but for ``IdentityKept``, and
    ``NothingLeft`` and ``TooMany``, which are on record as exports that were not completed.
    """
    detail = {"form": form, "deidentified": True, "methods": [code.value for code in cleaning.profile.methods]}
    levels = services.opened(scope, study_instance_uids, series_instance_uids, actor=actor, detail=detail)
    studies = services.studies_of(levels)
    selection = select(levels, scope=scope)
    refused = partial(services.interrupted, studies, actor, sent=0, of=0)
    try:
        cleaned = clean(selection, scope, cleaning)
    except TooMany:
        refused(reason="too many objects to be cleaned at once")
        raise
    if not cleaned.count:
        refused(reason="nothing can go out without identity")
        raise NothingLeft
    places = tuple(directory.placed(cleaned.parts))
    said = _said(handed, cleaned, cleaning)
    texts = _notes(cleaned, places, cleaning, said)
    uids = list(dict.fromkeys(cleaned.facts[part.series.pk].study_uid for part in cleaned.parts))
    signed = receipts.prepared(said, uids, services.listed(texts, places, ()))
    return Export(
        name=cleaning.subject,
        etag=_tag(selection, cleaning, texts, signed),
        length=services.length_of(signed),
        lost=(),
        studies=studies,
        # When the images came is a date of the patient's.
        moment=timezone.make_aware(datetime.combine(handed.on, time(12))),
        notes=texts,
        places=places,
        extras=(),
        receipts=signed,
        actor=actor,
        files=partial(Copies, scope, cleaned, pseudonyms_of(selection, cleaning), cleaning),
    )


def _said(handed: Handed, cleaned: Cleaned, cleaning: Cleaning) -> Handed:
    return replace(
        handed,
        is_deidentified=True,
        methods=tuple(code.value for code in cleaning.profile.methods),
        left_out=cleaned.missing,
        told=(
            *deidentification_notes.profile(cleaning.profile),
            *deidentification_notes.left_out(cleaned),
        ),
    )


def _notes(
    cleaned: Cleaned, places: Sequence[directory.Placed], cleaning: Cleaning, said: Handed
) -> tuple[tuple[str, bytes], ...]:
    studies = len({part.series.study_id for part in cleaned.parts})
    readme = notes.readme(
        studies=studies,
        objects=len(places),
        lost=0,
        is_deidentified=True,
        further=(*deidentification_notes.around(), "\r\n".join(said.told)),
    )
    digest = " ".join(place.chosen.sop_instance_uid for place in places)
    index = cleaned_facts.directory(cleaned.parts, places, cleaned.facts, cleaning.uid(f"DICOMDIR {digest}"))
    return ((notes.readme_name(), readme), (_INDEX, index))


def _tag(
    selection: Selection, cleaning: Cleaning, texts: Iterable[tuple[str, bytes]], signed: receipts.Receipts
) -> str:
    found = hashlib.sha256(f"{_WRITING} {cleaning.tag} {selection.digest} {signed.handed}".encode())
    for name, content in texts:
        found.update(name.encode() + content)
    found.update(signed.words.encode())
    return found.hexdigest()[:32]
