"""Appointments of another system: the order that it placed is booked, moved, given back, missed (SIU)."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Department
from imaging.ehr import services
from imaging.ehr.models import Hl7Peer
from imaging.orders.models import ExamRequest, OpeningHours, Room, ScheduledStep
from tests.factories.accounts import DepartmentFactory
from tests.factories.exam_requests import procedure
from tests.imaging.ehr.sent import MSH, adt, order

pytestmark = pytest.mark.django_db

Tell = Callable[..., str]
#: A Tuesday, at nine by the clocks of the site.
NINE = dt.datetime(2026, 1, 6, 8, tzinfo=dt.UTC)
_numbers = iter(range(1, 1000))


@pytest.fixture
def radiology(emergency: Department) -> Department:
    """Performs."""
    return DepartmentFactory.create(code="rad-dept", name="Radiology", site=emergency.site)


@pytest.fixture
def room(radiology: Department) -> Room:
    """Open on working days."""
    made = Room.objects.create(code="ct1", name="CT 1", department=radiology, modalities=["CT"])
    for weekday in range(5):
        OpeningHours.objects.create(room=made, weekday=weekday, opens=dt.time(8), closes=dt.time(18))
    return made


@pytest.fixture
def placed(register: Hl7Peer, emergency: Department, radiology: Department) -> ExamRequest:
    """An order of the system, which nobody has to vet."""
    procedure(code="CT1", department=radiology, needs_vetting=False, duration_minutes=30)
    register.may_order = True
    register.requesting_department = emergency
    register.save()
    services.receive(order(placer="PON1"), "127.0.0.1")
    return ExamRequest.objects.get()


@pytest.fixture
def tell(placed: ExamRequest, room: Room) -> Tell:
    """`tell("S12", at=…, room=…)` has an appointment taken; the acknowledgement."""

    def told(
        event: str,
        *,
        at: str = "20260106090000",
        where: str = "CT1",
        placer: str = "PON1^HIS",
        pid: str = "P1^^^HOSPITAL^MR",
        rows: tuple[str, ...] = (),
    ) -> str:
        header = MSH.format(
            application="HIS", facility="DEMO HOSPITAL", kind=f"SIU^{event}^SIU_S12", control_id=f"S{next(_numbers)}",
            processing="P", version="2.5.1", charset="UNICODE UTF-8",
        )  # fmt: skip
        sch = "SCH|APP1" + "|" * 10 + f"^^30^{at}" + "|" * 15 + placer
        segments = [header, sch, *rows, f"PID|1||{pid}||Durand^Hélène||19700102|F", "RGS|1", f"AIL|1||RAD^{where}"]
        (answer,) = services.receive(("\r".join(segments) + "\r").encode(), "127.0.0.1")
        return answer.decode().replace("\r", "\n")

    return told


def places() -> list[tuple[str, dt.datetime, str]]:
    rows = ScheduledStep.objects.order_by("pk").select_related("room")
    return [(step.room.code, step.starts_at, step.status) for step in rows]


def state() -> Any:
    return ExamRequest.objects.get().state


def test_an_order_is_booked_moved_and_given_back(tell: Tell, room: Room) -> None:
    assert "MSA|AA" in tell("S12")
    assert (places(), state()) == ([("ct1", NINE, "scheduled")], "scheduled")
    assert "MSA|AA" in tell("S13", at="20260106103000+0100")
    assert places() == [("ct1", NINE + dt.timedelta(minutes=90), "scheduled")]
    assert "MSA|AA" in tell("S15")
    assert (places()[0][2], state()) == ("cancelled", "requested")
    assert "MSA|AA" in tell("S15"), "told again"


def test_the_same_appointment_again_changes_nothing(tell: Tell) -> None:
    tell("S12")
    before = ExamRequest.objects.get().version
    assert "MSA|AA" in tell("S14")
    assert ExamRequest.objects.get().version == before


def test_who_did_not_come_can_be_booked_anew(tell: Tell) -> None:
    tell("S12")
    assert "MSA|AA" in tell("S26")
    assert state() == "no_show"
    assert "MSA|AA" in tell("S12", at="20260107090000")
    assert state() == "scheduled"


def test_the_time_of_the_appointment_itself_comes_first(tell: Tell) -> None:
    tell("S12", rows=("TQ1|1||||||20260106110000",))
    assert places()[0][1] == NINE + dt.timedelta(hours=2)


@pytest.mark.parametrize(
    ("changes", "code", "where"),
    [
        ({"placer": "PON9"}, "204", "SCH^1^26"),
        ({"where": "MR7"}, "103", "AIL^1^3"),
        ({"where": ""}, "103", "AIL^1^3"),
        ({"at": ""}, "101", "SCH^1^11"),
        ({"at": "tomorrow"}, "102", "SCH^1^11"),
        ({"at": "20260106060000"}, "206", "SCH^1^11"),
        ({"pid": "P2^^^HOSPITAL^MR"}, "204", "PID^1^3"),
    ],
)
def test_what_cannot_be_booked_is_refused_where_it_stands(
    tell: Tell, changes: dict[str, str], code: str, where: str
) -> None:
    services.receive(adt("A04", pid="P2^^^HOSPITAL^MR", name="Other^Person"), "127.0.0.1")
    answer = tell("S12", **changes)
    assert f"ERR||{where}|{code}^" in answer
    assert (places(), state()) == ([], "requested")


def test_a_place_that_is_taken_is_refused(tell: Tell) -> None:
    tell("S12")
    services.receive(order(placer="PON2"), "127.0.0.1")
    answer = tell("S12", placer="PON2", at="20260106091500")
    assert "ERR||SCH^1^11|206^" in answer
    assert len(places()) == 1


def test_what_waits_to_be_vetted_is_not_booked(tell: Tell, placed: ExamRequest) -> None:
    type(placed.procedure).objects.update(needs_vetting=True)
    assert "ERR||SCH^1^26|206^" in tell("S12")
    assert state() == "requested"


def test_who_may_not_order_does_not_book(tell: Tell, register: Hl7Peer) -> None:
    Hl7Peer.objects.update(may_order=False)
    assert "ERR||MSH^1^9|200^" in tell("S12")
