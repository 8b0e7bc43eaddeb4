"""The list as CSV: every row in scope, no formula, on record before the first byte, and nothing when it cannot be."""

import csv
import io

import pytest
from django.test import Client

from accounts import audit, spreadsheet
from accounts.models import AuditEvent, Department, User
from accounts.roles import Role
from imaging.studies.finding import study_list
from imaging.studies.models import Placement
from imaging.viewer import list_export
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def table(client: Client, state: str = "") -> list[dict[str, str]]:
    """The exported rows by their headers."""
    answer = client.post("/studies/export.csv", {"state": state})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    text = b"".join(answer.streaming_content).decode("utf-8")  # type: ignore[attr-defined]
    assert text.startswith(BOM)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM))))


def test_every_row_of_the_filter_is_exported_in_its_order(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_list, "_MOST_ROWS", 4)
    monkeypatch.setattr(study_list, "_MOST_KEYS", 3)
    archive.receive(
        *(
            arrivals.dataset(PatientName=f"Row{number:02}^A", PatientID=str(number), Modality="CT")
            for number in range(11)
        )
    )
    archive.receive(arrivals.dataset(PatientName="Other^B", PatientID="99", Modality="MR"))
    rows = table(reader, "modality=CT&order=-name")
    assert [row["Patient"] for row in rows] == [f"ROW{number:02} A" for number in reversed(range(11))]
    assert rows[0]["Modality"] == "CT"
    assert rows[0]["Study Instance UID"]


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1"])
def test_no_cell_is_a_formula(hostile: str) -> None:
    assert spreadsheet.cell(hostile).startswith("'")


def test_hostile_headers_stay_one_cell(archive: Archive, reader: Client) -> None:
    archive.receive(
        arrivals.dataset(PatientName='+cmd|"/C calc"!A0^X', AccessionNumber="@A1", StudyDescription='a,"b";c')
    )
    (row,) = table(reader)
    assert row["Patient"].startswith("'+")
    assert row["Accession"] == "'@A1"
    assert row["Study"] == 'a,"b";c'


def test_only_the_rows_of_the_readers_departments_leave(
    archive: Archive, reader: Client, orthopaedics: Department
) -> None:
    archive.receive(arrivals.dataset(PatientName="Mine^A"))
    archive.receive(arrivals.dataset(PatientName="Theirs^B", PatientID="2"), department=orthopaedics)
    assert [row["Patient"] for row in table(reader)] == ["MINE A"]
    assert [row["Patient"] for row in table(reader, f"department={orthopaedics.code}")] == ["MINE A"]


def test_who_may_list_but_not_download_exports_nothing(archive: Archive, emergency: Department, client: Client) -> None:
    archive.receive(arrivals.dataset(PatientName="Secret^A"))
    trainee = UserFactory.create()
    MembershipFactory.create(user=trainee, department=emergency, role=Role.TRAINEE)
    client.force_login(trainee)
    assert client.post("/studies/export.csv", {"state": ""}).status_code == 403
    assert b"export.csv" not in client.get("/").content


def test_departments_without_the_right_to_download_are_left_out(
    archive: Archive, reader: Client, alice: User, orthopaedics: Department
) -> None:
    MembershipFactory.create(user=alice, department=orthopaedics, role=Role.TRAINEE)
    archive.receive(arrivals.dataset(PatientName="Mine^A"))
    archive.receive(arrivals.dataset(PatientName="Listed^B", PatientID="2"), department=orthopaedics)
    assert [row["Patient"] for row in table(reader)] == ["MINE A"]


def test_the_export_is_on_record_with_its_filters(archive: Archive, reader: Client) -> None:
    archive.receive(arrivals.dataset())
    table(reader, "modality=CT")
    event = AuditEvent.objects.get(action="list.exported", subject_type="study_list")
    assert event.detail == {"filters": "modality=CT", "studies": 1}


def test_each_study_that_leaves_is_on_record_with_its_patient(
    archive: Archive, reader: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks what became of a patient's data finds the list that it left in, also when the client stopped reading."""
    monkeypatch.setattr(study_list, "_MOST_ROWS", 1)
    made = [arrivals.dataset(PatientName=f"Row{number}^A", PatientID=f"MRN{number}") for number in range(3)]
    archive.receive(*made)
    answer = reader.post("/studies/export.csv", {"state": "order=name"})
    left = AuditEvent.objects.filter(action="list.exported", subject_type="study").order_by("patient_id")
    assert not left.exists()
    pieces = iter(answer.streaming_content)  # type: ignore[attr-defined]
    sent = b"".join(next(pieces) for _ in range(3))
    assert (b"ROW1 A" in sent, b"ROW2 A" in sent) == (True, False)
    assert list(left.values_list("subject_uid", "patient_id", "actor_id", "door")) == [
        (one.StudyInstanceUID, one.PatientID, str(alice.pk), "page") for one in made[:2]
    ]


def test_a_file_ends_where_its_studies_can_no_longer_be_put_on_record(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.receive(arrivals.dataset(PatientName="Secret^A"))
    answer = reader.post("/studies/export.csv", {"state": ""})
    pieces = iter(answer.streaming_content)  # type: ignore[attr-defined]
    assert b"SECRET" not in next(pieces)

    def broken(*_args: object, **options: object) -> None:
        assert options["fail_closed"]
        raise audit.AuditUnavailable("the audit is away")

    monkeypatch.setattr(audit, "record_many", broken)
    with pytest.raises(audit.AuditUnavailable):
        next(pieces)


def test_nothing_leaves_that_cannot_be_put_on_record(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.receive(arrivals.dataset(PatientName="Secret^A"))

    def broken(*_args: object, **options: object) -> None:
        assert options["fail_closed"]
        raise audit.AuditUnavailable("the audit is away")

    monkeypatch.setattr(audit, "record", broken)
    answer = reader.post("/studies/export.csv", {"state": "q=secret"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/?q=secret"
    assert not getattr(answer, "streaming", False)


def test_a_list_that_takes_too_long_is_refused_before_anything_is_sent(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.receive(arrivals.dataset(PatientName="Durand^A"))
    monkeypatch.setattr(list_export, "_SECONDS", 0)
    answer = reader.post("/studies/export.csv", {"state": "q=durand"}, follow=True)
    assert answer.redirect_chain == [("/?q=durand", 302)]
    assert "Nothing was exported: this list takes too long to gather" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="list.exported").exists()


def test_what_is_withdrawn_while_a_slow_client_reads_is_left_out(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_list, "_MOST_ROWS", 1)
    archive.receive(arrivals.dataset(PatientName="First^A"), arrivals.dataset(PatientName="Second^B", PatientID="2"))
    answer = reader.post("/studies/export.csv", {"state": "order=name"})
    pieces = iter(answer.streaming_content)  # type: ignore[attr-defined]
    sent = next(pieces) + next(pieces)
    Placement.objects.filter(study__patient__patient_name__startswith="Second").delete()
    sent += b"".join(pieces)
    assert b"FIRST A" in sent
    assert b"SECOND" not in sent


def test_a_french_reader_gets_french_headers_and_semicolons(archive: Archive, reader: Client, alice: User) -> None:
    alice.language = "fr"
    alice.save()
    archive.receive(arrivals.dataset())
    answer = reader.post("/studies/export.csv", {"state": ""})
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.splitlines()[0].count(";") == len(list_export._COLUMNS) - 1


def test_a_get_exports_nothing(reader: Client) -> None:
    assert reader.get("/studies/export.csv").status_code == 405
