"""What patients opposed or agreed to: the one place where it is recorded, and the one where it is asked.

Who shares by rule asks `is_opposed` (a patient in hand) or `querysets.without_opposition` (a condition). Nothing said means
that the hospital's rule holds. Departments that treat the patient are never concerned.
"""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.studies.models import Patient, PatientChoice


def is_opposed(patient: Patient, use: PatientChoice.Use) -> bool:
    """Whether the patient has opposed this use, and not taken it back."""
    return PatientChoice.objects.in_force().filter(patient=patient, use=use, answer="opposed").exists()


def choices_of(patient: Patient) -> list[PatientChoice]:
    """All that the patient decided, latest first, what was withdrawn too."""
    return list(PatientChoice.objects.filter(patient=patient))


def record_choice(
    patient: Patient, *, use: str, answer: str, said_by: str, said_on: dt.date, evidence: str, actor: Actor
) -> PatientChoice:
    """Record what the patient decided about a use; what held of it before ends with this."""
    with transaction.atomic():
        Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
        before = PatientChoice.objects.in_force().filter(patient=patient, use=use)
        before.update(withdrawn_at=timezone.now(), withdrawn_by=_name(actor))
        made = PatientChoice.objects.create(
            patient=patient,
            use=use,
            answer=answer,
            said_by=said_by,
            said_on=said_on,
            evidence=evidence[:300],
            recorded_by=_name(actor),
        )
        _record(audit.Action.PATIENT_CHOICE_RECORDED, made, actor)
    return made


def withdraw_choice(choice: PatientChoice, *, actor: Actor) -> bool:
    """End what a patient decided; False when it has ended already."""
    with transaction.atomic():
        held = PatientChoice.objects.in_force().filter(pk=choice.pk)
        if not held.update(withdrawn_at=timezone.now(), withdrawn_by=_name(actor)):
            return False
        _record(audit.Action.PATIENT_CHOICE_WITHDRAWN, choice, actor)
    return True


def _name(actor: Actor) -> str:
    return (actor.name or actor.id)[:150]


def _record(action: audit.Action, choice: PatientChoice, actor: Actor) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="patient",
        subject_uid=str(choice.patient_id),
        patient_id=choice.patient.patient_id,
        issuer_of_patient_id=choice.patient.issuer_of_patient_id,
        detail={"choice": choice.pk, "use": choice.use, "answer": choice.answer, "said_by": choice.said_by},
    )
