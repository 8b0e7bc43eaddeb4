"""The study list: what is searched is found, what is typed wrong is said, pages follow each other, and rest costs nothing."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Department, User
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def shown(client: Client, query: str = "") -> list[str]:
    """The family names of the rows, in order."""
    response = client.get(f"/{query}")
    assert response.status_code == 200
    return re.findall(r'<tr role="row".*?<span class="family">(.*?)</span>', response.content.decode(), re.DOTALL)


@pytest.fixture
def three(archive: Archive) -> None:
    """A CT of Martin, an MR of Dupont, an X-ray of Nguyen, one per day."""
    for name, patient_id, modality, accession, date in (
        ("Martin^Élodie^Anne", "0061 7742", "CT", "A-2026-1", "20260301"),
        ("Dupont^Jean", "00617743", "MR", "B-77", "20260302"),
        ("Nguyen^Thi Lan", "9", "DX", "B-78", "20260303"),
    ):
        archive.receive(
            arrivals.dataset(
                PatientName=name, PatientID=patient_id, Modality=modality, AccessionNumber=accession, StudyDate=date
            )
        )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["NGUYEN", "DUPONT", "MARTIN"]),
        ("?order=name", ["DUPONT", "MARTIN", "NGUYEN"]),
        ("?order=mrn", ["MARTIN", "DUPONT", "NGUYEN"]),
        ("?q=anne+MARTIN", ["MARTIN"]),
        ("?q=elodie", ["MARTIN"]),
        ("?q=lan+nguy", ["NGUYEN"]),
        ("?q=00617743", ["DUPONT"]),
        ("?q=B-7", ["NGUYEN", "DUPONT"]),
        ("?modality=MR", ["DUPONT"]),
        ("?from=2026-03-02", ["NGUYEN", "DUPONT"]),
        ("?from=2026-03-01&to=2026-03-01", ["MARTIN"]),
        ("?to=2026-03-02&modality=CT&q=martin", ["MARTIN"]),
        ("?q=nobody", []),
        ("?from=today", []),
    ],
)
def test_what_is_asked_for_is_found(query: str, found: list[str], three: None, reader: Client) -> None:
    assert shown(reader, query) == found


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?from=yesteryear", "is not a day"),
        ("?from=2026-03-02&to=2026-03-01", "comes before the first"),
        ("?modality=%3Cscript%3E", "The modality cannot be read"),
        ("?order=x", "cannot be sorted"),
        ("?department=secret", "You have no list of this department"),
    ],
)
def test_a_filter_that_cannot_be_read_is_said(query: str, told: str, three: None, reader: Client) -> None:
    response = reader.get(f"/{query}")
    assert response.status_code == 200
    assert told in response.content.decode()
    assert "<script>" not in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "?q=%00",
        "?cursor=%00",
        "?cursor=garbage",
        "?from=0000-00-00",
        "?since=99999999999999",
        "?q=" + "x" * 5000,
        "?from=9999-12-31&to=9999-12-31",
    ],
)
def test_no_address_breaks_the_list(query: str, three: None, reader: Client) -> None:
    for start in ("/", "/studies/rows"):
        assert reader.get(f"{start}{query}").status_code == 200


def test_empty_fields_of_a_form_do_not_stay_in_the_address(reader: Client) -> None:
    response = reader.get("/?q=&modality=CT&from=&to=")
    assert response.status_code == 302
    assert response.headers["Location"] == "/?modality=CT"


def test_pages_follow_each_other_and_keep_the_filters(archive: Archive, reader: Client) -> None:
    archive.receive(
        *(
            arrivals.dataset(
                PatientName=f"Row{number:03}", PatientID=str(number), StudyTime=f"1{number // 60:01}{number % 60:02}00"
            )
            for number in range(60)
        )
    )
    first = reader.get("/?modality=CT").content.decode()
    assert "60 studies" in first
    assert 'rel="prev"' not in first
    address = re.search(r'rel="next"\s+href="([^"]+)"', first)
    assert address
    assert "modality=CT" in address[1]
    second = shown(reader, address[1].replace("&amp;", "&").removeprefix("/"))
    assert len(shown(reader, "?modality=CT")) == 50
    assert len(second) == 10
    assert set(second).isdisjoint(shown(reader, "?modality=CT"))


def test_an_unchanged_list_is_answered_with_304_and_a_changed_one_is_not(archive: Archive, reader: Client) -> None:
    archive.receive(arrivals.dataset())
    first = reader.get("/studies/rows?order=name")
    tag = first.headers["ETag"]
    assert reader.get("/studies/rows?order=name", headers={"If-None-Match": tag}).status_code == 304
    archive.receive(arrivals.dataset(PatientID="other"))
    assert reader.get("/studies/rows?order=name", headers={"If-None-Match": tag}).status_code == 200


def test_the_version_of_one_reader_is_not_that_of_another(
    archive: Archive, alice: User, bob: User, client: Client
) -> None:
    archive.receive(arrivals.dataset())
    client.force_login(alice)
    tag = client.get("/studies/rows").headers["ETag"]
    client.force_login(bob)
    answer = client.get("/studies/rows", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert b"<tr" not in answer.content


def test_rows_that_came_since_are_marked_and_others_are_not(archive: Archive, reader: Client) -> None:
    archive.receive(arrivals.dataset(PatientName="Old^One"))
    before = int((timezone.now() + timedelta(seconds=1)).timestamp() * 1000)
    assert b"fresh" not in reader.get(f"/studies/rows?since={before}").content
    assert b"fresh" in reader.get("/studies/rows?since=1000000000000").content


def test_a_study_in_two_of_my_departments_counts_once_and_names_both(
    archive: Archive, alice: User, orthopaedics: Department, reader: Client
) -> None:
    MembershipFactory.create(user=alice, department=orthopaedics)
    archive.receive(arrivals.dataset(PatientName="Emergency^E"))
    archive.receive(arrivals.dataset(PatientName="Bones^B", PatientID="2"), department=orthopaedics)
    assert sorted(shown(reader)) == ["BONES", "EMERGENCY"]
    assert shown(reader, "?department=orthopaedics") == ["BONES"]


def test_who_has_no_department_is_told_whom_to_ask(charlie: User, client: Client) -> None:
    client.force_login(charlie)
    text = client.get("/").content.decode()
    assert "You have no department yet" in text
    assert "0 studies" in text


def test_the_list_costs_the_same_number_of_queries_for_one_and_for_many(
    archive: Archive, reader: Client, django_assert_max_num_queries: object
) -> None:
    archive.receive(*(arrivals.dataset(PatientID=str(number)) for number in range(30)))
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        assert len(shown(reader)) == 30


@pytest.mark.parametrize("offset", ["+0000", "-1200"])
def test_a_study_of_the_last_day_of_dates_does_not_take_the_list_away(
    offset: str, archive: Archive, reader: Client
) -> None:
    last = {"StudyDate": "99991231", "StudyTime": "235900", "TimezoneOffsetFromUTC": offset}
    archive.receive(arrivals.dataset(PatientName="Martin^Anne", **last))
    assert shown(reader) == ["MARTIN"]
