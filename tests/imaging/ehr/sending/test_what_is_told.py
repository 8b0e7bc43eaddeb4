"""What becomes owed, to whom, and how it is written: reports, requests, and the news that images are there (HL-13)."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.ehr.models import Hl7Notice
from imaging.ehr.sending import delivering, telling
from imaging.orders.models import ExamRequest, StudyLink
from imaging.reports.models import ReportVersion
from imaging.reports.writing import services, signing
from imaging.reports.writing.policies import Writing
from imaging.studies import services as studies
from imaging.studies.correction import merging
from imaging.studies.models import Patient, Study
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory
from tests.factories.exam_requests import exam_request, procedure
from tests.imaging.ehr.conftest import Tell
from tests.imaging.reports.writing.conftest import as_writer, member, saved, wish
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

State = ExamRequest.State


@pytest.fixture
def study(archive: Archive) -> Study:
    """A study of emergency."""
    made = arrivals.dataset(PatientName="Lefèvre^Hélène^^Mme", AccessionNumber="A77")
    archive.receive(made)
    return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)


@pytest.fixture
def radiologist(emergency: Department) -> User:
    """Signs."""
    return member(emergency, Role.RADIOLOGIST, "Rita Roux")


@pytest.fixture
def sign(study: Study, radiologist: User) -> Callable[..., ReportVersion]:
    """`sign(impression=…)` signs the report of the study, and what follows is done."""

    def signed(person: User | None = None, **more: str) -> ReportVersion:
        who = person or radiologist
        made = signing.sign(as_writer(who), study, seen_revision=saved(who, study, **more))
        telling.report_changed(str(made.report.key))
        return made

    return signed


Sign = Callable[..., ReportVersion]


def messages() -> list[str]:
    """Every message that is owed, in order, a segment a line."""
    return [bytes(row.raw).decode().replace("\r", "\n") for row in Hl7Notice.objects.order_by("pk")]


def fields(message: str, name: str) -> list[list[str]]:
    """The segments of a name, in fields."""
    return [line.split("|") for line in message.split("\n") if line.startswith(f"{name}|")]


def test_a_signed_report_is_owed_with_its_words_its_paper_and_its_images(
    destination: Tell, sign: Sign, study: Study
) -> None:
    destination()
    made = sign(findings="Line one | of two.\nLine two & last.")

    (message,) = messages()
    (header,), (pid,), (obr,) = fields(message, "MSH"), fields(message, "PID"), fields(message, "OBR")
    assert header[8] == "ORU^R01^ORU_R01"
    assert header[4] == "HIS"
    assert header[17] == "UNICODE UTF-8"
    issuer = study.patient.issuer_of_patient_id
    assert pid[3] == f"{study.patient.patient_id}^^^{issuer}&1.2.826.0.1.3680043.10.999&ISO^PI"
    assert pid[5] == "Lefèvre^Hélène^^^Mme^^L"
    assert obr[18] == "A77"
    assert obr[25] == "F"
    assert obr[32] == "&Rita Roux"
    rows = fields(message, "OBX")
    words = {row[3].split("^")[0]: row[5] for row in rows if row[2] == "FT"}
    assert words["59776-5"] == "Line one \\F\\ of two.\\.br\\Line two \\T\\ last."
    (paper,) = [row[5] for row in rows if row[2] == "ED"]
    assert paper.startswith("^Application^PDF^Base64^")
    assert base64.b64decode(paper.rpartition("^")[2]).startswith(b"%PDF-")
    assert [row[5] for row in rows if row[2] == "HD"] == [study.study_instance_uid]
    (address,) = [row[5].split("^")[0] for row in rows if row[2] == "RP"]
    assert address.endswith(f"/studies/{study.study_instance_uid}/")
    assert {row[11] for row in rows} == {"F"}
    event = AuditEvent.objects.get(action="hl7_message.sent")
    assert event.patient_id == study.patient.patient_id
    assert event.detail["which"] == str(made.number)


def test_each_version_is_owed_once_however_often_the_step_runs(destination: Tell, sign: Sign) -> None:
    destination()
    made = sign()
    telling.report_changed(str(made.report.key))
    assert Hl7Notice.objects.count() == 1


def test_what_was_said_is_forgotten_but_not_that_it_was_said(destination: Tell, sign: Sign) -> None:
    destination()
    made = sign()
    Hl7Notice.objects.update(state="taken", ended_at=timezone.now() - timedelta(days=100))
    delivering.prune()
    telling.report_changed(str(made.report.key))
    row = Hl7Notice.objects.get()
    assert (bytes(row.raw), row.state) == (b"", "taken")
    assert telling.send_again(row, actor=SYSTEM), "written anew for a receiver that asks for it"
    assert b"OBR|" in bytes(Hl7Notice.objects.get().raw)


def test_a_correction_replaces_and_a_withdrawal_says_why(
    destination: Tell, sign: Sign, study: Study, radiologist: User
) -> None:
    destination(report_form="text")
    first = sign()
    person = as_writer(radiologist)
    draft = services.begin(person, study, Writing.CORRECTION)
    revision = services.save(person, study, wish("No fracture.", seen=draft.revision)).revision
    signing.sign(person, study, seen_revision=revision, reason="Wrong side")
    signing.withdraw(person, study, seen_number=2, reason="Another patient's images")
    telling.report_changed(str(first.report.key))

    _final, corrected, withdrawn = messages()
    assert fields(corrected, "OBR")[0][25] == "C"
    assert {row[11] for row in fields(corrected, "OBX")} == {"C"}
    assert "No fracture." in corrected
    assert fields(withdrawn, "OBR")[0][25] == "X"
    assert {row[11] for row in fields(withdrawn, "OBX")} == {"W"}
    assert "Another patient's images" in withdrawn
    assert "fracture" not in withdrawn


def test_a_preliminary_report_is_owed_to_who_wants_it_alone(
    destination: Tell, study: Study, emergency: Department, radiologist: User
) -> None:
    destination(name="Register", report_form="text")
    destination(name="Ward", report_form="text", tells_preliminary=True)
    trainee = member(emergency, Role.TRAINEE, "Tom Thierry")
    revision = saved(trainee, study)
    made = signing.sign_preliminary(as_writer(trainee), study, seen_revision=revision, supervisor=radiologist)
    telling.report_changed(str(made.report.key))

    assert [row.destination.name for row in Hl7Notice.objects.all()] == ["Ward"]
    assert fields(messages()[0], "OBR")[0][25] == "P"
    changed = services.save(as_writer(radiologist), study, wish("Boxer's fracture.", seen=revision))
    signing.sign(as_writer(radiologist), study, seen_revision=changed.revision)
    telling.report_changed(str(made.report.key))
    told = Hl7Notice.objects.order_by("pk").values_list("destination__name", "mark")
    assert set(told) == {("Ward", "1"), ("Ward", "2"), ("Register", "2")}


def test_a_report_that_answers_several_orders_answers_each(
    destination: Tell, sign: Sign, study: Study, emergency: Department
) -> None:
    destination(report_form="text")
    for number in ("PON1", "PON2"):
        asked = exam_request(asking=emergency, performing=emergency, placer_order_number=number, patient=study.patient)
        StudyLink.objects.create(request=asked, study=study, basis="person", made_by="test")
    sign()
    (message,) = messages()
    assert [row[2] for row in fields(message, "ORC")] == ["PON1", "PON2"]
    assert [row[2] for row in fields(message, "OBR")] == ["PON1", "PON2"]
    assert message.count("Fracture of the fifth metacarpal.") == 2


def test_nobody_is_told_of_what_is_protected_or_not_theirs(
    destination: Tell, sign: Sign, study: Study, emergency: Department
) -> None:
    elsewhere = destination(name="Elsewhere", report_form="text")
    elsewhere.departments.set([DepartmentFactory.create(code="ward9", site=emergency.site)])
    destination(name="Other numbers", report_form="text", site=DepartmentFactory.create(code="far").site)
    destination(name="Off", report_form="text", is_active=False)
    destination(name="Only requests", report_form="text", tells_reports=False)
    here = destination(name="Here", report_form="text")
    sign()
    assert [row.destination for row in Hl7Notice.objects.all()] == [here]


def test_a_protected_study_is_told_to_nobody(destination: Tell, sign: Sign, study: Study) -> None:
    destination(report_form="text", tells_studies=True)
    Study.objects.filter(pk=study.pk).update(sensitivity="vip")
    study.placements.update(sensitivity="vip")
    sign()
    telling.study_settled(study.study_instance_uid)
    assert not Hl7Notice.objects.exists()


def test_letters_that_the_receivers_set_has_not_are_written_with_those_it_has_or_wait_for_a_person(
    destination: Tell, sign: Sign
) -> None:
    """Pitfall 13: nothing becomes a question mark."""
    ward = destination(report_form="text", character_set="8859/1")
    sign(findings="Nodule ≥ 8 mm – “œdème”, Łukasz")
    (row,) = Hl7Notice.objects.all()
    assert 'Nodule >= 8 mm - "oedème", Lukasz' in bytes(row.raw).decode("iso8859-1")

    Hl7Notice.objects.all().delete()
    ReportVersion.objects.get()
    chinese = destination(name="Old", report_form="text", character_set="8859/15")
    Patient.objects.update(patient_name="王^小东")
    telling.report_changed(str(row.subject_uid))
    laid_aside = Hl7Notice.objects.get(destination=chinese)
    assert (laid_aside.state, bytes(laid_aside.raw)) == ("refused", b"")
    assert not telling.send_again(laid_aside, actor=SYSTEM)
    chinese.character_set = "UNICODE UTF-8"
    chinese.save()
    again = Hl7Notice.objects.select_related("destination__site").get(pk=laid_aside.pk)
    assert telling.send_again(again, actor=SYSTEM)
    again.refresh_from_db()
    assert again.state == "waiting"
    assert "王^小东" in bytes(again.raw).decode()
    assert ward.pk


class TestRequests:
    """Where a request stands."""

    @pytest.fixture
    def patient(self, study: Study) -> Patient:
        return study.patient

    @pytest.fixture
    def moves(self, emergency: Department, patient: Patient) -> Callable[..., ExamRequest]:
        """`moves(state, …)` puts the request there, and what follows is done."""
        row = exam_request(
            asking=emergency,
            performing=emergency,
            patient=patient,
            state=State.REQUESTED,
            procedure=procedure(code="CT1", loinc="36643-5"),
            scheduled_for=None,
            priority=0,
        )

        def moved(state: str, **changes: object) -> ExamRequest:
            row.state = state
            row.version += 1
            for name, value in changes.items():
                setattr(row, name, value)
            row.save()
            telling.request_changed(str(row.key))
            return row

        return moved

    def standings(self) -> list[tuple[str, str]]:
        return [(row[1], row[5] if len(row) > 5 else "") for text in messages() for row in fields(text, "ORC")]

    def test_is_told_from_its_placing_to_its_images(self, destination: Tell, moves: Callable[..., ExamRequest]) -> None:
        destination(tells_requests=True)
        moves(State.REQUESTED, requester_name="Durand^Émilie")
        moves(State.VETTED)
        moves(State.SCHEDULED, scheduled_for=datetime(2026, 1, 5, 8, 30, tzinfo=UTC))
        moves(State.ARRIVED)
        moves(State.IN_PROGRESS)
        moves(State.COMPLETED)
        moves(State.REPORTED)
        assert self.standings() == [("SN", ""), ("SC", "SC"), ("SC", "IP"), ("SC", "CM")]
        placed, booked, *_rest = messages()
        (obr,) = fields(placed, "OBR")
        assert obr[4] == "CT1^CT of the thorax^L^36643-5^CT of the thorax^LN"
        assert fields(placed, "ORC")[0][7] == "^^^^^S"
        assert "20260105093000+0100" in fields(booked, "ORC")[0][7]
        assert fields(booked, "OBR")[0][36] == "20260105093000+0100"
        assert obr[18].startswith("ACC")

    def test_is_told_again_when_it_is_booked_for_another_time(
        self, destination: Tell, moves: Callable[..., ExamRequest]
    ) -> None:
        destination(tells_requests=True, new_order="NW")
        moves(State.SCHEDULED, scheduled_for=datetime(2026, 1, 5, 8, 30, tzinfo=UTC))
        moves(State.SCHEDULED, scheduled_for=datetime(2026, 1, 6, 8, 30, tzinfo=UTC))
        moves(State.SCHEDULED)
        assert self.standings() == [("NW", "SC"), ("SC", "SC")]

    def test_who_did_not_come_is_told_and_so_is_the_new_life_of_the_request(
        self, destination: Tell, moves: Callable[..., ExamRequest]
    ) -> None:
        destination(tells_requests=True)
        moves(State.SCHEDULED, scheduled_for=timezone.now())
        moves(State.NO_SHOW)
        moves(State.VETTED)
        moves(State.CANCELLED, ended_reason="Done elsewhere")
        assert self.standings()[1:] == [("SC", "HD"), ("XX", ""), ("OC", "CA")]
        assert fields(messages()[-1], "ORC")[0][16] == "^Done elsewhere"

    def test_which_ended_before_anybody_was_told_is_not_told(
        self, destination: Tell, moves: Callable[..., ExamRequest]
    ) -> None:
        destination(tells_requests=True)
        moves(State.DRAFT)
        moves(State.CANCELLED)
        assert self.standings() == []

    def test_of_a_protected_patient_is_told_to_nobody(
        self, destination: Tell, moves: Callable[..., ExamRequest], patient: Patient
    ) -> None:
        destination(tells_requests=True)
        studies.protect(patient, "vip", reason="asked for", actor=SYSTEM)
        moves(State.SCHEDULED, scheduled_for=timezone.now())
        assert self.standings() == []

    def test_of_another_system_goes_back_under_its_own_number(
        self, destination: Tell, moves: Callable[..., ExamRequest]
    ) -> None:
        destination(tells_requests=True)
        moves(State.REQUESTED, source="hl7:1", placer_order_number="PON1", filler_order_number="FON1")
        assert self.standings() == []
        moves(State.IN_PROGRESS)
        assert self.standings() == [("SC", "IP")]
        assert fields(messages()[0], "ORC")[0][2:4] == ["PON1", "FON1"]


def test_that_images_are_there_is_told_once_and_again_when_there_are_more(destination: Tell, study: Study) -> None:
    destination(tells_studies=True)
    telling.study_settled(study.study_instance_uid)
    telling.study_settled(study.study_instance_uid)
    (message,) = messages()
    assert fields(message, "OBR")[0][25] == "R"
    assert study.study_instance_uid in message
    assert fields(message, "OBR")[0][7].endswith(("+0100", "+0200")), "the hour of the site"
    for count in (5, 3, 5):
        Study.objects.filter(pk=study.pk).update(instance_count=count)
        telling.study_settled(study.study_instance_uid)
    assert Hl7Notice.objects.count() == 4


def test_a_patient_who_was_merged_is_told_of_under_the_number_that_remains(
    destination: Tell, study: Study, sign: Sign
) -> None:
    destination(report_form="text")
    remaining = Patient.objects.create(
        patient_id="P2", issuer_of_patient_id=study.patient.issuer_of_patient_id, patient_name="Lefèvre^Hélène"
    )
    merging.merge(study.patient, remaining, reason="the same person", actor=SYSTEM)
    study.refresh_from_db()
    sign()
    assert fields(messages()[0], "PID")[0][3].startswith("P2^^^")
