"""Saving what is typed: fast, by revision, and never over somebody else's text without keeping theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.reports.models import OvertakenText, Report, ReportDraft, ReportTemplate, ReportVersion
from imaging.reports.reading import services as reading
from imaging.reports.templates import titles
from imaging.reports.writing import composing, policies, selectors
from imaging.reports.writing.policies import Act, Refused, Section, Writing
from imaging.reports.writing.selectors import Writer
from imaging.studies.models import Study

#: One line in the audit for an hour of typing by one person.
_WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an editor sends: the text, and the revision that it was made from (0 before the first save)."""

    sections: Sequence[Section]
    seen_revision: int
    language: str
    template: ReportTemplate | None = None
    #: The writer has seen both texts and keeps this one: the other stays with the report.
    keeps_mine: bool = False


class Overtaken(Exception):
    """Somebody else saved since the text was read; ``draft`` is theirs, and the text that was sent is kept beside it."""

    def __init__(self, draft: ReportDraft) -> None:
        """Keep what is there now, to be shown beside what was typed."""
        super().__init__(str(draft.pk))
        self.draft = draft


def save(person: Writer, study: Study, wish: Wish) -> ReportDraft:
    """Save a draft, the first time with its report. The same text again changes nothing.

    Raises ``Overtaken`` (then the sent text is kept as ``OvertakenText``), ``Refused``.
    """
    try:
        with transaction.atomic():
            draft, is_overtaken = _saved(person, study, wish)
    except IntegrityError:
        # Two people began the report in the same instant: the second finds the first one's.
        with transaction.atomic():
            draft, is_overtaken = _saved(person, study, wish)
    if is_overtaken:
        raise Overtaken(draft)
    return draft


def _saved(person: Writer, study: Study, wish: Wish) -> tuple[ReportDraft, bool]:
    report = _locked(study)
    draft = selectors.draft_of(report)
    state, writing = selectors.standing(report, draft)
    if Act.WRITE not in policies.offered(state, writing, selectors.powers(person, study)):
        raise Refused("not_open" if state in policies.SHOWN else "not_yours")
    if report is None or draft is None:
        return _begun(person, study, wish, report), False
    if draft.sections == list(wish.sections):
        return draft, False
    if draft.revision != wish.seen_revision:
        OvertakenText.objects.update_or_create(
            report=report,
            typed_by=person.user,
            defaults={"sections": list(wish.sections), "seen_revision": wish.seen_revision},
        )
        return draft, True
    if wish.keeps_mine:
        OvertakenText.objects.update_or_create(
            report=report,
            typed_by=draft.saved_by,
            defaults={"sections": draft.sections, "seen_revision": draft.revision},
        )
    _write(draft, person, sections=list(wish.sections))
    _record_saved(report, study, person.actor)
    return draft, False


def _begun(person: Writer, study: Study, wish: Wish, report: Report | None) -> ReportDraft:
    now = timezone.now()
    if report is None:
        report = Report.objects.create(
            study=study, language=wish.language, template=wish.template, author=person.user, state=Report.State.DRAFT
        )
        reading.follow(study, state="draft", actor=person.actor)
    draft = ReportDraft.objects.create(
        report=report, sections=list(wish.sections), saved_by=person.user, saved_at=now, revision=1
    )
    _record_saved(report, study, person.actor)
    return draft


def _write(draft: ReportDraft, person: Writer, **changes: object) -> None:
    for name, value in changes.items():
        setattr(draft, name, value)
    draft.revision += 1
    draft.saved_by, draft.saved_at = person.user, timezone.now()
    draft.save(update_fields=[*changes, "revision", "saved_by", "saved_at"])


def put_in(person: Writer, study: Study, *, seen_revision: int, pulled: Sequence[Mapping[str, object]]) -> ReportDraft:
    """Replace what was taken from the images by ``pulled``. Raises ``Overtaken``, ``Refused``."""
    with transaction.atomic():
        report = _locked(study)
        draft = selectors.draft_of(report)
        state, writing = selectors.standing(report, draft)
        if report is None or draft is None:
            raise Refused("not_begun")
        if Act.WRITE not in policies.offered(state, writing, selectors.powers(person, study)):
            raise Refused("not_yours")
        if draft.revision != seen_revision:
            raise Overtaken(draft)
        _write(draft, person, pulled=list(pulled))
        _record_saved(report, study, person.actor)
    return draft


@transaction.atomic
def begin(person: Writer, study: Study, kind: Writing) -> ReportDraft:
    """Begin an addendum to a signed report, or its correction. Raises ``Refused``."""
    report = _locked(study)
    draft = selectors.draft_of(report)
    state, writing = selectors.standing(report, draft)
    act = Act.BEGIN_ADDENDUM if kind is Writing.ADDENDUM else Act.BEGIN_CORRECTION
    if report is None or act not in policies.offered(state, writing, selectors.powers(person, study)):
        raise Refused("not_open")
    last = selectors.version(report)
    sections: list[Section] = [{"code": "addendum", "title": titles.title_of("addendum", report.language), "text": ""}]
    pulled: list[dict[str, object]] = []
    if kind is Writing.CORRECTION and last is not None:
        # A withdrawal says nothing itself: what is corrected is what it withdrew.
        whole = last if last.content.get("sections") else _last_whole(report) or last
        sections, pulled = composing.sections_of(whole), composing.pulled_of(whole)
    draft = ReportDraft.objects.create(
        report=report, kind=kind, sections=sections, pulled=pulled, saved_by=person.user, saved_at=timezone.now()
    )
    _record_saved(report, study, person.actor)
    return draft


@transaction.atomic
def discard(person: Writer, study: Study, *, seen_revision: int) -> None:
    """Let go of a draft that was never signed. What was signed before stays. Raises ``Refused``, ``Overtaken``."""
    report = _locked(study)
    draft = selectors.draft_of(report)
    state, writing = selectors.standing(report, draft)
    if report is None or draft is None:
        return
    if Act.DISCARD not in policies.offered(state, writing, selectors.powers(person, study)):
        raise Refused("not_open")
    if draft.revision != seen_revision:
        raise Overtaken(draft)
    detail: dict[str, object] = {"report": str(report.key), "discarded": draft.kind}
    is_unsigned = state is policies.State.DRAFT
    draft.delete()
    report.overtaken.all().delete()
    if is_unsigned:
        report.pictures.all().delete()
        report.delete()
        reading.follow(study, state="unread", actor=person.actor)
    _record(audit.Action.REPORT_SAVED, study, person.actor, detail)


def let_go(person: Writer, study: Study) -> None:
    """Forget the text of this person that was overtaken: they have read both."""
    report = selectors.report_of(study)
    OvertakenText.objects.filter(report=report, typed_by=person.user).delete()


def _last_whole(report: Report) -> ReportVersion | None:
    known = ReportVersion.objects.filter(report=report).exclude(kind=ReportVersion.Kind.WITHDRAWAL)
    return known.order_by("-number").first()


def _locked(study: Study) -> Report | None:
    return Report.objects.select_for_update(of=("self",), no_key=True).filter(study=study).first()


def _record_saved(report: Report, study: Study, actor: Actor) -> None:
    """Once per person, report and hour: a save every second is one writing."""
    audit.record_read(
        audit.Action.REPORT_SAVED,
        actor=actor,
        window=_WINDOW,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={"report": str(report.key)},
    )


def _record(action: audit.Action, study: Study, actor: Actor, detail: dict[str, object]) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail=detail,
    )
