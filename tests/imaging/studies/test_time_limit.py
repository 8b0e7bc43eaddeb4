"""What one search may cost the database: a bound on all its statements together."""

import pytest
from django.db import connection, transaction

from accounts.scope import scope_of_user
from imaging.studies import selectors
from imaging.studies.finding import list_scan, study_list, time_limit
from imaging.studies.finding.time_limit import SearchTooBroad
from imaging.studies.selectors import StudyFilters
from tests.factories import arrivals

pytestmark = pytest.mark.django_db


def slept(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def timeout() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return str(cursor.fetchone()[0])


def test_a_long_statement_is_ended():
    with pytest.raises(SearchTooBroad), time_limit.time_limit(0.05):
        slept(30)


def slept_shortly(count: int) -> None:
    for _ in range(count):
        slept(0.02)


def test_many_short_statements_are_ended_together():
    with pytest.raises(SearchTooBroad), time_limit.time_limit(0.3):
        slept_shortly(10_000)


def test_what_the_caller_does_afterwards_is_not_bound():
    before = timeout()
    with transaction.atomic():
        with time_limit.time_limit(5):
            assert timeout() == "5s"
        assert timeout() == before
        with pytest.raises(SearchTooBroad), time_limit.time_limit(0.05):
            slept(30)
        assert timeout() == before
        slept(0.1)


def test_a_list_whose_studies_take_too_long_to_count_is_shown_with_what_is_known(archive, alice, monkeypatch):
    archive.receive(*(arrivals.dataset(PatientID=str(number)) for number in range(3)))
    monkeypatch.setattr(list_scan, "FEW", 0)
    monkeypatch.setattr(study_list, "COUNT_SECONDS", 0)
    page = selectors.study_list(scope_of_user(alice), StudyFilters(search="durand"), limit=2)
    assert len(page.rows) == 2
    assert (page.total, page.has_exact_total) == (2, False)
