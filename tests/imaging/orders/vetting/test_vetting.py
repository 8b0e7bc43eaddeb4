"""The vetting list: decided once, told to the second, taken back to where it came from, and as another exam."""

import datetime as dt
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from imaging.orders.models import ExamRequest, RequestTransition
from imaging.orders.requesting import selectors as requesting
from imaging.orders.requesting.policies import Asker
from imaging.orders.vetting import selectors
from tests.factories.exam_requests import exam_request, procedure
from tests.imaging.orders.requesting.conftest import asker

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(emergency: Department, radiology: Department) -> list[ExamRequest]:
    """Three requests of emergency: routine since yesterday, urgent since an hour, routine since a minute."""
    now = timezone.now()
    ages = ((2, dt.timedelta(days=1)), (1, dt.timedelta(hours=1)), (2, dt.timedelta(minutes=1)))
    return [
        exam_request(
            asking=emergency,
            performing=radiology,
            state="requested",
            priority=priority,
            requested_at=now - age,
            scheduled_for=None,
            typed_name=f"Durand^{number}",
        )
        for number, (priority, age) in enumerate(ages)
    ]


@pytest.fixture
def as_paul(client: Client, paul: User) -> Client:
    client.force_login(paul)
    return client


def decide(client: Client, request: ExamRequest, step: str, text: str = "", version: int = 1, **headers: str) -> object:
    sent = {"step": step, "text": text, "version": version}
    return client.post(f"/vetting/{request.key}/decide", sent, headers=headers)


def reader(user: User) -> Asker:
    person = requesting.reader(user, actor=asker(user).actor, scope=asker(user).scope)
    assert person is not None
    return person


def test_the_most_urgent_and_oldest_stands_first_and_the_next_is_chosen_after_a_decision(
    as_paul: Client, paul: User, waiting: list[ExamRequest]
) -> None:
    old, urgent, new = waiting
    assert [row.pk for row in selectors.listed(reader(paul))] == [urgent.pk, old.pk, new.pk]
    for first, following in ((urgent, old), (new, old)):
        answer = as_paul.post(f"/vetting/{first.key}/decide", {"step": "vet", "text": "Low dose", "version": 1})
        assert answer.headers["Location"] == f"/vetting/{following.key}/"
    answer = as_paul.post(f"/vetting/{old.key}/decide", {"step": "vet", "text": "", "version": 1})
    assert answer.headers["Location"] == "/vetting/"


def test_the_second_of_two_who_decide_is_told_and_finds_what_was_typed(
    as_paul: Client, waiting: list[ExamRequest]
) -> None:
    decide(as_paul, waiting[0], "vet", "Low dose")
    plain = as_paul.post(
        f"/vetting/{waiting[0].key}/decide", {"step": "refuse", "text": "Ultrasound first", "version": 1}
    )
    assert plain.status_code == 409
    part = as_paul.post(
        f"/vetting/{waiting[0].key}/decide",
        {"step": "refuse", "text": "Ultrasound first", "version": 1},
        headers={"HX-Request": "true"},
    )
    for answer in (plain, part):
        assert "Ultrasound first</textarea>" in answer.content.decode()
        assert "Somebody has changed this request meanwhile: vetted." in answer.content.decode()
    waiting[0].refresh_from_db()
    assert (waiting[0].state, waiting[0].protocol) == ("vetted", "Low dose")


@pytest.mark.parametrize(("decision", "back"), [("vet", "unvet"), ("return", "recall"), ("refuse", "reconsider")])
def test_the_last_decision_is_taken_back_and_who_waited_has_waited_since_then(
    as_paul: Client, paul: User, waiting: list[ExamRequest], decision: str, back: str
) -> None:
    since = waiting[0].requested_at
    decide(as_paul, waiting[0], decision, "Why?")
    last = selectors.last_decision(reader(paul))
    assert last is not None
    assert (last.request.pk, last.back.value) == (waiting[0].pk, back)
    decide(as_paul, waiting[0], back, version=2)
    waiting[0].refresh_from_db()
    assert (waiting[0].state, waiting[0].requested_at) == ("requested", since)
    assert waiting[0].ended_reason == ""
    assert selectors.last_decision(reader(paul)) is None


def test_a_refusal_of_what_was_vetted_goes_back_to_vetted(as_paul: Client, waiting: list[ExamRequest]) -> None:
    for version, (step, text) in enumerate((("vet", "Low dose"), ("refuse", "No machine"), ("reconsider", "")), 1):
        decide(as_paul, waiting[0], step, text, version)
    waiting[0].refresh_from_db()
    assert (waiting[0].state, waiting[0].protocol) == ("vetted", "Low dose")


@pytest.mark.parametrize("step", ["return", "refuse"])
def test_nothing_is_decided_without_words_where_words_are_needed(
    as_paul: Client, waiting: list[ExamRequest], step: str
) -> None:
    answer = as_paul.post(f"/vetting/{waiting[0].key}/decide", {"step": step, "text": " ", "version": 1})
    assert answer.status_code == 422
    waiting[0].refresh_from_db()
    assert waiting[0].state == "requested"


def test_another_exam_is_chosen_with_its_side_and_the_history_says_why(
    as_paul: Client, waiting: list[ExamRequest]
) -> None:
    hand = procedure(code="DX-HAND", name="Hand", modality="DX", region="upper_limb", sides="one", needs_vetting=True)
    address = f"/vetting/{waiting[0].key}/exchange"
    for wrong in ({"procedure": hand.code}, {"procedure": hand.code, "laterality": "B"}, {"procedure": "NONE"}):
        assert as_paul.post(address, {**wrong, "version": 1}).status_code == 422
    right = {"procedure": hand.code, "laterality": "L", "text": "No CT needed", "version": 1}
    assert as_paul.post(address, right).status_code == 302
    assert as_paul.post(address, right).status_code == 409
    waiting[0].refresh_from_db()
    assert (waiting[0].procedure, waiting[0].laterality, waiting[0].state) == (hand, "L", "requested")
    told = RequestTransition.objects.get(request=waiting[0], name="exchange")
    assert (told.reason, told.detail["to"]) == ("No CT needed", "DX-HAND")


@pytest.mark.usefixtures("early_clock")
def test_the_rows_answer_304_until_something_changes(as_paul: Client, waiting: list[ExamRequest]) -> None:
    first = as_paul.get("/vetting/rows")
    tag = first.headers["ETag"]
    assert as_paul.get("/vetting/rows", headers={"If-None-Match": tag}).status_code == 304
    decide(as_paul, waiting[1], "vet")
    assert as_paul.get("/vetting/rows", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize("page", ["", "decide", "exchange"])
def test_a_request_of_others_is_404_as_if_it_did_not_exist(
    as_paul: Client, emergency: Department, radiology: Department, page: str
) -> None:
    foreign = exam_request(asking=emergency, performing=emergency, state="requested")
    draft = exam_request(asking=emergency, performing=radiology, state="draft")
    for key in (foreign.key, draft.key, uuid.uuid4()):
        address = f"/vetting/{key}/{page}"
        answer = as_paul.post(address, {"step": "vet", "version": 1}) if page else as_paul.get(address)
        assert answer.status_code == 404


def test_who_only_asks_does_not_vet(client: Client, ines: User, waiting: list[ExamRequest]) -> None:
    client.force_login(ines)
    assert client.get("/vetting/rows").status_code == 403
    assert client.get(f"/vetting/{waiting[0].key}/").status_code == 403
    assert client.post(f"/vetting/{waiting[0].key}/decide", {"step": "vet", "version": 1}).status_code == 403
    assert ExamRequest.objects.filter(state="requested").count() == 3
