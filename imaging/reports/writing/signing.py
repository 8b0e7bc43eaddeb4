"""Signing: what is signed is exactly what the signer saw, and from then on nobody changes it.

In one transaction: the version with its digest, the ledger's leaf, the audit, the state, the reading list, the event.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from imaging.reports.documents.content import Kind
from imaging.reports.models import Report, ReportDraft, ReportVersion
from imaging.reports.writing import composing, policies, selectors, versions
from imaging.reports.writing.policies import Act, Refused, State, Writing
from imaging.reports.writing.selectors import Writer
from imaging.reports.writing.services import Overtaken
from imaging.studies.models import Study

_KINDS: Final = {
    Writing.REPORT: Kind.FINAL,
    Writing.ADDENDUM: Kind.ADDENDUM,
    Writing.CORRECTION: Kind.CORRECTION,
}


@transaction.atomic
def sign_preliminary(person: Writer, study: Study, *, seen_revision: int, supervisor: User | None) -> ReportVersion:
    """Sign as preliminary: others read it, marked so; ``supervisor`` is who signs it finally.

    Who cannot sign finally names somebody who can. Raises ``Refused``, ``Overtaken``.
    """
    report, draft = _ready(person, study, Act.SIGN_PRELIMINARY, seen_revision)
    able = {each.pk for each in selectors.supervisors(study)}
    if supervisor is None and not selectors.powers(person, study).may_sign:
        raise Refused("no_supervisor")
    if supervisor is not None and (supervisor.pk not in able or supervisor.pk == person.user.pk):
        raise Refused("cannot_supervise")
    was = State(report.state)
    report.supervisor = supervisor
    report.state = Report.State.PRELIMINARY
    made = _version(person, report, study, Kind.PRELIMINARY, draft=draft)
    versions.settle(report, study, State.PRELIMINARY, was=was, actor=person.actor)
    return made


@transaction.atomic
def sign(person: Writer, study: Study, *, seen_revision: int, reason: str = "") -> ReportVersion:
    """Sign finally what was seen: a report, an addendum, or a correction, which says why. Raises ``Refused``, ``Overtaken``."""
    report, draft = _ready(person, study, Act.SIGN_FINAL, seen_revision)
    writing = Writing(draft.kind)
    said = policies.checked_reason(reason, is_needed=writing is Writing.CORRECTION)
    known = selectors.version(report)
    if writing is Writing.CORRECTION and known is not None and _is_same(known, draft):
        raise Refused("nothing_changed")
    was = State(report.state)
    report.state = Report.State(policies.AFTER[writing].value)
    if writing is Writing.REPORT and report.supervisor_id is None and report.author_id != person.user.pk:
        report.supervisor = person.user
    report.final_at = report.final_at or timezone.now()
    made = _version(person, report, study, _KINDS[writing], draft=draft, reason=said)
    draft.delete()
    report.overtaken.all().delete()
    versions.settle(report, study, policies.AFTER[writing], was=was, actor=person.actor)
    return made


@transaction.atomic
def withdraw(person: Writer, study: Study, *, seen_number: int, reason: str) -> ReportVersion:
    """Take a signed report back: it must not be used any more, and stays readable with its reason. Raises ``Refused``."""
    report = _locked(study)
    state, writing = selectors.standing(report, selectors.draft_of(report))
    if report is None or Act.WITHDRAW not in policies.offered(state, writing, selectors.powers(person, study)):
        raise Refused("not_open")
    last = selectors.version(report)
    if last is None or last.number != seen_number:
        raise Refused("changed_meanwhile")
    said = policies.checked_reason(reason, is_needed=True)
    report.state = Report.State.WITHDRAWN
    made = _version(person, report, study, Kind.WITHDRAWAL, reason=said)
    versions.settle(report, study, State.WITHDRAWN, was=state, actor=person.actor)
    return made


def _ready(person: Writer, study: Study, act: Act, seen_revision: int) -> tuple[Report, ReportDraft]:
    report = _locked(study)
    draft = selectors.draft_of(report)
    state, writing = selectors.standing(report, draft)
    if report is None or draft is None:
        raise Refused("not_begun")
    if act not in policies.offered(state, writing, selectors.powers(person, study)):
        raise Refused("cannot_sign" if act is Act.SIGN_FINAL else "not_open")
    if draft.revision != seen_revision:
        raise Overtaken(draft)
    if policies.is_empty(draft.sections):
        raise Refused("empty")
    if missing := policies.unfilled(draft.sections):
        raise Refused("unfilled", fields=", ".join(missing[:6]))
    return report, draft


def _version(
    person: Writer, report: Report, study: Study, kind: Kind, *, draft: ReportDraft | None = None, reason: str = ""
) -> ReportVersion:
    """The next version: of ``draft``, or (a withdrawal) of nothing but its reason."""
    given = composing.ToSign(
        kind=kind,
        number=versions.next_number(report),
        signer=composing.person(person.user),
        authors=(composing.person(report.author),) if report.author else (),
        at=timezone.now(),
        sections=draft.sections if draft else (),
        pulled=_pulled(report, kind, draft),
        is_verified=kind is not Kind.PRELIMINARY,
        reason=reason,
    )
    return versions.add(report, study, given, signed_by=person.user)


def _pulled(report: Report, kind: Kind, draft: ReportDraft | None) -> list[dict[str, object]]:
    """What was taken from the images; to an addendum belongs what it was added to, which still stands."""
    own = list(draft.pulled) if draft else []
    known = selectors.version(report) if kind is Kind.ADDENDUM else None
    before = composing.pulled_of(known) if known else []
    return before + [entry for entry in own if entry not in before]


def _is_same(known: ReportVersion, draft: ReportDraft) -> bool:
    before = [(each["code"], each["text"]) for each in composing.sections_of(known) if each["text"].strip()]
    after = [(each["code"], each["text"]) for each in draft.sections if each["text"].strip()]
    return before == after and composing.pulled_of(known) == draft.pulled


def _locked(study: Study) -> Report | None:
    rows = Report.objects.select_for_update(of=("self",), no_key=True).filter(study=study)
    return rows.select_related("author").first()
