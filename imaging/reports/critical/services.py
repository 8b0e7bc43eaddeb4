"""Raising a critical finding, acknowledging it, and what time does to it: each with its log, its audit and its notices."""

import uuid
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.models import User
from imaging.reports.critical import notices, policies, selectors
from imaging.reports.critical.policies import Due
from imaging.reports.critical.selectors import Person
from imaging.reports.models import CriticalFinding, CriticalStep
from imaging.studies.models import Study

#: Findings that one turn looks at: the rest have theirs in a minute.
_AT_ONCE: Final = 200


class NotAllowed(Exception):
    """The finding is not this person's to do that with."""


class AlreadySettled(Exception):
    """It was acknowledged or withdrawn by now; ``finding`` says by whom."""

    def __init__(self, finding: CriticalFinding) -> None:
        """Keep the finding, for the words that the second person gets."""
        super().__init__(str(finding.key))
        self.finding = finding


@transaction.atomic
def raise_finding(
    by: Person, study: Study, *, level: str, text: str, recipient: User | None, recipient_name: str = ""
) -> CriticalFinding:
    """Tell somebody of a finding and ask them to say that they know. Raises ``NotAllowed``, and ``ValueError`` without anybody to tell."""
    if not selectors.may_raise(by, study):
        raise NotAllowed(study.study_instance_uid)
    if recipient is None and not recipient_name.strip():
        raise ValueError("a critical finding has a recipient")
    now = timezone.now()
    finding = CriticalFinding.objects.create(
        study=study,
        level=CriticalFinding.Level(level),
        text=text[:500],
        raised_by=by.user,
        recipient=recipient,
        recipient_name=(recipient.label if recipient else recipient_name.strip())[:200],
        due_at=policies.due_at(now, level),
    )
    _log(finding, "raised", by.user.label, to=finding.recipient_name)
    _record(audit.Action.CRITICAL_RAISED, finding, by.actor, level=finding.level)
    if recipient is not None:
        notices.tell([recipient], notices.RAISED, finding, actor=SYSTEM)
    return finding


@transaction.atomic
def acknowledge(by: Person, key: uuid.UUID, *, note: str = "") -> CriticalFinding:
    """Say that one knows. Anybody who may see the study can, and the log says who did. Raises ``AlreadySettled``, ``NotAllowed``."""
    finding = _locked(by, key)
    if finding.raised_by_id == by.user.pk:
        raise NotAllowed(key)
    _settle(finding, by, note=note, name="acknowledged")
    return finding


@transaction.atomic
def note_told(by: Person, key: uuid.UUID, *, told: str, note: str = "") -> CriticalFinding:
    """Note that somebody was told in person or by telephone, and said it back: that is an acknowledgement too.

    Only who raised it, or who writes reports where the study lies, can. Raises ``AlreadySettled``, ``NotAllowed``.
    """
    finding = _locked(by, key)
    if finding.raised_by_id != by.user.pk and not selectors.may_raise(by, finding.study):
        raise NotAllowed(key)
    _settle(finding, by, note=note, name="told", to=told)
    return finding


@transaction.atomic
def withdraw(by: Person, key: uuid.UUID, *, reason: str) -> CriticalFinding:
    """Take it back: it was none. Raises ``AlreadySettled``, and ``NotAllowed`` for anybody but who raised it, or without a reason."""
    finding = _locked(by, key)
    if finding.raised_by_id != by.user.pk or not reason.strip():
        raise NotAllowed(key)
    finding.withdrawn_at = timezone.now()
    finding.save(update_fields=["withdrawn_at"])
    _log(finding, "withdrawn", by.user.label, note=reason)
    _record(audit.Action.CRITICAL_ACKNOWLEDGED, finding, by.actor, withdrawn=True)
    return finding


def tend() -> int:
    """Remind of what is over its time, and pass on what is not heard. How many were."""
    now, tended = timezone.now(), 0
    for pk in selectors.overdue(now).values_list("pk", flat=True)[:_AT_ONCE]:
        with transaction.atomic():
            rows = CriticalFinding.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
            finding = rows.select_related("study__patient", "recipient", "raised_by").filter(pk=pk).first()
            if finding is None or finding.acknowledged_at or finding.withdrawn_at:
                continue
            step = policies.due(
                now,
                raised_at=finding.raised_at,
                due_at=finding.due_at,
                reminders=finding.reminders,
                is_escalated=finding.escalated_at is not None,
            )
            tended += step is not Due.NOTHING
            if step is Due.REMIND:
                _remind(finding)
            elif step is Due.ESCALATE:
                _escalate(finding)
    return tended


def _remind(finding: CriticalFinding) -> None:
    finding.reminded_at, finding.reminders = timezone.now(), finding.reminders + 1
    finding.save(update_fields=["reminded_at", "reminders"])
    if finding.recipient is not None:
        notices.tell([finding.recipient], notices.REMINDED, finding, actor=SYSTEM)
    if finding.recipient is None or finding.escalated_at is not None:
        notices.tell([finding.raised_by], notices.UNHEARD, finding, actor=SYSTEM)
    _log(finding, "reminded", SYSTEM.name, to=finding.recipient_name)


def _escalate(finding: CriticalFinding) -> None:
    finding.escalated_at = timezone.now()
    finding.save(update_fields=["escalated_at"])
    above = selectors.people_above(finding)
    notices.tell(above, notices.ESCALATED, finding, actor=SYSTEM)
    notices.tell([finding.raised_by], notices.UNHEARD, finding, actor=SYSTEM)
    _log(finding, "escalated", SYSTEM.name, to=", ".join(one.label for one in above)[:200])
    _record(audit.Action.CRITICAL_ESCALATED, finding, SYSTEM, people=[one.pk for one in above])


def _settle(finding: CriticalFinding, by: Person, *, note: str, name: str, to: str = "") -> None:
    finding.acknowledged_at, finding.acknowledged_by = timezone.now(), by.user
    finding.save(update_fields=["acknowledged_at", "acknowledged_by"])
    _log(finding, name, by.user.label, to=to, note=note)
    _record(audit.Action.CRITICAL_ACKNOWLEDGED, finding, by.actor, how=name)
    if finding.raised_by_id != by.user.pk:
        notices.tell([finding.raised_by], notices.ACKNOWLEDGED, finding, actor=by.actor)


def _locked(by: Person, key: uuid.UUID) -> CriticalFinding:
    """The finding, held until the transaction ends. Raises ``CriticalFinding.DoesNotExist`` for a stranger, and ``AlreadySettled``."""
    pk = selectors.findings_for(by).get(key=key).pk
    rows = CriticalFinding.objects.select_for_update(of=("self",), no_key=True)
    finding = rows.select_related("study__patient", "recipient", "raised_by", "acknowledged_by").get(pk=pk)
    if finding.acknowledged_at or finding.withdrawn_at:
        raise AlreadySettled(finding)
    return finding


def _log(finding: CriticalFinding, name: str, by: str, *, to: str = "", note: str = "") -> None:
    CriticalStep.objects.create(finding=finding, name=name, by=by[:150], to=to[:200], note=note[:400])


def _record(action: audit.Action, finding: CriticalFinding, actor: Actor, **detail: Any) -> None:
    patient = finding.study.patient
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=finding.study.study_instance_uid,
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        detail={"finding": str(finding.key), **detail},
    )
