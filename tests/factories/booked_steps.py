"""Makers of a room with its machine, and of steps booked in it: what a modality worklist is made of."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import Department
from imaging.dicom import person_name, uids
from imaging.ingest.models import ApplicationEntity
from imaging.orders.models import ExamRequest, Room, ScheduledStep
from imaging.studies.models import Patient
from tests.factories.exam_requests import exam_request

PARIS = ZoneInfo("Europe/Paris")
_numbers = count(1)


def station(title: str, department: Department, **values: Any) -> ApplicationEntity:
    """A machine that may ask for the worklist of a department's rooms."""
    entity = ApplicationEntity.objects.create(ae_title=title, may_ask_worklist=True, **values)
    entity.departments.set([department])
    return entity


def room(department: Department, machine: ApplicationEntity | None = None, **values: Any) -> Room:
    """A room of a department, with its machine."""
    number = next(_numbers)
    known = {"code": f"room-{number}", "name": f"Room {number}", "modalities": ["CT"], "station": machine}
    return Room.objects.create(department=department, **{**known, **values})


def patient(name: str, number: str = "", **values: Any) -> Patient:
    """A patient of the index."""
    known = {"issuer_of_patient_id": "HOSPITAL", "birth_date": "1970-01-02", "sex": "F"}
    return Patient.objects.create(
        patient_name=name,
        name_norm=person_name.normalised(name),
        patient_id=number or f"MRN{next(_numbers)}",
        **{**known, **values},
    )


def step(
    place: Room, at: datetime, *, of: Patient | None = None, asked: dict[str, Any] | None = None, **values: Any
) -> ScheduledStep:
    """A step that is booked in a room at a time, for a request to the room's department."""
    number = next(_numbers)
    wanted: dict[str, Any] = {
        "accession_number": f"ACC{number}",
        "requested_procedure_id": f"RP{number}",
        "study_instance_uid": uids.new_uid(),
        "scheduled_for": at,
        "patient": of,
    }
    request: ExamRequest = exam_request(
        asking=place.department, performing=place.department, **{**wanted, **(asked or {})}
    )
    known = {
        "step_id": f"SPS{number}",
        "modality": "CT",
        "station_ae_title": place.station.ae_title if place.station else "",
        "ends_at": at + timedelta(minutes=15),
    }
    return ScheduledStep.objects.create(request=request, room=place, starts_at=at, **{**known, **values})


def at(day: int, hour: int = 9, minute: int = 0) -> datetime:
    """A time of January 2031 in Paris."""
    return datetime(2031, 1, day, hour, minute, tzinfo=PARIS)
