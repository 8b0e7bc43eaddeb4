"""Putting a label on a patient or a study, and taking it off: rows, lists, audit, change feed in one transaction.

Who may do so is asked at the doors. From the commit on every door asks the new label; a decision to read that was taken
before holds for a second at most (``reading.decisions``).
"""

from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.labels import Label
from imaging.events import changes as feed
from imaging.events import services as events
from imaging.events.models import Event
from imaging.studies.models import Patient, Protection, Study
from imaging.studies.rows import labelling, locks

_LONGEST_REASON: Final = 200


class ReasonMissing(ValueError):
    """A label is put on and taken off for a reason, in words."""


def protect(target: Patient | Study, label: Label | str, *, reason: str, actor: Actor) -> Protection:
    """Put a label on a study, or on a patient with all studies there are and will be; one that is on it already stays.

    Raises ``ReasonMissing``, and ``ValueError`` for what is no label.
    """
    said = _said(reason)
    named = Label(label)
    with transaction.atomic():
        studies = _lock(target)
        about = {"patient": target} if isinstance(target, Patient) else {"study": target}
        known = Protection.objects.live().filter(label=named, **about).first()
        if known is not None:
            return known
        made = Protection.objects.create(
            **about,
            label=named,
            reason=said,
            set_by_id=int(actor.id) if actor.kind == "user" and actor.id.isdigit() else None,
        )
        _follow(audit.Action.PROTECTION_SET, made, studies, reason=said, actor=actor)
        return made


def lift_protection(protection: Protection, *, reason: str, actor: Actor) -> bool:
    """Take a label off; False when that was done already. Raises ``ReasonMissing``."""
    said = _said(reason)
    target = protection.patient or protection.study
    if target is None:
        raise ValueError("a protection of nothing")
    with transaction.atomic():
        studies = _lock(target)
        held = Protection.objects.live().filter(pk=protection.pk)
        if not held.update(lifted_at=timezone.now(), lifted_by=(actor.name or actor.id)[:150]):
            return False
        _follow(audit.Action.PROTECTION_LIFTED, protection, studies, reason=said, actor=actor)
        return True


def _said(reason: str) -> str:
    said = " ".join(reason.replace("\x00", "").split())[:_LONGEST_REASON]
    if not said:
        raise ReasonMissing
    return said


def _lock(target: Patient | Study) -> list[Study]:
    """Lock what a label is about, in the order of ``rows.locks``; the studies that follow, with their patients.

    Raises ``PatientGone`` when a study of the patient came in between: the write is begun again.
    """
    if isinstance(target, Study):
        studies = locks.studies(Study.objects.filter(pk=target.pk))
        locks.patients(study.patient_id for study in studies)
        return studies
    studies = locks.studies(Study.objects.filter(patient=target.pk))
    locks.patients([target.pk])
    # From here on nobody gives the patient another study; one that is being registered asks for labels after us.
    if Study.objects.filter(patient=target.pk).count() != len(studies):
        raise locks.PatientGone
    return studies


def _follow(action: audit.Action, held: Protection, studies: list[Study], *, reason: str, actor: Actor) -> None:
    """Everything that follows from a change of labels; what is told to the change feed last, for its lock is everybody's."""
    before = {study.pk: study.sensitivity for study in studies}
    lost = labelling.refresh(studies)
    patient = held.patient or (held.study.patient if held.study else None)
    audit.record(
        action,
        actor=actor,
        subject_type="study" if held.study else "patient",
        subject_uid=held.study.study_instance_uid if held.study else str(held.patient_id),
        patient_id=patient.patient_id if patient else "",
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
        detail={"label": held.label, "reason": reason, "studies": len(studies), "protection": held.pk},
    )
    changed = [study for study in studies if study.sensitivity != before[study.pk]]
    events.append_many([events.Happened(Event.Kind.STUDY_CHANGED, study.study_instance_uid) for study in changed])
    feed.write((), lost)
