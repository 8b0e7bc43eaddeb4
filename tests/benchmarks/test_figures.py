"""The page of figures over 200,000 requests of a year, and the question that every open page asks about notifications."""

import pytest
from django.db import connection
from django.test import Client

from accounts.actor import SYSTEM
from accounts.models import Department
from accounts.notifications import services
from accounts.roles import Role
from imaging.access.requests import notices
from tests.benchmarks.many_requests import PERFORMING, REQUESTS
from tests.benchmarks.timing import line, spent
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds. A page of figures is looked at a few times a day; the bell is asked for by every open page, four times a minute.
MONTH, YEAR, BELL = 0.3, 1.5, 0.02
_ROUNDS = 20
_TOLD = 100_000


@pytest.fixture
def chief(many_requests_in_use: None) -> Client:
    """Who manages all departments that perform, signed in."""
    person = UserFactory.create()
    for department in Department.objects.filter(code__in=PERFORMING):
        MembershipFactory.create(user=person, department=department, role=Role.DEPARTMENT_MANAGER)
    client = Client()
    client.force_login(person)
    return client


def test_the_page_of_figures(chief: Client) -> None:
    print()
    slow = []
    for period, target in (("7d", MONTH), ("30d", MONTH), ("90d", YEAR), ("365d", YEAR)):
        chief.get("/figures/", {"period": period})
        times = [spent(lambda at=period: chief.get("/figures/", {"period": at, "by": "hour"})) for _ in range(_ROUNDS)]  # type: ignore[misc]
        said = line(f"figures of {REQUESTS:,} requests, {period}", times, target)
        print(said)
        slow += [said] if said.startswith("MISSED") else []
    assert not slow


def test_the_bell_of_a_page_that_is_open(chief: Client) -> None:
    people = [UserFactory.create() for _number in range(100)]
    reader = people[0]
    for number in range(5):
        services.notify(people, notices.DECIDED, path="/", subject=("access_request", str(number)), actor=SYSTEM)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_notification (user_id, kind, subject_type, subject_uid, params, path, count, in_page,"
            " is_urgent, created_at, happened_at, read_at, mail_attempts, mail_problem)"
            " SELECT user_id, kind, subject_type, 'past ' || n, params, path, 1, true, false, created_at, happened_at,"
            " now(), 0, '' FROM accounts_notification, generate_series(1, %s) AS n",
            [_TOLD // 500],
        )
    client = Client()
    client.force_login(reader)
    known = client.get("/notifications/bell", headers={"HX-Request": "true"})["ETag"]
    asked = {"HX-Request": "true", "If-None-Match": known}
    times = [spent(lambda: client.get("/notifications/bell", headers=asked)) for _ in range(100)]
    said = line(f"the bell, 304, among {_TOLD:,} notifications", times, BELL)
    print("\n" + said)
    assert said.startswith("met")
