"""The study list: what is searched is found, what is typed wrong is said, pages follow each other, and rest costs nothing."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Department, User
from imaging.studies import selectors as studies
from imaging.viewer.list_columns import COLUMNS
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.queries import of_the_page
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


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


@pytest.mark.usefixtures("early_clock")
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


def test_the_list_costs_the_same_number_of_queries_for_one_and_for_many(archive: Archive, reader: Client) -> None:
    archive.receive(arrivals.dataset(PatientID="first"))
    shown(reader)  # what a process remembers from its first page on
    with CaptureQueriesContext(connection) as for_one:
        assert len(shown(reader)) == 1
    archive.receive(*(arrivals.dataset(PatientID=str(number)) for number in range(30)))
    with CaptureQueriesContext(connection) as for_many:
        assert len(shown(reader)) == 31
    assert len(of_the_page(for_many)) == len(of_the_page(for_one)) <= 25


@pytest.mark.parametrize("offset", ["+0000", "-1200"])
def test_a_study_of_the_last_day_of_dates_does_not_take_the_list_away(
    offset: str, archive: Archive, reader: Client
) -> None:
    last = {"StudyDate": "99991231", "StudyTime": "235900", "TimezoneOffsetFromUTC": offset}
    archive.receive(arrivals.dataset(PatientName="Martin^Anne", **last))
    assert shown(reader) == ["MARTIN"]


def heads(text: str) -> dict[str, tuple[str, str]]:
    """Direction and address of each header that sorts."""
    found = re.findall(
        r'<th role="columnheader"\s+scope="col"\s+class="c-(\w+)"[^>]*?(?:aria-sort="(\w+)")?>\s*<a href="([^"]+)"',
        text,
    )
    return {key: (sort, address.replace("&amp;", "&")) for key, sort, address in found}


def test_every_header_sorts_both_ways_and_says_which(three: None, reader: Client, alice: User) -> None:
    everything = {"position": list(COLUMNS), "column": list(COLUMNS), "do": "keep", "state": ""}
    reader.post("/lists/layout", everything)
    first = heads(reader.get("/?modality=CT&modality=MR&modality=DX").content.decode())
    assert set(first) == {key for key, column in COLUMNS.items() if column.first}
    assert first["date"][0] == "descending"
    for key, (_sort, address) in first.items():
        once = heads(reader.get(address).content.decode())
        twice = heads(reader.get(once[key][1]).content.decode())
        assert {once[key][0], twice[key][0]} == {"ascending", "descending"}, key
        assert [name for name, (sort, _address) in once.items() if sort] == [key]
        assert "modality=CT&modality=MR&modality=DX" in once[key][1]
        assert len(shown(reader, address.removeprefix("/"))) == 3


def test_several_values_of_a_filter_and_each_filter_find_what_they_name(archive: Archive, reader: Client) -> None:
    archive.receive(
        arrivals.dataset(PatientName="Head^A", PatientID="1", Modality="CT", BodyPartExamined="HEAD"),
        arrivals.dataset(PatientName="Hand^B", PatientID="2", Modality="DX", BodyPartExamined="HAND"),
        sender="ROOM_1",
    )
    made = arrivals.dataset(
        PatientName="Knee^C",
        PatientID="3",
        Modality="MR",
        BodyPartExamined="KNEE",
        ReferringPhysicianName="Lefèvre^Noé",
    )
    archive.receive(made, sender="ROOM_2")
    assert sorted(shown(reader, "?modality=CT&modality=MR")) == ["HEAD", "KNEE"]
    assert sorted(shown(reader, "?body=HEAD&body=HAND")) == ["HAND", "HEAD"]
    assert shown(reader, "?referring=noe+lefevre") == ["KNEE"]
    assert shown(reader, "?source=ROOM_2") == ["KNEE"]
    assert len(shown(reader, "?status=arriving")) == 3
    assert shown(reader, "?status=complete") == []


def test_values_are_offered_by_their_beginning_and_from_ones_own_departments_only(
    archive: Archive, reader: Client, orthopaedics: Department
) -> None:
    archive.receive(arrivals.dataset(BodyPartExamined="CHEST", PatientID="1"), sender="ROOM_1")
    archive.receive(arrivals.dataset(BodyPartExamined="CHESTWALL", PatientID="2"), sender="ROOM_1")
    archive.receive(arrivals.dataset(BodyPartExamined="HAND", PatientID="3"), sender="ROOM_1")
    archive.receive(arrivals.dataset(BodyPartExamined="CHIN", PatientID="4"), department=orthopaedics)
    text = reader.get("/studies/offered/body?beginning=ch&body=KNEE").content.decode()
    assert re.findall(r'value="(\w+)"( checked)?', text) == [("KNEE", " checked"), ("CHEST", ""), ("CHESTWALL", "")]
    assert "ROOM_1" in reader.get("/studies/offered/source").content.decode()
    assert reader.get("/studies/offered/body?beginning=%00%F4%8F%BF%BF").status_code == 200
    assert reader.get("/studies/offered/patient_id").status_code == 404


def test_each_filter_tells_how_many_studies_it_hides(three: None, reader: Client) -> None:
    text = reader.get("/studies/hiding?modality=CT&from=2026-03-01&to=2026-03-01").content.decode()
    assert "Hides" not in text
    text = reader.get("/studies/hiding?modality=CT&q=martin").content.decode()
    assert "Hides" not in text
    text = reader.get("/studies/hiding?modality=CT&to=2026-03-02").content.decode()
    assert "Hides 1 study" in text
    assert '<a href="/?to=2026-03-02">' in text
    assert "0 of 3 studies" in reader.get("/?modality=CT&q=nobody").content.decode()


def test_the_exact_total_comes_after_a_page_that_knows_only_the_least(
    three: None, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = studies.study_list
    monkeypatch.setattr(
        studies,
        "study_list",
        lambda *given, **options: replace(real(*given, **options), total=1, has_exact_total=False),
    )
    text = reader.get("/?modality=CT&modality=MR&modality=DX").content.decode()
    assert "1+ studies" in text
    asked = re.search(r'hx-get="(/studies/total[^"]+)"', text)
    assert asked
    exact = reader.get(asked[1].replace("&amp;", "&")).content.decode()
    assert "3 studies" in exact
    assert "hx-get" not in exact


@pytest.mark.parametrize(
    "query",
    [
        "order=-date;DROP+TABLE",
        "order=study_at",
        "order=__class__",
        "modality=" + "A" * 17,
        "body=%0a",
        "status=deleted",
        "source=" + "x" * 5000,
        "referring=" + "%CC%81" * 2500,
        "from=9999d",
        "from=99999d",
        "from=0h",
        "from=9999h&to=1h",
        "list=x",
        "list=%00",
        "list=00000000-0000-0000-0000-000000000000",
        "department=" + "d" * 500,
        "&".join(f"department=d{number}" for number in range(500)),
        "&".join(f"q={number}" for number in range(500)),
        "q=%25%25%25___%5C%27%22",
        "q=" + "*" * 10_000,
        "q=%E2%80%AE%D9%85%D8%B1%D9%8A%D8%B6",
        "cursor=" + "A" * 16_000,
        "cursor=WyItc3R1ZHlfYXQiLCIyMDI2IiwxLGZhbHNlXQ",
        "cursor=W251bGwsbnVsbCxudWxsLG51bGxd",
    ],
)
def test_hostile_values_are_answered_in_words_at_every_address_of_the_list(
    query: str, three: None, reader: Client
) -> None:
    for start in ("/", "/studies/rows", "/studies/total", "/studies/hiding"):
        assert reader.get(f"{start}?{query}").status_code == 200, start
    assert reader.post("/lists/layout", {"state": query, "do": "keep"}).status_code == 302
    export = reader.post("/studies/export.csv", {"state": query})
    assert export.status_code == 200
    assert b"".join(export.streaming_content)  # type: ignore[attr-defined]


def test_a_search_that_is_too_long_is_said_and_left_out(three: None, reader: Client) -> None:
    text = reader.get("/?q=" + "x" * 10_000).content.decode()
    assert "longer than 128 characters" in text
    assert "3 studies" in text


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("Cher", "CHER"),
        ("Martin^Anne^Élodie^Dr^MD", "MARTIN"),
        ("=田中^太郎", "田中"),
        ("مريض^أحمد", "مريض"),
        ("Zu\u0308rcher^\u202eevil", "ZU\u0308RCHER"),
        ("", "No name"),
    ],
)
def test_names_of_any_kind_stay_in_their_own_place(name: str, family: str, archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(PatientName=name, SpecificCharacterSet="ISO_IR 192")
    made.StudyTime = made.PatientBirthDate = ""
    archive.receive(made)
    text = reader.get("/").content.decode()
    assert re.search(rf'<bdi><span class="family">{re.escape(family)}</span>.*?</bdi></a>', text)


def test_a_part_of_a_page_whose_session_ended_says_how_to_come_back(client: Client) -> None:
    page = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?q=martin&order=name"}
    answer = client.get("/studies/rows?q=martin", headers=page)
    assert answer.status_code == 401
    assert answer.headers["X-Sign-In"] == "/account/login/?next=%2F%3Fq%3Dmartin%26order%3Dname"
    assert "session has ended" in answer.content.decode()
    elsewhere = client.get("/studies/rows", headers={**page, "HX-Current-URL": "https://evil.example/x"})
    assert elsewhere.headers["X-Sign-In"] == "/account/login/?next=%2F"
    assert client.get("/studies/rows").status_code == 302


def test_priors_are_counted_of_what_the_reader_may_see(
    archive: Archive, reader: Client, orthopaedics: Department
) -> None:
    for day in ("20260101", "20260102", "20260103"):
        archive.receive(arrivals.dataset(PatientID="P", StudyDate=day))
    archive.receive(arrivals.dataset(PatientID="P", StudyDate="20260104"), department=orthopaedics)
    text = reader.get("/").content.decode()
    assert re.findall(r'<span class="prior-count">.*?</svg>(\d+)</span>', text) == ["2", "2", "2"]
