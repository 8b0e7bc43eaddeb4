"""The same studies, filters, orders and number as on the page; pages that stay in place while studies arrive."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from imaging.studies import selectors as studies
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.imaging.api.conftest import API, Program
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

#: A parameter of the API, and how the page's address says the same.
SAME = [
    ("", ""),
    ("search=durand", "q=durand"),
    ("search=helene durand", "q=helene durand"),
    ("search=P1", "q=P1"),
    ("search=A1", "q=A1"),
    ("modality=CT", "modality=CT"),
    ("modality=CT&modality=MR", "modality=CT&modality=MR"),
    ("from=2026-03-02&to=2026-03-03", "from=2026-03-02&to=2026-03-03"),
    ("from=7d", "from=7d"),
    ("from=today", "from=today"),
    ("department=emergency", "department=emergency"),
    ("body_part=CHEST", "body=CHEST"),
    ("status=arriving", "status=arriving"),
    ("referring=house", "referring=house"),
    ("source=EMERGENCY_CT", "source=EMERGENCY_CT"),
]


@pytest.fixture
def many(archive: Archive, orthopaedics: Department, alice: User) -> list[str]:
    """Eight studies of two departments; the reader belongs to both."""
    MembershipFactory.create(user=alice, department=orthopaedics)
    made = [
        arrivals.dataset(
            PatientName=("Durand^Hélène", "Moreau^Paul", "Ngô^Lan", "Ångström^Åsa")[number % 4],
            PatientID=f"P{number}",
            AccessionNumber=f"A{number}",
            StudyDate=f"2026030{number + 1}",
            Modality=("CT", "MR", "CR")[number % 3],
            BodyPartExamined=("CHEST", "KNEE")[number % 2],
            ReferringPhysicianName=("House^Gregory", "Wilson^James")[number % 2],
        )
        for number in range(8)
    ]
    for number, one in enumerate(made):
        archive.receive(one, department=orthopaedics if number % 3 == 0 else None)
    return [one.StudyInstanceUID for one in made]


def listed(client: Client, query: str) -> list[str]:
    answer = client.get(f"{API}/studies?{query}")
    assert answer.status_code == 200, answer.content
    return [row["study_instance_uid"] for row in answer.json()["results"]]


@pytest.mark.parametrize(("query", "address"), SAME)
def test_a_filter_finds_what_the_page_shows(person: Client, many: list[str], query: str, address: str) -> None:
    page = person.get(f"/?{address}").content.decode()
    shown = [uid for uid in many if uid in page]
    assert sorted(listed(person, query)) == sorted(shown)


@pytest.mark.parametrize("order", [order.value for order in studies.Order])
def test_every_order_walks_over_each_study_once(person: Client, many: list[str], order: str) -> None:
    whole = listed(person, f"order={order}")
    assert sorted(whole) == sorted(many)
    walked, back = [], []
    answer = person.get(f"{API}/studies?order={order}&limit=3").json()
    while True:
        walked += [row["study_instance_uid"] for row in answer["results"]]
        assert answer["total"] == 8
        assert answer["total_is_exact"]
        if answer["next"] is None:
            break
        answer = person.get(answer["next"]).json()
    assert walked == whole
    while answer["previous"] is not None:
        answer = person.get(answer["previous"]).json()
        back = [row["study_instance_uid"] for row in answer["results"]] + back
    assert back == whole[:6]


def test_pages_stay_in_place_while_studies_arrive(person: Client, archive: Archive, many: list[str]) -> None:
    first = person.get(f"{API}/studies?limit=3")
    assert f'<{first.json()["next"]}>; rel="next"' in first["Link"]
    for number in range(4):
        archive.receive(arrivals.dataset(PatientID=f"N{number}", StudyDate=f"202604{number + 10}"))
    second = person.get(first.json()["next"]).json()
    third = person.get(second["next"]).json()
    walked = [row["study_instance_uid"] for page in (first.json(), second, third) for row in page["results"]]
    assert walked == many[::-1]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("PatientID=P3", [3]),
        ("PatientID=P1&PatientID=P2", [1, 2]),
        ("00100020=P4", [4]),
        ("PatientName=DUR*", [0, 4]),
        ("StudyDate=20260302-20260303", [1, 2]),
        ("ModalitiesInStudy=MR", [1, 4, 7]),
        ("AccessionNumber=A?", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("PatientID=P3&modality=CT", [3]),
        ("PatientID=nobody", []),
    ],
)
def test_attributes_of_dicom_are_matched_as_in_qido(
    person: Client, many: list[str], query: str, numbers: list[int]
) -> None:
    assert sorted(listed(person, query)) == sorted(many[number] for number in numbers)


@pytest.mark.usefixtures("early_clock")
def test_what_has_not_changed_is_not_sent_again_nor_counted(person: Client, archive: Archive, many: list[str]) -> None:
    answer = person.get(f"{API}/studies?limit=3")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        again = person.get(f"{API}/studies?limit=3", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert not [query for query in queries if "COUNT(" in query["sql"] and "placement" in query["sql"]]
    archive.receive(arrivals.dataset(PatientID="N1", StudyDate="20260501"))
    changed = person.get(f"{API}/studies?limit=3", headers={"If-None-Match": answer["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != answer["ETag"]
    one = person.get(f"{API}/studies/{many[0]}")
    assert person.get(f"{API}/studies/{many[0]}", headers={"If-None-Match": one["ETag"]}).status_code == 304
    assert one["Cache-Control"] == "private, no-store"
    assert "Authorization" in one["Vary"]


def test_a_search_is_on_record_once_and_an_opened_study_too(program: Program, two_departments: dict[str, Any]) -> None:
    for _time in range(3):
        program.get("/studies?search=durand")
    program.get("/studies?search=moreau")
    searches = AuditEvent.objects.filter(action=Action.STUDIES_QUERIED)
    assert searches.count() == 2
    assert "durand" in str(searches.order_by("at")[0].detail)
    uid = two_departments["chest"].StudyInstanceUID
    program.get(f"/studies/{uid}")
    program.get(f"/studies/{uid}/series")
    assert AuditEvent.objects.filter(action=Action.METADATA_READ, subject_uid=uid).count() == 1


def test_series_and_instances_are_paged_by_number(program: Program, archive: Archive) -> None:
    first = arrivals.dataset(InstanceNumber=1)
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    others = [arrivals.dataset(**same, InstanceNumber=number) for number in (3, 2, 3, None, None)]
    archive.receive(first, *others)
    address = f"/studies/{first.StudyInstanceUID}/series/{first.SeriesInstanceUID}/instances?limit=2"
    answer, walked = program.get(address).json(), []
    while True:
        walked += [row["instance_number"] for row in answer["results"]]
        if answer["next"] is None:
            break
        answer = program.get(answer["next"]).json()
    assert walked == [1, 2, 3, 3, None, None]
    series = program.get(f"/studies/{first.StudyInstanceUID}/series").json()["results"]
    assert [row["number_of_series_related_instances"] for row in series] == [6]
    assert program.get(series[0]["links"]["instances"]).status_code == 200
    assert program.get(f"{address}&cursor=WyJ4IiwxXQ").status_code == 400
