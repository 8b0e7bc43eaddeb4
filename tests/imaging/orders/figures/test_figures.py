"""Figures of departments: right against numbers counted by hand, and shown to those alone who may see them."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Role
from imaging.orders.figures import drawing, policies, selectors
from imaging.orders.figures.selectors import Asked
from imaging.orders.models import ExamRequest, Priority, Procedure, Region
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/figures/"
_State = ExamRequest.State


@pytest.fixture
def radiology() -> Department:
    """Where exams are made."""
    return DepartmentFactory.create(code="radiology", name="Radiology")


@pytest.fixture
def chief(radiology: Department, client: Client) -> User:
    """Who manages radiology, signed in."""
    person = UserFactory.create()
    MembershipFactory.create(user=person, department=radiology, role=Role.DEPARTMENT_MANAGER)
    client.force_login(person)
    return person


def procedure(modality: str) -> Procedure:
    """An exam of a modality."""
    made, _created = Procedure.objects.get_or_create(
        code=f"x-{modality.lower()}", defaults={"name": modality, "modality": modality, "region": Region.CHEST}
    )
    return made


def request_of(department: Department, *, hours_ago: float, modality: str = "CT", **fields: Any) -> ExamRequest:
    """A request that was sent so long ago."""
    asked = timezone.now() - timedelta(hours=hours_ago)
    values = {"state": _State.REQUESTED, "requested_at": asked, **fields}
    return ExamRequest.objects.create(performing_department=department, procedure=procedure(modality), **values)


def reported(department: Department, minutes: float, **fields: Any) -> ExamRequest:
    """A request of two days ago that was reported after so many minutes."""
    made = request_of(department, hours_ago=48, state=_State.REPORTED, **fields)
    made.reported_at = (made.requested_at or timezone.now()) + timedelta(minutes=minutes)
    made.scheduled_at = made.requested_at
    made.save()
    return made


def test_turn_around_is_the_median_and_the_ninth_decile(radiology: Department) -> None:
    for minutes in range(10, 111, 10):
        reported(radiology, minutes)
    found = selectors.figures(Asked(frozenset({radiology.pk})))
    whole = found.steps["whole"]
    assert (whole.count, whole.median, whole.nine_of_ten) == (11, 60 * 60, 100 * 60)
    assert found.steps["vetting"] == selectors.Times(0, None, None)
    assert (found.asked, found.reported, found.booked) == (11, 11, 11)


def test_a_step_that_was_taken_back_and_ends_before_it_began_is_not_measured(radiology: Department) -> None:
    made = request_of(radiology, hours_ago=5, vetted_at=timezone.now())
    ExamRequest.objects.filter(pk=made.pk).update(scheduled_at=timezone.now() - timedelta(hours=1))
    assert selectors.figures(Asked(frozenset({radiology.pk}))).steps["booking"].count == 0


def test_who_does_not_come_is_counted_among_those_who_had_a_place(radiology: Department) -> None:
    booked = timezone.now()
    for state in (_State.NO_SHOW, _State.SCHEDULED, _State.COMPLETED, _State.SCHEDULED):
        request_of(radiology, hours_ago=3, state=state, scheduled_at=booked)
    request_of(radiology, hours_ago=3, state=_State.CANCELLED)
    found = selectors.figures(Asked(frozenset({radiology.pk})))
    (group,) = found.groups
    assert (found.absent, found.booked, group.ended) == (1, 4, 1)
    assert policies.share(found.absent, found.booked) == "25.0 %"


def test_what_waits_is_counted_by_state_and_age(radiology: Department) -> None:
    for hours in (0.5, 2, 2, 10, 100, 1000):
        request_of(radiology, hours_ago=hours)
    request_of(radiology, hours_ago=900, state=_State.COMPLETED, completed_at=timezone.now() - timedelta(minutes=5))
    request_of(radiology, hours_ago=1, state=_State.REPORTED)
    waiting = {row.state: row for row in selectors.backlog(Asked(frozenset({radiology.pk}), period="7d"))}
    assert waiting["requested"].counts == (1, 2, 1, 1, 1)
    assert waiting["completed"].counts == (1, 0, 0, 0, 0)
    assert sum(row.total for row in waiting.values()) == 7


def test_hours_and_weekdays_are_those_of_the_reader(radiology: Department) -> None:
    made = request_of(radiology, hours_ago=1)
    with timezone.override("Pacific/Auckland"):
        # A moment that is today in both zones keeps the test away from midnight.
        moment = timezone.make_aware(datetime.combine(timezone.localdate(), datetime.min.time()))
        ExamRequest.objects.filter(pk=made.pk).update(requested_at=moment)
        found = selectors.figures(Asked(frozenset({radiology.pk}), by="hour"))
        assert found.hours == {(moment.isoweekday(), 0): 1}
        assert [group.key for group in found.groups] == [0]
        assert found.days[-1] == (moment.date(), 1, 0)
        assert drawing.hours(found.hours).cells[(moment.isoweekday() - 1) * 24].shade == 5


def test_filters_narrow(radiology: Department) -> None:
    request_of(radiology, hours_ago=1, modality="CT", priority=Priority.STAT)
    request_of(radiology, hours_ago=1, modality="MR")
    request_of(radiology, hours_ago=24 * 20, modality="MR")
    request_of(radiology, hours_ago=1, state=_State.DRAFT)
    every = frozenset({radiology.pk})
    assert selectors.figures(Asked(every)).asked == 3
    assert selectors.figures(Asked(every, period="7d")).asked == 2
    assert selectors.figures(Asked(every, modality="MR")).asked == 2
    assert selectors.figures(Asked(every, priority=Priority.STAT)).asked == 1
    assert selectors.figures(Asked(frozenset())).asked == 0
    for by in policies.BY:
        assert sum(group.asked for group in selectors.figures(Asked(every, by=by)).groups) == 3


def test_the_page_shows_ones_own_departments_and_no_others(chief: User, radiology: Department, client: Client) -> None:
    other = DepartmentFactory.create(code="elsewhere", name="Elsewhere")
    reported(radiology, 90)
    for _number in range(7):
        reported(other, 60 * 24 * 30)
    page = client.get(PAGE).content.decode()
    assert "1 h 30" in page
    assert "Elsewhere" not in page
    asked_for = client.get(PAGE, {"department": "elsewhere"}).content.decode()
    absent = client.get(PAGE, {"department": "no-such"}).content.decode()
    for answer in (asked_for, absent):
        assert "<dd>1<small>1 reported</small>" in answer


def test_without_the_capability_there_is_nothing(client: Client, radiology: Department) -> None:
    assert client.get(PAGE).status_code == 302
    person = UserFactory.create()
    MembershipFactory.create(user=person, department=radiology, role=Role.CLINICIAN)
    client.force_login(person)
    assert client.get(PAGE).status_code == 403
    assert client.get(f"{PAGE}steps.csv").status_code == 403
    assert 'href="/figures/"' not in client.get("/").content.decode()


def test_every_table_can_be_taken_into_a_spreadsheet(chief: User, radiology: Department, client: Client) -> None:
    reported(radiology, 90)
    procedure("CT").__class__.objects.update(modality="=1+1")
    for name in ("steps", "groups", "backlog", "days", "hours"):
        answer = client.get(f"{PAGE}{name}.csv", {"period": "7d"})
        assert answer["Content-Type"].startswith("text/csv"), name
        assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(client.get(f"{PAGE}groups.csv").content.decode("utf-8-sig"))))
    assert rows[1] == ["'=1+1", "1", "1", "0", "0", "1", "5400", "5400"]
    assert client.get(f"{PAGE}patients.csv").status_code == 404


def test_odd_questions_are_as_if_they_were_not_asked(chief: User, client: Client) -> None:
    for name in ("period", "department", "modality", "priority", "by"):
        for value in ("<script>", "'; drop table x", "9" * 400, "\x00", "٣"):
            answer = client.get(PAGE, {name: value})
            assert answer.status_code == 200, (name, value)
            assert "<script>" not in answer.content.decode()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "–"), (10, "under 1 min"), (60, "1 min"), (5400, "1 h 30"), (49 * 3600, "2 d 1 h")],
)
def test_times_are_said_in_two_units(seconds: float | None, said: str) -> None:
    assert policies.duration(seconds) == said
