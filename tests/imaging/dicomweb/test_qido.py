"""QIDO-RS: three levels, every kind of matching, what is returned, and what a client is told about it."""

import gzip
import threading
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import orjson
import pytest
from django.test import Client

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from imaging.dicomweb import qido
from imaging.studies import services as studies
from tests.factories.accounts import issue_machine_key
from tests.factories.arrivals import dataset, incoming

pytestmark = pytest.mark.django_db

ROOT = "/dicom-web"
NAMES = [
    "Dupont^Marie",
    "Durand^Hélène",
    "Garcia Lopez^José",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "O'Brien^Anne-Marie",
]


@pytest.fixture
def hospital(data_dir: Any, emergency: Department, orthopaedics: Department) -> list[Any]:
    """Ten studies of two series with two images each; the last lies in orthopaedics alone."""
    made = [
        dataset(
            StudyInstanceUID=f"1.2.3.{number}",
            SeriesInstanceUID=f"1.2.3.{number}.{series}",
            SOPInstanceUID=f"1.2.3.{number}.{series}.{image}",
            PatientID=f"MRN{number:03}",
            PatientName=NAMES[number % 5],
            AccessionNumber=f"ACC{number:04}",
            Modality=("CT", "MR", "DX")[number % 3],
            StudyDate=(date(2026, 1, 1) + timedelta(days=number)).strftime("%Y%m%d"),
            StudyTime=f"{8 + number:02}0000",
            TimezoneOffsetFromUTC="+0100",
            SeriesDate=(date(2026, 1, 1) + timedelta(days=number)).strftime("%Y%m%d"),
            SeriesNumber=series,
            InstanceNumber=image,
            StudyDescription=f"Exam 100% of {number}",
            ReferringPhysicianName="Référent^Zoé" if number % 2 else "Blanc^Jean",
        )
        for number in range(10)
        for series in (1, 2)
        for image in (1, 2)
    ]
    places = [orthopaedics if one.StudyInstanceUID == "1.2.3.9" else emergency for one in made]
    batch = [incoming(one, data_dir / "spool", place) for one, place in zip(made, places, strict=True)]
    studies.register(batch, actor=SYSTEM)
    return made


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """Alice works in emergency."""
    client.force_login(alice)
    return client


def ask(reader: Client, path: str, **parameters: Any) -> Any:
    answer = reader.get(f"{ROOT}/{path}?{urlencode(parameters, doseq=True)}")
    assert answer.status_code == 200, answer.content
    return orjson.loads(answer.content)


def numbers(found: list[dict[str, Any]]) -> list[int]:
    """The studies found, by the last part of their UID."""
    return [int(row["0020000D"]["Value"][0].rsplit(".", 1)[1]) for row in found]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"limit": 2, "offset": 3}, [5, 4]),
        ({"PatientID": "MRN003"}, [3]),
        ({"00100020": "MRN00?", "orderby": "PatientID", "limit": 2}, [0, 1]),
        ({"PatientID": "mrn003"}, []),
        ({"PatientName": "DUP*"}, [5, 0]),
        ({"PatientName": "*HELENE*"}, [6, 1]),
        ({"PatientName": "Garcia Lopez^*"}, [7, 2]),
        ({"PatientName": "Garcia^*"}, []),
        ({"PatientName": "山田^太郎"}, [8, 3]),
        ({"PatientName": "jose gar", "fuzzymatching": "true"}, [7, 2]),
        ({"PatientName": "ose", "fuzzymatching": "true"}, []),
        ({"PatientName": "*ose*", "fuzzymatching": "true"}, [7, 2]),
        ({"ReferringPhysicianName": "referent*"}, [7, 5, 3, 1]),
        ({"StudyDate": "20260103-20260104"}, [3, 2]),
        ({"StudyDate": "20260107-"}, [8, 7, 6]),
        ({"StudyDate": "-20260101"}, [0]),
        ({"StudyTime": "0900-1059"}, [2, 1]),
        ({"StudyTime": "1600-0859"}, [8, 0]),
        ({"StudyDate": "20260102-20260103", "StudyTime": "0930-0930"}, []),
        ({"StudyDate": "20260102-20260104", "StudyTime": "0930-0830"}, [2]),
        ({"StudyDate": "20260101-20260103", "StudyTime": "0830-0930"}, [1]),
        ({"StudyInstanceUID": "1.2.3.1,1.2.3.9,1.2.3.4"}, [4, 1]),
        ({"StudyInstanceUID": ["1.2.3.1", "1.2.3.2"]}, [2, 1]),
        ({"ModalitiesInStudy": "MR"}, [7, 4, 1]),
        ({"ModalitiesInStudy": "M?,DX", "limit": 3}, [8, 7, 5]),
        ({"StudyDescription": "Exam 100% of 4"}, [4]),
        ({"StudyDescription": "Exam 1% of 4"}, []),
        ({"StudyDescription": "*% of ?", "limit": 1}, [8]),
        ({"AccessionNumber": "ACC0001\\ACC0002"}, [2, 1]),
        ({"PatientBirthDate": "19700102", "limit": 1}, [8]),
        ({"PatientSex": "M"}, []),
        ({"NumberOfStudyRelatedInstances": "4", "limit": 1}, [8]),
        ({"orderby": "-PatientName", "limit": 2}, [8, 3]),
        ({"orderby": "00080020", "limit": 2}, [0, 1]),
    ],
)
def test_studies_are_found_by_every_kind_of_key(
    hospital: list[Any], reader: Client, parameters: dict[str, Any], expected: list[int]
) -> None:
    assert numbers(ask(reader, "studies", **parameters)) == expected


def test_a_study_has_all_that_the_standard_asks_for(hospital: list[Any], reader: Client) -> None:
    (row,) = ask(reader, "studies", StudyInstanceUID="1.2.3.1")
    plain = {tag: element.get("Value") for tag, element in row.items()}
    assert plain["00080005"] == ["ISO_IR 192"]
    assert (plain["00080020"], plain["00080030"], plain["00080201"]) == (["20260102"], ["090000"], ["+0100"])
    assert (plain["00080050"], plain["00080056"], plain["00080061"]) == (["ACC0001"], ["ONLINE"], ["MR"])
    assert plain["00100010"] == [{"Alphabetic": "Durand^Hélène"}]
    assert (plain["00100020"], plain["00100030"], plain["00100040"]) == (["MRN001"], ["19700102"], ["F"])
    assert (plain["00200010"], plain["00201206"], plain["00201208"]) == (["S1"], [2], [4])
    assert plain["00081190"] == ["http://testserver/dicom-web/studies/1.2.3.1"]
    assert list(row) == sorted(row)
    japanese = ask(reader, "studies", StudyInstanceUID="1.2.3.3")[0]["00100010"]["Value"]
    assert japanese == [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}]


def test_what_ohif_asks_is_answered(hospital: list[Any], reader: Client) -> None:
    listed = ask(
        reader, "studies", limit=101, offset=0, fuzzymatching="true", includefield="00081030,00080060,00080090,00100030"
    )
    assert len(listed) == 9
    assert listed[0]["00081030"]["Value"] == ["Exam 100% of 8"]
    assert numbers(ask(reader, "studies", **{"00100020": "MRN004"})) == [4]
    series = ask(reader, "studies/1.2.3.4/series", includefield="00080021,00080031,0008103E,00200011")
    assert [row["00200011"]["Value"] for row in series] == [[1], [2]]
    assert [row["00080021"]["Value"] for row in series] == [["20260105"]] * 2
    assert series[0]["00081190"]["Value"] == ["http://testserver/dicom-web/studies/1.2.3.4/series/1.2.3.4.1"]
    assert series[0]["0020000D"]["Value"] == ["1.2.3.4"]
    assert "00100010" not in series[0]


def test_relational_queries_find_below_and_across_studies(hospital: list[Any], reader: Client) -> None:
    of_patient = ask(reader, "series", PatientID="MRN002", orderby="-SeriesNumber")
    assert [row["0020000E"]["Value"][0] for row in of_patient] == ["1.2.3.2.2", "1.2.3.2.1"]
    assert of_patient[0]["00100020"]["Value"] == ["MRN002"]
    images = ask(reader, "instances", PatientName="DUP*", InstanceNumber="2", SeriesNumber="1")
    assert sorted(row["00080018"]["Value"][0] for row in images) == ["1.2.3.0.1.2", "1.2.3.5.1.2"]
    assert len(ask(reader, "studies/1.2.3.2/instances", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")) == 4
    below = ask(reader, "studies/1.2.3.2/series/1.2.3.2.1/instances")
    assert [row["00080018"]["Value"][0] for row in below] == ["1.2.3.2.1.1", "1.2.3.2.1.2"]
    assert (below[0]["00280010"]["Value"], below[0]["00280100"]["Value"]) == ([8], [16])
    assert below[0]["00081190"]["Value"] == [
        "http://testserver/dicom-web/studies/1.2.3.2/series/1.2.3.2.1/instances/1.2.3.2.1.1"
    ]
    assert len(ask(reader, "instances")) == 36


def test_the_whole_header_of_instances_may_be_asked_for(hospital: list[Any], reader: Client) -> None:
    (row,) = ask(reader, "instances", SOPInstanceUID="1.2.3.2.1.1", includefield="all")
    assert row["00280101"]["Value"] == [12]
    assert "7FE00010" not in row
    (row,) = ask(reader, "instances", SOPInstanceUID="1.2.3.2.1.1", includefield="PixelRepresentation,NoSuchThing")
    assert row["00280103"]["Value"] == [0]


def test_attributes_of_single_images_are_not_given_for_studies(hospital: list[Any], reader: Client) -> None:
    (row,) = ask(reader, "studies", StudyInstanceUID="1.2.3.2", includefield="SOPInstanceUID,PatientAge,SeriesDate")
    assert not {"00080018", "00080021"} & row.keys()


def test_the_total_is_told_when_it_is_known_or_asked_for(hospital: list[Any], reader: Client) -> None:
    assert reader.get(f"{ROOT}/studies").headers["X-Total-Count"] == "9"
    assert "X-Total-Count" not in reader.get(f"{ROOT}/studies?limit=2").headers
    counted = reader.get(f"{ROOT}/studies?limit=2&includetotal=true")
    assert counted.headers["X-Total-Count"] == "9"
    only = reader.get(f"{ROOT}/instances?limit=0&includetotal=true")
    assert (only.headers["X-Total-Count"], only.content) == ("36", b"[]")
    assert reader.get(f"{ROOT}/series?limit=1&includetotal=true").headers["X-Total-Count"] == "18"


def test_what_cannot_be_matched_is_warned_of(hospital: list[Any], reader: Client) -> None:
    answer = reader.get(f"{ROOT}/studies?PatientComments=x&Modality=CT&includefield=Nonsense")
    assert len(orjson.loads(answer.content)) == 9
    warned = answer.headers["Warning"]
    assert warned.startswith("299 http://testserver/dicom-web ")
    assert "PatientComments is not matched" in warned
    assert "Modality is not matched" in warned
    assert "Nonsense" in warned


@pytest.mark.parametrize(
    "query",
    [
        "PatientName=" + "%2Aa" * 200,
        "PatientName=" + "x" * 10_000,
        "PatientID=%00",
        "StudyDate=yesterday",
        "StudyDate=20260105-20260101",
        "NoSuchThing=1",
        "limit=-1",
        "limit=ten",
        "offset=1.5",
        "fuzzymatching=perhaps",
        "orderby=PixelData",
        "orderby=study_at;drop",
        "PatientID=1&PatientID=2",
        "&".join(f"00100020={n}" for n in range(300)),
        "StudyInstanceUID=../../etc",
        "%F0%9F%92%A9=1",
    ],
)
def test_hostile_queries_are_refused_in_words(hospital: list[Any], reader: Client, query: str) -> None:
    answer = reader.get(f"{ROOT}/studies?{query}")
    assert answer.status_code == 400
    assert len(orjson.loads(answer.content)["message"]) > 10


@pytest.mark.parametrize(
    "value",
    [
        "\u202edrowssap",
        "e\u0301\u0302\u0303*",
        "*%_\\*",
        "'; DROP TABLE imaging_study; --",
        "[a-z]+*",
        "(?:*",
        "\ud83d",
    ],
)
def test_odd_texts_find_nothing_and_break_nothing(hospital: list[Any], reader: Client, value: str) -> None:
    encoded = urlencode({"PatientName": value.encode("utf-8", "replace")})
    for path in ("studies", "series", "instances"):
        answer = reader.get(f"{ROOT}/{path}?{encoded}")
        assert answer.status_code in {200, 400}
        assert answer.status_code == 400 or orjson.loads(answer.content) == []


def test_an_answer_has_a_tag_and_is_shortened(hospital: list[Any], reader: Client) -> None:
    plain = reader.get(f"{ROOT}/studies")
    tag = plain.headers["ETag"]
    assert reader.get(f"{ROOT}/studies", headers={"If-None-Match": tag}).status_code == 304
    zipped = reader.get(f"{ROOT}/studies", headers={"Accept-Encoding": "br, gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.content) == plain.content
    assert reader.get(f"{ROOT}/studies", headers={"If-None-Match": zipped.headers["ETag"]}).status_code == 304
    assert "Content-Encoding" not in reader.get(f"{ROOT}/studies", headers={"Accept-Encoding": "gzip;q=0"}).headers


def test_xml_is_given_to_who_asks_for_it(hospital: list[Any], reader: Client) -> None:
    accept = 'multipart/related; type="application/dicom+xml"'
    answer = reader.get(f"{ROOT}/studies?PatientID=MRN003", headers={"Accept": accept})
    assert answer.headers["Content-Type"].startswith('multipart/related; type="application/dicom+xml"')
    start, end = answer.content.index(b"<?xml"), answer.content.rindex(b">") + 1
    root = ET.fromstring(answer.content[start:end])
    space = {"n": "http://dicom.nema.org/PS3.19/models/NativeDICOM"}
    family = root.find("n:DicomAttribute[@keyword='PatientName']/n:PersonName/n:Ideographic/n:FamilyName", space)
    assert family is not None
    assert family.text == "山田"
    assert reader.get(f"{ROOT}/studies", headers={"Accept": "text/csv"}).status_code == 406


def test_strangers_find_nothing_and_are_told_nothing(hospital: list[Any], bob: User, client: Client) -> None:
    assert client.get(f"{ROOT}/studies").status_code == 401
    client.force_login(bob)
    assert numbers(ask(client, "studies")) == [9]
    assert ask(client, "studies", StudyInstanceUID="1.2.3.1") == []
    assert ask(client, "series", StudyInstanceUID="1.2.3.1") == []
    for path in ("studies/1.2.3.1/series", "studies/1.2.3.1/instances", "studies/1.2.3.1/series/1.2.3.1.1/instances"):
        hidden, absent = client.get(f"{ROOT}/{path}"), client.get(f"{ROOT}/{path.replace('1.2.3.1', '9.9.9')}")
        assert (hidden.status_code, hidden.content) == (404, absent.content)


def test_a_machine_finds_what_its_departments_have(
    hospital: list[Any], orthopaedics: Department, client: Client
) -> None:
    key = issue_machine_key(orthopaedics, name="worklist").plaintext
    answer = client.get(f"{ROOT}/studies", headers={"Authorization": f"Bearer {key}"})
    assert numbers(orjson.loads(answer.content)) == [9]


def test_a_search_is_on_record_once_in_a_while(hospital: list[Any], reader: Client) -> None:
    for _ in range(3):
        ask(reader, "studies", PatientName="DUP*")
    (event,) = AuditEvent.objects.filter(action="studies.queried")
    assert event.detail == {"level": "study", "keys": {"PatientName": "DUP*"}, "found": 2}
    ask(reader, "studies", PatientName="DUR*")
    assert AuditEvent.objects.filter(action="studies.queried").count() == 2


@pytest.mark.parametrize("path", ["series", "instances"])
def test_searches_of_the_whole_archive_take_turns_and_leave_threads_to_others(
    hospital: list[Any], reader: Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(qido, "_wide", turns)
    monkeypatch.setattr(qido, "_WAIT", 0.01)
    assert len(ask(reader, path, Modality="CT")) > 0
    with turns:
        crowded = reader.get(f"{ROOT}/{path}?Modality=CT")
        assert (crowded.status_code, crowded.headers["Retry-After"]) == (503, "5")
        assert numbers(ask(reader, "studies", limit=1)) == [8]
        assert len(ask(reader, f"studies/1.2.3.1/{path}")) > 0
        assert len(ask(reader, path, StudyInstanceUID="1.2.3.1")) > 0
        assert reader.get(f"{ROOT}/{path}?PatientName=%01").status_code == 400
    assert len(ask(reader, path, Modality="CT")) > 0
