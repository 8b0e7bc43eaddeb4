"""A decision is kept for one second at most: whoever reads on is not asked for each frame, whoever lost the right is out."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, User
from imaging.studies.models import Instance
from imaging.studies.reading import decisions
from tests.factories import arrivals
from tests.studies_in_archive import Archive, addresses

pytestmark = pytest.mark.django_db


@pytest.fixture
def frames(archive: Archive, alice: User, client: Client) -> list[str]:
    """The addresses of the frames of one series."""
    client.force_login(alice)
    study, series = arrivals.uid(), arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n) for n in range(1, 9)]
    archive.receive(*made)
    return [addresses(one).all["frame"] for one in made]


def read(client: Client, address: str) -> Any:
    return client.get(address, headers={"Accept": "*/*"})


def test_who_reads_on_is_not_asked_for_each_frame(frames: list[str], client: Client) -> None:
    assert {read(client, address).status_code for address in frames[:2]} == {200}
    with CaptureQueriesContext(connection) as asked:
        assert read(client, frames[5]).status_code == 200
    # What is lent to the reader is a part of the scope, and asked with it.
    said = [query["sql"] for query in asked if "imaging_" in query["sql"]]
    assert not [sql for sql in said if "imaging_collectionmember" not in sql]


def test_what_was_decided_is_forgotten_after_a_second(
    frames: list[str], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {read(client, address).status_code for address in frames[:3]} == {200}
    Instance.objects.update(is_rejected=True)
    now = decisions.time.monotonic()
    monkeypatch.setattr(decisions.time, "monotonic", lambda: now + decisions.SECONDS)
    assert {read(client, address).status_code for address in frames} == {404}


def test_another_right_is_another_decision(frames: list[str], client: Client) -> None:
    assert {read(client, address).status_code for address in frames[:3]} == {200}
    Membership.objects.all().delete()
    assert {read(client, address).status_code for address in frames} == {404}


def test_what_one_reader_may_see_is_not_what_another_may(frames: list[str], client: Client, bob: User) -> None:
    assert {read(client, address).status_code for address in frames[:3]} == {200}
    client.force_login(bob)
    assert {read(client, address).status_code for address in frames} == {404}
