"""How a download without identity is asked for: what a person may choose, and for whom the address of the zip opens."""

import datetime as dt
import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import User
from imaging.viewer import clean_tickets, without_identity_form
from tests.factories.accounts import UserFactory
from tests.imaging.viewer.test_without_identity import begun, page_of, slices
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_places_taken() -> None:
    cache.clear()


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


@pytest.mark.parametrize("subject", ["Hélène", "a\\b", "", "..", "-x", "a/b", "x" * 65])
def test_a_subject_name_that_no_copy_can_hold_is_refused(archive: Archive, reader: Client, subject: str) -> None:
    made = slices(1)
    archive.receive(*made)
    answer = reader.post(page_of(made[0]), {"subject": subject})
    assert answer.status_code == 422
    assert 'class="error"' in answer.content.decode()


@pytest.mark.parametrize("subject", ["durand", "Case of Durand", "HOSP-4711", "hosp 4711", "19700102", "ACC-2026-55"])
def test_a_subject_name_that_tells_who_it_is_is_refused(archive: Archive, reader: Client, subject: str) -> None:
    made = slices(1)
    archive.receive(*made)
    answer = reader.post(page_of(made[0]), {"subject": subject})
    assert answer.status_code == 422
    assert "This tells who the patient is" in answer.content.decode()


def test_an_option_that_is_not_offered_is_refused(archive: Archive, reader: Client) -> None:
    made = slices(1)
    archive.receive(*made)
    assert reader.post(page_of(made[0]), {"subject": "A", "kept": "retain_uids"}).status_code == 422
    assert {key for key, _label in without_identity_form.KEPT}.isdisjoint({"clean_pixel_data", "retain_full_dates"})


def test_the_address_of_a_zip_opens_for_nobody_else_and_says_nothing(
    archive: Archive, reader: Client, alice: User
) -> None:
    made = slices(1)
    archive.receive(*made)
    address = begun(reader, made[0], subject="CaseSeven")
    assert "CaseSeven" not in address
    assert re.fullmatch(r"/studies/[0-9.]+/download/without-identity\.zip\?ticket=[\w%-]+", address)
    other = Client()
    other.force_login(UserFactory())
    assert other.get(address).status_code == 404
    assert reader.get(address[:-8] + "AAAAAAAA").status_code == 404
    assert Client().get(address).status_code == 302


def test_the_address_of_a_zip_ends_after_a_week(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = slices(1)
    archive.receive(*made)
    address = begun(reader, made[0])
    today = timezone.localdate()
    monkeypatch.setattr(clean_tickets.timezone, "localdate", lambda: today + dt.timedelta(days=9))
    assert reader.get(address).status_code == 404
