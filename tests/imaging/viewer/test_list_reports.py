"""The study list tells how far the report of each study is, to those who may open it, for one query a page."""

import re
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Department, User
from accounts.roles import Right
from accounts.scope import scope_of_user
from imaging.reports import selectors
from imaging.reports.models import ReadingItem, Report
from imaging.reports.selectors import Standing
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.queries import of_the_page
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(archive: Archive) -> Study:
    """A study that waits for its report."""
    archive.receive(arrivals.dataset(PatientName="Durand^Hélène"))
    return waiting(Study.objects.get())


def waiting(study: Study) -> Study:
    department = Department.objects.get(code="emergency")
    now = timezone.now()
    ReadingItem.objects.get_or_create(
        study=study, defaults={"department": department, "ready_at": now, "due_at": now, "modality": "CR"}
    )
    return study


def report(study: Study, author: User, state: Report.State) -> None:
    Report.objects.update_or_create(study=study, defaults={"state": state, "author": author})


def marks(client: Client, language: str = "en") -> list[str]:
    page = client.get("/", headers={"Accept-Language": language}).content.decode()
    found = re.findall(r'<td[^>]*class="c-report">(.*?)</td>', page, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in found]


@pytest.mark.parametrize(
    ("state", "english", "shape"),
    [
        (Report.State.DRAFT, "being read", "st-reading"),
        (Report.State.PRELIMINARY, "preliminary", "st-preliminary"),
        (Report.State.FINAL, "final", "st-final"),
        (Report.State.APPENDED, "with addendum", "st-addended"),
        (Report.State.AMENDED, "corrected", "st-addended"),
        (Report.State.WITHDRAWN, "withdrawn", "st-rejected"),
    ],
)
def test_the_list_tells_how_far_the_report_is_by_word_and_shape(
    state: Report.State, english: str, shape: str, study: Study, alice: User, client: Client
) -> None:
    client.force_login(alice)
    assert marks(client) == ["unread"]
    report(study, alice, state)
    assert marks(client) == [english]
    assert shape in client.get("/").content.decode()


def test_a_study_that_somebody_has_open_is_being_read(study: Study, alice: User, client: Client) -> None:
    ReadingItem.objects.update(locked_by=alice, locked_at=timezone.now())
    client.force_login(alice)
    assert marks(client) == ["being read"]


def test_a_study_that_is_not_to_be_read_has_no_mark(study: Study, alice: User, client: Client) -> None:
    ReadingItem.objects.update(state=ReadingItem.State.NOT_READ)
    client.force_login(alice)
    assert marks(client) == [""]


@pytest.mark.usefixtures("early_clock")
def test_rows_are_asked_for_again_when_only_the_report_has_changed(study: Study, alice: User, client: Client) -> None:
    client.force_login(alice)
    tag = client.get("/studies/rows")["ETag"]
    assert client.get("/studies/rows", headers={"If-None-Match": tag}).status_code == 304
    report(study, alice, Report.State.FINAL)
    answer = client.get("/studies/rows", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert "st-final" in answer.content.decode()


def test_who_may_not_open_a_study_is_told_nothing_of_its_report(study: Study, alice: User) -> None:
    report(study, alice, Report.State.FINAL)
    own = scope_of_user(alice)
    assert selectors.standings(own, [study.pk]) == {study.pk: Standing.FINAL}
    listed = replace(
        own, department_rights=frozenset((pk, frozenset({Right.LIST})) for pk, _held in own.department_rights)
    )
    assert selectors.standings(listed, [study.pk]) == {}


def test_a_stranger_is_told_nothing(study: Study, charlie: User) -> None:
    assert selectors.standings(scope_of_user(charlie), [study.pk]) == {}


def test_many_reports_cost_the_query_of_one(archive: Archive, study: Study, alice: User, client: Client) -> None:
    client.force_login(alice)
    report(study, alice, Report.State.FINAL)
    client.get("/")  # what a process remembers from its first page on
    with CaptureQueriesContext(connection) as for_one:
        assert marks(client) == ["final"]
    archive.receive(*(arrivals.dataset(PatientID=str(number)) for number in range(20)))
    for each in Study.objects.exclude(pk=study.pk):
        report(waiting(each), alice, Report.State.FINAL)
    with CaptureQueriesContext(connection) as for_many:
        assert marks(client) == ["final"] * 21
    assert len(of_the_page(for_many)) == len(of_the_page(for_one))
    asked = [query["sql"] for query in for_one if "imaging_report" in query["sql"]]
    assert len(asked) == 1


def test_who_leaves_the_column_out_does_not_pay_for_it(study: Study, alice: User, client: Client) -> None:
    client.force_login(alice)
    form = {"state": "", "do": "keep", "position": ["name", "study", "date"], "column": ["date"]}
    assert client.post("/lists/layout", form).status_code == 302
    with CaptureQueriesContext(connection) as asked:
        assert "c-report" not in client.get("/").content.decode()
    assert not [query for query in asked if "imaging_report" in query["sql"]]
