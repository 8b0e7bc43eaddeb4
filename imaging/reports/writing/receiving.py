"""Reports that another system keeps: each state that it tells of is a version here, as immutable as one that was signed here.

What arrived as paper stays that paper; what arrived as text gets one like every report.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.labels import Label
from imaging.reports.documents import canonical
from imaging.reports.documents.content import Kind, Person
from imaging.reports.models import Report, ReportDocument, ReportVersion
from imaging.reports.writing import composing, policies, versions
from imaging.reports.writing.policies import SIGNED, State
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import protecting
from imaging.studies.models import Study


class Told(StrEnum):
    """What the other system says of the report."""

    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"
    ADDED = "added"
    WITHDRAWN = "withdrawn"


class WrittenHere(Exception):
    """The study has a report that is written here: two systems do not write one report."""


class NothingToWithdraw(LookupError):
    """The study has no report of this system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A report as it came. ``sections`` are code, title and text; ``paper`` a PDF, ``clinical`` a CDA document.

    ``source`` tells which system keeps it, ``source_name`` is its name for readers; ``sequence`` grows with every message.
    ``hidden_from`` says of "professionals", "patient" and "proxies" whether it is kept back from them; who is not named stays.
    """

    source: str
    source_name: str
    sequence: int
    told: Told
    at: datetime
    signer: Person
    language: str
    sections: Sequence[Mapping[str, str]] = ()
    paper: bytes | None = None
    clinical: bytes | None = None
    reason: str = ""
    hidden_from: Mapping[str, bool] = field(default_factory=dict)


#: The state that a version of a kind leaves.
_AFTER: Final = {
    Kind.PRELIMINARY: State.PRELIMINARY,
    Kind.FINAL: State.FINAL,
    Kind.CORRECTION: State.AMENDED,
    Kind.ADDENDUM: State.APPENDED,
    Kind.WITHDRAWAL: State.WITHDRAWN,
}


@transaction.atomic
def receive(study: Study, received: Received, *, actor: Actor) -> ReportVersion | None:
    """Keep what another system says of a study's report; None where it says what is known.

    What was said before something that is known already (it waited for its images, or for a person) changes nothing, nor does a
    preliminary report after the final one. Raises ``WrittenHere`` and ``NothingToWithdraw``, ``policies.Refused`` for a text
    longer than any report.
    """
    report = _held(study, received)
    if received.sequence < report.told_through:
        return None
    report.told_through = received.sequence
    is_new = report._state.adding
    was = State.NONE if is_new else State(report.state)
    kind = _kind(received.told, was)
    sections = policies.checked_sections([dict(each) for each in received.sections])
    begins_to_hide = _mark(report, received)
    if kind is None or (not is_new and _says_nothing_new(report, kind, sections, received)):
        if not is_new:
            report.save()
        made = None
    else:
        made = _kept(report, study, received, kind, sections, was=was, actor=actor)
    if begins_to_hide and report.pk is not None:
        # Last: it locks every study that the label concerns.
        reason = _("The system that wrote the report hides it from professionals.")
        protecting.protect(study, Label.PROTECTED, reason=reason, actor=actor)
    return made


def _mark(report: Report, received: Received) -> bool:
    """Take over who is not to see the report; whether it begins to be hidden from professionals (FR-5)."""
    was = report.is_hidden_from_professionals
    for audience in ("professionals", "patient", "proxies"):
        if audience in received.hidden_from:
            setattr(report, f"is_hidden_from_{audience}", received.hidden_from[audience])
    return report.is_hidden_from_professionals and not was


def _kept(
    report: Report,
    study: Study,
    received: Received,
    kind: Kind,
    sections: Sequence[Mapping[str, str]],
    *,
    was: State,
    actor: Actor,
) -> ReportVersion:
    report.state = Report.State(_AFTER[kind].value)
    if kind in {Kind.FINAL, Kind.CORRECTION, Kind.ADDENDUM}:
        report.final_at = report.final_at or received.at
    report.save()
    made = versions.add(report, study, _to_sign(report, kind, sections, received), signed_by=None)
    if kind is not Kind.WITHDRAWAL:
        _keep_documents(made, received)
    versions.settle(report, study, _AFTER[kind], was=was, actor=actor, action=audit.Action.REPORT_RECEIVED)
    return made


def _held(study: Study, received: Received) -> Report:
    rows = Report.objects.select_for_update(of=("self",), no_key=True)
    report = rows.filter(study=study).first()
    if report is None:
        if received.told is Told.WITHDRAWN:
            raise NothingToWithdraw
        return Report(study=study, source=received.source, language=received.language)
    if report.source != received.source:
        raise WrittenHere
    return report


def _kind(told: Told, was: State) -> Kind | None:
    """What the version is, after what there is; None for nothing new."""
    is_signed = was in SIGNED
    if told is Told.WITHDRAWN:
        return None if was is State.WITHDRAWN else Kind.WITHDRAWAL
    if told is Told.PRELIMINARY:
        return None if is_signed or was is State.WITHDRAWN else Kind.PRELIMINARY
    if told is Told.ADDED and is_signed:
        return Kind.ADDENDUM
    return Kind.CORRECTION if is_signed or was is State.WITHDRAWN else Kind.FINAL


def _says_nothing_new(report: Report, kind: Kind, sections: Sequence[Mapping[str, str]], received: Received) -> bool:
    """Whether the last version says the same, word by word and page by page."""
    last = ReportVersion.objects.filter(report=report).order_by("-number").first()
    if last is None or kind is Kind.WITHDRAWAL or last.kind == ReportVersion.Kind.WITHDRAWAL:
        return False
    # A final text in the words of the preliminary one, or an addendum in those of the report, says something new.
    if any((last.kind == each.value) is not (kind is each) for each in (Kind.PRELIMINARY, Kind.ADDENDUM)):
        return False
    known = [(each.code, each.text) for each in canonical.read(last.content).sections]
    if known != [(each["code"], each["text"]) for each in sections if each["text"].strip()]:
        return False
    return all(
        _digest_of(last, document) == (hashlib.sha256(content).hexdigest() if content else "")
        for document, content in _documents(received)
    )


def _documents(received: Received) -> tuple[tuple[ReportDocument.Kind, bytes | None], ...]:
    return (
        (ReportDocument.Kind.PDF, received.paper),
        (ReportDocument.Kind.CLINICAL, received.clinical),
    )


def _digest_of(version: ReportVersion, kind: ReportDocument.Kind) -> str:
    """Of a document as it was received; a paper that was made here counts as none."""
    row = ReportDocument.objects.filter(version=version, kind=kind, is_received=True).select_related("stored_object")
    found = row.first()
    return found.stored_object.file_sha256 if found and found.stored_object else ""


def _to_sign(report: Report, kind: Kind, sections: Sequence[Mapping[str, str]], received: Received) -> composing.ToSign:
    is_withdrawn = kind is Kind.WITHDRAWAL
    return composing.ToSign(
        kind=kind,
        number=versions.next_number(report),
        signer=received.signer,
        authors=(received.signer,),
        at=received.at,
        sections=() if is_withdrawn else sections,
        is_verified=kind is not Kind.PRELIMINARY,
        told_by=received.source_name,
        reason=received.reason if is_withdrawn or kind is Kind.CORRECTION else "",
    )


def _keep_documents(made: ReportVersion, received: Received) -> None:
    for kind, content in _documents(received):
        if content:
            stored = storage.put(content, kind=StoredObject.Kind.REPORT)
            ReportDocument.objects.create(version=made, kind=kind, stored_object=stored, is_received=True)
