"""Corrections on the pages: seen by every reader of the study, taken back by who may correct."""

from typing import Any

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.roles import Role
from imaging.studies import services
from imaging.studies.models import Correction, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

LOCAL = {
    "00100010": {"vr": "PN", "Value": ["Durand^<b>Anne</b>"]},
    "00100020": {"vr": "LO", "Value": ["L-100"]},
}


@pytest.fixture
def corrected(archive: Archive) -> Addresses:
    """A study that Rita has corrected."""
    made = arrivals.dataset()
    archive.receive(made)
    actor = Actor(kind="user", id="7", name="rita")
    services.correct(Study.objects.get(), LOCAL, reason="Wrong <i>card</i>", actor=actor)
    return addresses(made)


@pytest.fixture
def rita(emergency: Department) -> User:
    """A radiographer of emergency."""
    user = UserFactory.create(username="rita")
    MembershipFactory.create(user=user, department=emergency, role=Role.RADIOGRAPHER)
    return user


def back(where: Addresses) -> str:
    return f"/studies/{where.study_uid}/corrections/{Correction.objects.first().group}/revert"  # type: ignore[union-attr]


def test_the_study_says_what_was_corrected_by_whom_and_why(corrected: Addresses, alice: User, client: Client) -> None:
    client.force_login(alice)
    text = client.get(corrected.study).content.decode()
    for said in (
        "Patient ID were corrected by rita",
        "Wrong &lt;i&gt;card",
        "L-100",
        "P1",
        "What was received is kept.",
    ):
        assert said in text, said
    assert "<b>Anne" not in text
    assert "Take back" not in text


def test_headers_are_shown_as_they_go_out_and_as_received(corrected: Addresses, alice: User, client: Client) -> None:
    client.force_login(alice)
    address = corrected.all["headers"]
    sent = client.get(address, {"find": "(0010,0020)"}).content.decode()
    assert "Attributes as they go out" in sent
    assert sent.count('<td class="value"><bdi>L-100</bdi></td>') == 1
    received = client.get(address, {"find": "(0010,0020)", "as": "received"}).content.decode()
    assert "Attributes as received" in received
    assert received.count('<td class="value"><bdi>P1</bdi></td>') == 1
    compared = client.get(address, {"as": "compare"}).content.decode()
    assert '<td class="half"><bdi>P1</bdi></td><td class="half"><bdi>L-100</bdi></td>' in compared
    assert "Photometric Interpretation" not in compared


def test_an_image_is_chosen_by_its_place_in_the_series(archive: Archive, alice: User, client: Client) -> None:
    common = {"StudyInstanceUID": arrivals.uid(), "SeriesInstanceUID": arrivals.uid()}
    made = [arrivals.dataset(InstanceNumber=number, **common) for number in (1, 2, 3)]
    archive.receive(*made)
    client.force_login(alice)
    address = addresses(made[0]).all["headers"]
    for place, shown in (("2", 1), ("99", 2), ("0", 0), ("x", 0)):
        assert made[shown].SOPInstanceUID in client.get(address, {"place": place}).content.decode(), place


def test_who_may_correct_takes_it_back_once(corrected: Addresses, rita: User, client: Client) -> None:
    client.force_login(rita)
    assert "Take back" in client.get(corrected.study).content.decode()
    address = back(corrected)
    answer: Any = client.post(address, follow=True)
    assert "The correction was taken back" in answer.content.decode()
    assert Study.objects.select_related("patient").get().patient.patient_id == "P1"
    assert Correction.objects.get().reverted_by == "rita"
    assert "had been taken back already" in client.post(address, follow=True).content.decode()


def test_nobody_else_takes_it_back(corrected: Addresses, alice: User, bob: User, client: Client) -> None:
    for person, status in ((alice, 403), (bob, 404)):
        client.force_login(person)
        assert client.post(back(corrected)).status_code == status
    assert Correction.objects.in_force().count() == 1
