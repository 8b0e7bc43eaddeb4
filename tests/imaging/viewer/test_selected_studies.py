"""What is done with several studies of the list at once says what was done, and what was not."""

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def selected(client: Client, do: str, *uids: str) -> str:
    """What is said after doing something with several studies."""
    return client.post(
        "/studies/selected", {"do": do, "study": uids, "state": "order=name"}, follow=True
    ).content.decode()


def test_accession_numbers_of_the_selected_are_listed_and_what_is_missing_is_said(
    archive: Archive, reader: Client, orthopaedics: Department
) -> None:
    first = arrivals.dataset(AccessionNumber="A-1", PatientID="1")
    second = arrivals.dataset(AccessionNumber="", PatientID="2")
    theirs = arrivals.dataset(AccessionNumber="SECRET", PatientID="3")
    archive.receive(first, second)
    archive.receive(theirs, department=orthopaedics)
    uids = [made.StudyInstanceUID for made in (first, second, theirs)]
    text = selected(reader, "accessions", *uids, "1.2.3", "\x00")
    assert ">A-1</textarea>" in text
    assert "SECRET" not in text
    assert "1 study has no accession number." in text
    assert "2 studies are not in your lists any more." in text


def test_one_selected_study_opens_and_several_are_offered(archive: Archive, reader: Client) -> None:
    made = [arrivals.dataset(PatientID=str(number), PatientName=f"P{number}^A") for number in range(2)]
    archive.receive(*made)
    uids = [one.StudyInstanceUID for one in made]
    answer = reader.post("/studies/selected", {"do": "open", "study": uids[:1], "state": ""})
    assert answer.headers["Location"] == f"/viewer/{uids[0]}/"
    assert selected(reader, "open", *uids).count('target="_blank"') == 2


def test_trying_again_says_what_was_done_and_what_was_not(
    archive: Archive, reader: Client, alice: User, emergency: Department
) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    assert "1 study was left out: your role does not allow this there." in selected(
        reader, "retry", made.StudyInstanceUID
    )
    MembershipFactory.create(user=alice, department=emergency, role=Role.RADIOGRAPHER)
    assert "1 study has no failed step" in selected(reader, "retry", made.StudyInstanceUID)
    assert "Nothing is selected" in selected(reader, "retry")
    assert "cannot be done" in selected(reader, "delete", made.StudyInstanceUID)
