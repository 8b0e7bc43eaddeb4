"""A list that the database would take too long for: the page says so and what to do, and what is known is shown."""

import re

import pytest
from django.test import Client

from accounts.models import User
from imaging.studies.finding import list_scan, study_list, time_limit
from imaging.viewer import filters
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def listed(archive: Archive, alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in, with one study in her list."""
    archive.receive(arrivals.dataset(PatientName="Martin^Zoé", Modality="CT"))
    client.force_login(alice)
    return client


def test_a_search_that_takes_too_long_is_said_with_what_to_do_and_not_asked_again(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limit, "SEARCH_SECONDS", 0)
    response = listed.get("/?q=martin")
    text = response.content.decode()
    assert response.status_code == 200
    assert "Finding these studies takes too long" in text
    assert "every 4s" not in text
    assert "MARTIN" not in re.sub(r'value="[^"]*"', "", text)
    refreshed = listed.get("/studies/rows?q=martin")
    assert refreshed.status_code == 286
    assert "Not up to date any more" in refreshed.content.decode()
    assert 'id="study-rows"' not in refreshed.content.decode()


def test_a_number_that_takes_too_long_to_count_is_not_known_and_the_list_is_shown(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_scan, "FEW", 0)
    monkeypatch.setattr(study_list, "COUNT_SECONDS", 0)
    text = listed.get("/?q=martin").content.decode()
    assert "1+ studies" in text
    monkeypatch.setattr(time_limit, "SEARCH_SECONDS", 0)
    assert "Number not known: counting takes too long" in listed.get("/studies/total").content.decode()


def test_a_filter_whose_hidden_studies_take_too_long_to_count_says_so(
    listed: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "COUNT_SECONDS", 0)
    assert "counting them takes too long" in listed.get("/studies/hiding?modality=MR").content.decode()
    empty = listed.get("/?modality=MR&q=nobody").content.decode()
    assert "Remove Modality MR" in empty
