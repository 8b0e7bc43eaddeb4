"""The day of a room by hand: said, taken back, and what becomes of a patient whose place was given away."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Role
from imaging.orders.models import ExamRequest, ScheduledStep
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.exam_requests import booked, exam_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def step(emergency: Department, radiology: Department) -> ScheduledStep:
    asked = exam_request(asking=emergency, performing=radiology, typed_name="Durand^Paul", protocol="Low dose")
    return booked(asked)


@pytest.fixture
def as_rita(client: Client, radiology: Department) -> Client:
    user = UserFactory.create(username="rita")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOGRAPHER)
    client.force_login(user)
    return client


def say(client: Client, step: ScheduledStep, act: str, reason: str = "") -> ExamRequest:
    """Say something of the exam as it is now."""
    step.request.refresh_from_db()
    client.post(f"/exams/{step.request.key}/take", {"act": f"{act}:{step.request.version}", "reason": reason})
    step.request.refresh_from_db()
    step.refresh_from_db()
    return step.request


@pytest.mark.parametrize(
    ("said", "back", "state", "status"),
    [
        (("miss",), "unmiss", "scheduled", "scheduled"),
        (("arrive", "discontinue"), "resume", "arrived", "arrived"),
        (("arrive", "start", "discontinue"), "resume", "in_progress", "started"),
        (("arrive", "start", "complete"), "reopen_exam", "in_progress", "started"),
        (("arrive",), "unarrive", "scheduled", "scheduled"),
    ],
)
def test_what_was_said_is_taken_back_with_its_place(
    as_rita: Client, step: ScheduledStep, said: tuple[str, ...], back: str, state: str, status: str
) -> None:
    for act in said:
        say(as_rita, step, act, reason="why")
    request = say(as_rita, step, back, reason="why")
    assert (request.state, step.status) == (state, status)
    assert request.ended_at is None


def test_who_was_missed_and_comes_after_all_waits_for_a_new_place_when_the_old_one_is_gone(
    as_rita: Client, step: ScheduledStep, emergency: Department, radiology: Department
) -> None:
    say(as_rita, step, "miss")
    other = exam_request(asking=emergency, performing=radiology)
    values = {"starts_at": step.starts_at, "ends_at": step.ends_at, "modality": "CT", "room": step.room}
    ScheduledStep.objects.create(request=other, step_id="OTHER", **values)
    request = say(as_rita, step, "unmiss")
    assert (request.state, request.scheduled_for, step.status) == ("vetted", None, "no_show")
    page = as_rita.get(f"/exams/?room={step.room.code}").content.decode()
    assert "the request waits for a new one" in page


def test_an_exam_is_broken_off_with_a_reason_that_is_asked_for(as_rita: Client, step: ScheduledStep) -> None:
    say(as_rita, step, "arrive")
    asked = as_rita.get(f"/exams/{step.request.key}/why/discontinue", headers={"HX-Request": "true"})
    assert "Patient refuses to go on" in asked.content.decode()
    assert "<html" not in asked.content.decode()
    assert say(as_rita, step, "discontinue").state == "arrived"
    request = say(as_rita, step, "discontinue", reason="Machine failed")
    assert (request.state, request.ended_reason) == ("discontinued", "Machine failed")
    for wrong in ("arrive", "vet", "nothing"):
        assert as_rita.get(f"/exams/{step.request.key}/why/{wrong}").status_code == 404
    assert as_rita.get(f"/exams/{step.request.key}/why/discontinue").status_code == 302


@pytest.mark.usefixtures("early_clock")
def test_the_day_shows_what_has_to_be_known_and_answers_304_until_something_changes(
    as_rita: Client, step: ScheduledStep
) -> None:
    safety = {"allergy": {"answer": "yes", "more": "Urticaria", "text": "Allergy?", "alarming": True}}
    ExamRequest.objects.filter(pk=step.request_id).update(safety=safety)
    address = f"/exams/rows?room={step.room.code}"
    page = as_rita.get(address)
    for words in ("Low dose", "Urticaria", "Patient is here"):
        assert words in page.content.decode()
    tag = page.headers["ETag"]
    assert as_rita.get(address, headers={"If-None-Match": tag}).status_code == 304
    say(as_rita, step, "arrive")
    assert as_rita.get(address, headers={"If-None-Match": tag}).status_code == 200
    tomorrow = timezone.localdate() + dt.timedelta(days=2)
    assert "DURAND" not in as_rita.get(f"{address}&day={tomorrow}").content.decode()


def test_the_second_of_two_who_say_something_is_told(as_rita: Client, step: ScheduledStep) -> None:
    for _person in range(2):
        answer = as_rita.post(f"/exams/{step.request.key}/take", {"act": "miss:1"}, follow=True)
    assert "Somebody has changed this request meanwhile" in answer.content.decode()


@pytest.mark.parametrize(
    ("state", "before", "step_name", "after"),
    [("cancelled", "requested", "uncancel", "requested"), ("cancelled", "scheduled", "uncancel", "vetted")],
)
def test_who_cancelled_takes_that_back_on_the_page_of_the_request(
    client: Client,
    ines: User,
    emergency: Department,
    radiology: Department,
    state: str,
    before: str,
    step_name: str,
    after: str,
) -> None:
    asked = exam_request(asking=emergency, performing=radiology, state=before, requester=ines)
    client.force_login(ines)
    client.post(f"/requests/{asked.key}/cancel", {"reason": "Not needed", "version": 1})
    asked.refresh_from_db()
    assert asked.state == state
    assert "Take the cancelling back" in client.get(f"/requests/{asked.key}/").content.decode()
    client.post(f"/requests/{asked.key}/take-back", {"act": f"{step_name}:{asked.version}"})
    asked.refresh_from_db()
    assert asked.state == after
    assert client.post(f"/requests/{asked.key}/take-back", {"act": "vet:9"}).status_code == 404
