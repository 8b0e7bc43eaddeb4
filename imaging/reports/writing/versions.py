"""A signed version, and what follows from it in the same transaction: digest, ledger, audit, reading list, notices, event."""

from __future__ import annotations

from typing import Final

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from imaging.events import services as events
from imaging.events.models import Event
from imaging.integrity import services as ledger
from imaging.integrity.models import LedgerLeaf
from imaging.reports.documents import canonical
from imaging.reports.models import Report, ReportVersion
from imaging.reports.reading import services as reading
from imaging.reports.writing import composing, notices
from imaging.reports.writing.composing import ToSign
from imaging.reports.writing.policies import State
from imaging.studies.models import Study

#: What readers and writers call the row of the reading list.
_LIST: Final = {State.PRELIMINARY: "preliminary", State.FINAL: "final", State.AMENDED: "final", State.APPENDED: "final"}


def add(report: Report, study: Study, given: ToSign, *, signed_by: User | None) -> ReportVersion:
    """The next version of a report, which nobody changes any more. ``signed_by`` is empty where another system told of it."""
    content = composing.content(report, study, given)
    kept = canonical.record(content)
    made = ReportVersion.objects.create(
        report=report,
        number=given.number,
        kind=given.kind.value,
        content=kept,
        digest=canonical.digest(kept),
        author=report.author,
        signed_by=signed_by,
        signer_name="" if signed_by else given.signer.name[:200],
        signed_at=given.at,
        reason=given.reason,
    )
    ledger.append_leaves([ledger.Leaf(LedgerLeaf.Kind.SIGNED, made.digest, "", given.at)])
    return made


def next_number(report: Report) -> int:
    """The number of the next version, from 1."""
    return ReportVersion.objects.filter(report=report).count() + 1


def settle(
    report: Report, study: Study, state: State, *, was: State, actor: Actor, action: audit.Action | None = None
) -> None:
    """Bring everything in line with a version that was just added. ``action`` is what the audit calls it."""
    report.save()
    reading.follow(study, state=_LIST.get(state, "unread"), actor=actor, is_over=state is not State.PRELIMINARY)
    last = ReportVersion.objects.filter(report=report).order_by("-number").first()
    signed = audit.Action.REPORT_WITHDRAWN if state is State.WITHDRAWN else audit.Action.REPORT_SIGNED
    audit.record(
        action or signed,
        actor=actor,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={
            "report": str(report.key),
            "state": state.value,
            "version": last.number if last else 0,
            "sha256": last.digest if last else "",
        },
    )
    notices.tell(report, state, was=was, actor=actor)
    events.append(kind=Event.Kind.REPORT_CHANGED, subject_uid=str(report.key))
