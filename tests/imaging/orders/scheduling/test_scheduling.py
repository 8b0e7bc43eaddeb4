"""From the question to the room: vetted, booked once whoever else wants the place, received; and the clocks that change."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Capability, Role
from imaging.orders.models import ExamRequest, OpeningHours, Room, ScheduledStep
from imaging.orders.scheduling import selectors, services
from imaging.orders.scheduling.places import Hours, Span, day_span, free_places, open_spans
from imaging.orders.transitions import By
from imaging.orders.workflow import RULES, State, Step, offered, reached
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.exam_requests import exam_request

pytestmark = pytest.mark.django_db
PARIS = ZoneInfo("Europe/Paris")
EVERY = frozenset(Capability)


@pytest.fixture
def room(radiology: Department) -> Room:
    made = Room.objects.create(code="ct1", name="CT 1", department=radiology, modalities=["CT"])
    for weekday in range(7):
        OpeningHours.objects.create(room=made, weekday=weekday, opens=dt.time(8), closes=dt.time(18))
    return made


@pytest.fixture
def vetted(emergency: Department, radiology: Department) -> list[ExamRequest]:
    values = {"state": "vetted", "scheduled_for": None, "typed_name": "Durand^Paul"}
    return [exam_request(asking=emergency, performing=radiology, **values) for _ in range(2)]


@pytest.fixture
def rita(radiology: Department) -> User:
    user = UserFactory.create(username="rita")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOGRAPHER)
    return user


def test_days_on_which_the_clocks_change_have_their_true_length() -> None:
    lengths = [
        (span.ends - span.starts) // dt.timedelta(hours=1)
        for span in (day_span(day, PARIS) for day in (dt.date(2026, 3, 29), dt.date(2026, 10, 25)))
    ]
    assert lengths == [23, 25]
    night = [Hours(6, dt.time(0), dt.time(0))]
    quarter = dt.timedelta(minutes=15)
    [opened] = open_spans(night, dt.date(2026, 3, 29), PARIS)
    assert len(list(free_places([opened], [], length=quarter, grid=quarter, since=opened.starts))) == 23 * 4


def test_no_free_place_lies_over_what_is_booked() -> None:
    [opened] = open_spans([Hours(0, dt.time(8), dt.time(10))], dt.date(2026, 11, 23), PARIS)
    half = dt.timedelta(minutes=30)
    taken = [Span(opened.starts + half, opened.starts + 2 * half)]
    found = list(free_places([opened], taken, length=half, grid=half, since=opened.starts))
    assert [place.starts - opened.starts for place in found] == [0 * half, 2 * half, 3 * half]


def test_the_second_who_books_a_place_is_told_what_is_there(room: Room, vetted: list[ExamRequest]) -> None:
    [place] = selectors.next_places(vetted[0], room, most=1)
    by = By(SYSTEM)
    step = services.book(vetted[0].key, room, place.starts, by=by, seen_version=1)
    assert len(step.step_id) == 16
    with pytest.raises(services.Taken) as refused:
        services.book(vetted[1].key, room, place.starts, by=by, seen_version=1)
    assert refused.value.steps == [step]
    assert ExamRequest.objects.get(pk=vetted[1].pk).state == "vetted"
    services.unbook(vetted[0].key, by=by, seen_version=2)
    services.book(vetted[1].key, room, place.starts, by=by, seen_version=1)


def test_a_closed_room_is_booked_for_stat_alone_and_with_a_reason(room: Room, vetted: list[ExamRequest]) -> None:
    night = dt.datetime(2027, 1, 4, 3, tzinfo=PARIS)
    with pytest.raises(services.Closed):
        services.book(vetted[0].key, room, night, by=By(SYSTEM), seen_version=1, overruling="bleeds")
    ExamRequest.objects.filter(pk=vetted[0].pk).update(priority=0)
    services.book(vetted[0].key, room, night, by=By(SYSTEM), seen_version=1, overruling="bleeds")


def test_an_exam_is_vetted_booked_and_received_by_its_pages(
    client: Client, room: Room, emergency: Department, radiology: Department, paul: User, rita: User, ines: User
) -> None:
    asked = exam_request(asking=emergency, performing=radiology, state="requested", typed_name="Durand^Paul")
    client.force_login(ines)
    assert [client.get(page).status_code for page in ("/vetting/", "/schedule/", "/exams/")] == [403] * 3
    client.force_login(paul)
    assert "durand" in client.get("/vetting/").content.decode().lower()
    client.post(f"/vetting/{asked.key}/decide", {"step": "vet", "text": "Low dose", "version": 1})
    asked.refresh_from_db()
    assert (asked.state, asked.protocol, asked.vetted_by) == ("vetted", "Low dose", paul)
    client.force_login(rita)
    assert "durand" in client.get(f"/schedule/?request={asked.key}").content.decode().lower()
    now = timezone.now().astimezone(PARIS)
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    client.post(f"/schedule/{asked.key}/book", {"room": "ct1", "at": f"{noon:%Y-%m-%dT%H:%M}", "version": 2})
    assert ScheduledStep.objects.get().starts_at == noon
    assert "durand" in client.get("/exams/").content.decode().lower()
    for version, step in enumerate(("arrive", "unarrive", "arrive", "start", "complete"), 3):
        client.post(f"/exams/{asked.key}/take", {"act": f"{step}:{version}"})
    asked.refresh_from_db()
    assert (asked.state, ScheduledStep.objects.get().status) == ("completed", "completed")


def test_what_is_offered_can_be_taken_and_every_undo_follows() -> None:
    for needs_vetting in (True, False):
        for state in State:
            shown = offered(state, asking=EVERY, doing=EVERY, needs_vetting=needs_vetting)
            for step in shown:
                after = reached(step, state, reason="why", needs_vetting=needs_vetting)
                undo = RULES[step].undone_by
                assert undo is None or after in RULES[Step(undo)].leaves
