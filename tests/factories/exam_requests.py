"""Makers of exam requests where a test needs them to stand, with the step that is booked for one."""

from datetime import timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from accounts.models import Department
from imaging.orders.models import ExamRequest, Procedure, Room, ScheduledStep
from imaging.studies.models import Patient

_numbers = count(1)


def procedure(**values: Any) -> Procedure:
    """An exam of the catalogue."""
    code = values.pop("code", f"CT-THORAX-{next(_numbers)}")
    known = {"name": "CT of the thorax", "name_fr": "TDM du thorax", "modality": "CT", "region": "chest"}
    return Procedure.objects.create(code=code, **{**known, **values})


def exam_request(*, asking: Department, performing: Department, **values: Any) -> ExamRequest:
    """A request of one department to another, scheduled unless told otherwise."""
    known: dict[str, Any] = {
        "state": ExamRequest.State.SCHEDULED,
        "requesting_department": asking,
        "performing_department": performing,
        "accession_number": f"ACC{next(_numbers)}",
        "clinical_question": "Pneumonia?",
        "requested_at": timezone.now(),
        "scheduled_for": timezone.now(),
    }
    if "procedure" not in values:
        known["procedure"] = procedure()
    return ExamRequest.objects.create(**{**known, **values})


def booked(request: ExamRequest, **values: Any) -> ScheduledStep:
    """The place of a room that is booked for a request."""
    number = next(_numbers)
    room = Room.objects.create(
        code=f"ROOM{number}", name=f"Room {number}", department=request.performing_department, modalities=["CT"]
    )
    now = timezone.now()
    known = {"step_id": f"S{number}", "modality": "CT", "starts_at": now, "ends_at": now + timedelta(minutes=15)}
    return ScheduledStep.objects.create(request=request, room=room, **{**known, **values})


def indexed_patient(**values: Any) -> Patient:
    """The patient of ``arrivals.dataset``, as the index of the tests' hospital knows them."""
    known = {"patient_id": "P1", "patient_name": "Durand^Hélène", "birth_date": "1970-01-02", "sex": "F"}
    made, _new = Patient.objects.get_or_create(
        patient_id=values.get("patient_id", "P1"),
        issuer_of_patient_id=values.get("issuer_of_patient_id", ""),
        defaults={**known, **values},
    )
    return made
