"""ORM^O01: where an exam request stands (HL7 v2.5.1 section 4.4; IHE RAD-3). What is told is ORC-1 and ORC-5, and when it is booked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imaging.ehr.hl7 import writing
from imaging.ehr.hl7.writing import Field
from imaging.ehr.models import Hl7Destination
from imaging.ehr.sending import segments
from imaging.ehr.sending.results import Envelope
from imaging.orders.models import ExamRequest
from imaging.orders.workflow import State
from imaging.studies.models import Patient

_STATUS_CHANGED: Final = "SC"
_CANCELLED: Final = "OC"
_CHANGED: Final = "XX"
#: ORC-1 (table 0119) and ORC-5 (table 0038) by where the request stands. What is not here says nothing to others.
_STANDINGS: Final = {
    State.RETURNED: (_STATUS_CHANGED, "HD"),
    State.NO_SHOW: (_STATUS_CHANGED, "HD"),
    State.REFUSED: (_CANCELLED, "CA"),
    State.CANCELLED: (_CANCELLED, "CA"),
    State.SCHEDULED: (_STATUS_CHANGED, "SC"),
    State.ARRIVED: (_STATUS_CHANGED, "SC"),
    State.IN_PROGRESS: (_STATUS_CHANGED, "IP"),
    State.COMPLETED: (_STATUS_CHANGED, "CM"),
    State.REPORTED: (_STATUS_CHANGED, "CM"),
    State.ACKNOWLEDGED: (_STATUS_CHANGED, "CM"),
    State.DISCONTINUED: (_STATUS_CHANGED, "DC"),
}
_OPEN: Final = frozenset({State.REQUESTED, State.VETTED})
#: After one of these the request is alive again: its receiver is told so.
_STOPPED: Final = frozenset({"HD", "CA", "DC"})


@dataclass(frozen=True, slots=True)
class Standing:
    """What a receiver knows of a request, or is to know: ORC-1, ORC-5, and the minute for which it is booked."""

    control: str
    status: str = ""
    booked: str = ""

    @classmethod
    def read(cls, text: str) -> Standing:
        """As ``str`` has written it."""
        return cls(*[*text.split("/"), "", ""][:3])

    def __str__(self) -> str:
        return f"{self.control}/{self.status}/{self.booked}"

    def says_more_than(self, told: Standing) -> bool:
        """Whether it tells anything that ``told`` has not."""
        return (self.status, self.booked) != (told.status, told.booked)


def standing(request: ExamRequest, *, told: Standing | None, new_order: str) -> Standing | None:
    """What is to be told now, after ``told``; None where nothing is.

    ``new_order`` is ORC-1 of a request that was written here, which its receiver does not know yet; nobody is told of one
    that ended before.
    """
    state = State(request.state)
    control, status = _STANDINGS.get(state, ("", ""))
    booked = writing.moment(request.scheduled_for)[:12] if status == "SC" else ""
    if told is None:
        is_ours = request.source == "page"
        if state is State.DRAFT or (is_ours and control == _CANCELLED):
            return None
        if is_ours:
            return Standing(new_order, status, booked)
        return Standing(control, status, booked) if control else None
    if state in _OPEN:
        return Standing(_CHANGED) if told.status in _STOPPED else None
    found = Standing(control, status, booked)
    return found if control and found.says_more_than(told) else None


def message(envelope: Envelope, request: ExamRequest, patient: Patient, now: Standing) -> bytes:
    """The message of a standing. Raises ``writing.NotWritable``."""
    destination = envelope.destination
    priority = {0: "S", 1: "A"}.get(request.priority, "R")
    booked = _zoned(request.scheduled_for, destination) if now.status == "SC" else ""
    quantity: Field = ("", "", "", booked or _zoned(request.wished_from, destination), "", priority)
    reason: Field = ("", request.ended_reason) if now.control == _CANCELLED or now.status == "DC" else ""
    written = [
        segments.header(destination, segments.ORDER, envelope.control_id, envelope.at),
        segments.patient(patient, destination),
        segments.order(
            request,
            None,
            control=now.control,
            status=now.status,
            fields={7: quantity, 9: _zoned(envelope.at, destination), 16: reason},
        ),
        segments.exam(destination, request, None, number=1, fields={27: quantity, 36: booked}),
    ]
    if request.study_instance_uid:
        written.append(writing.segment("ZDS", {1: (request.study_instance_uid, "NEGATOSCOPE", "Application", "DICOM")}))
    return writing.message(written, destination.character_set)


def _zoned(at: datetime | None, destination: Hl7Destination) -> str:
    zone = destination.site.zone
    return writing.moment(at.astimezone(zone)) if at else ""
