"""Two people book at the same moment: one gets the place, the other is told, and nothing of theirs is written."""

import datetime as dt
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.actor import SYSTEM
from accounts.models import Department
from imaging.orders.models import ExamRequest, OpeningHours, Room, ScheduledStep
from imaging.orders.scheduling import services
from imaging.orders.transitions import By, ChangedMeanwhile
from tests.factories.exam_requests import exam_request

pytestmark = pytest.mark.django_db(transaction=True)
NINE = dt.datetime(2031, 3, 12, 9, tzinfo=ZoneInfo("Europe/Paris"))


@pytest.fixture
def room(radiology: Department) -> Room:
    made = Room.objects.create(code="ct1", name="CT 1", department=radiology, modalities=["CT"])
    OpeningHours.objects.create(room=made, weekday=NINE.weekday(), opens=dt.time(8), closes=dt.time(18))
    return made


def both(wishes: list[tuple[ExamRequest, dt.datetime]], room: Room) -> list[Future[ScheduledStep]]:
    """Each books from a thread of its own, as soon as all are ready."""
    ready = Barrier(len(wishes), timeout=30)

    def wish(request: ExamRequest, starts: dt.datetime) -> ScheduledStep:
        try:
            ready.wait()
            return services.book(request.key, room, starts, by=By(SYSTEM), seen_version=request.version)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(wishes)) as pool:
        return [pool.submit(wish, *one) for one in wishes]


def test_of_two_who_want_the_same_place_one_gets_it(room: Room, emergency: Department, radiology: Department) -> None:
    requests = [
        exam_request(asking=emergency, performing=radiology, state="vetted", scheduled_for=None) for _ in range(2)
    ]
    answers = both([(requests[0], NINE), (requests[1], NINE + dt.timedelta(minutes=5))], room)
    refused = [error for one in answers if (error := one.exception()) is not None]
    assert [type(error) for error in refused] == [services.Taken]
    assert ScheduledStep.objects.count() == 1
    assert sorted(ExamRequest.objects.values_list("state", flat=True)) == ["scheduled", "vetted"]


def test_of_two_who_book_the_same_request_the_second_is_told(
    room: Room, emergency: Department, radiology: Department
) -> None:
    request = exam_request(asking=emergency, performing=radiology, state="vetted", scheduled_for=None)
    answers = both([(request, NINE), (request, NINE + dt.timedelta(hours=2))], room)
    refused = [error for one in answers if (error := one.exception()) is not None]
    assert [type(error) for error in refused] == [ChangedMeanwhile]
    assert ScheduledStep.objects.filter(status__in=ScheduledStep.LIVE).count() == 1
