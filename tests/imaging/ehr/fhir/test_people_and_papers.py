"""Patient, ServiceRequest, DiagnosticReport, Binary: what they say, by what they are found, and whom they answer (FH-4)."""

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from imaging.orders.models import ExamRequest, StudyLink
from imaging.reports.models import Report
from imaging.reports.writing import services, signing
from imaging.reports.writing.policies import Writing
from imaging.studies.models import Patient, Study
from tests.factories.exam_requests import exam_request, procedure
from tests.imaging.ehr.conftest import TellOfPatient
from tests.imaging.ehr.fhir.conftest import OID, Come, Program, Sign
from tests.imaging.reports.writing.conftest import as_writer, wish

pytestmark = pytest.mark.django_db

State = ExamRequest.State


@pytest.fixture
def chest(come: Come) -> Study:
    """A study of emergency."""
    return come(PatientID="P1", PatientName="Lefèvre^Hélène", PatientBirthDate="19800102", PatientSex="F")


@pytest.fixture
def patient(chest: Study) -> Patient:
    """Whose it is."""
    return chest.patient


def test_a_patient_has_name_birth_date_gender_and_the_number_with_its_issuer(
    program: Program, patient: Patient
) -> None:
    told = program.ask(f"Patient/{patient.pk}")
    assert told["identifier"][0]["system"] == f"urn:oid:{OID}"
    assert told["identifier"][0]["value"] == "P1"
    assert told["identifier"][0]["assigner"] == {"display": "HOSPITAL"}
    assert told["name"][0] == {
        "use": "official", "text": "Lefèvre, Hélène", "family": "Lefèvre", "given": ["Hélène"],
    }  # fmt: skip
    assert (told["gender"], told["birthDate"]) == ("female", "1980-01-02")
    assert AuditEvent.objects.get(action="metadata.read").patient_id == "P1"


@pytest.mark.parametrize(
    "query",
    [
        "identifier=P1",
        f"identifier=urn:oid:{OID}|P1",
        "family=lefevre",
        "family=LEF",
        "given=hel",
        "name=hélène",
        "name=lefe&name=hel",
        "birthdate=1980-01-02",
        "birthdate=1980",
        "birthdate=lt1990-01-01&birthdate=gt1979-12-31",
        "gender=female",
    ],
)
def test_a_patient_is_found_by(query: str, program: Program, patient: Patient, come: Come) -> None:
    come(PatientID="P2", PatientName="Adrien^Paul", PatientBirthDate="19920202", PatientSex="M")
    assert program.ids(f"Patient?{query}") == [str(patient.pk)]


@pytest.mark.parametrize(
    "query", ["identifier=urn:oid:1.2|P1", "family=fevre", "given=lef", "gender=other", "birthdate=1981", "_id=x"]
)
def test_no_patient_is_found_by(query: str, program: Program, patient: Patient) -> None:
    assert program.ask(f"Patient?{query}")["total"] == 0


def test_the_national_number_is_told_only_of_a_qualified_identity(
    program: Program, tell: TellOfPatient, patient: Patient
) -> None:
    national = "1.2.250.1.213.1.4.8"
    ins = f"180017500000122^^^ASIP-SANTE-INS-NIR&{national}&ISO^INS"
    assert "MSA|AA" in tell(ins, codes="VALI")
    told = program.ask(f"Patient/{patient.pk}")
    assert {"system": f"urn:oid:{national}", "value": "180017500000122"}.items() <= told["identifier"][1].items()
    assert program.ids(f"Patient?identifier=urn:oid:{national}|180017500000122") == [str(patient.pk)]
    assert "MSA|AA" in tell(ins, codes="PROV")
    assert "180017500000122" not in str(program.ask(f"Patient/{patient.pk}"))
    assert program.ids(f"Patient?identifier=urn:oid:{national}|180017500000122") == []


def test_patients_of_others_are_not_there(stranger: Program, patient: Patient) -> None:
    stranger.ask(f"Patient/{patient.pk}", status=404)
    assert stranger.ask("Patient?identifier=P1")["total"] == 0


@pytest.fixture
def asked(chest: Study, emergency: Department) -> ExamRequest:
    """A request of emergency for its own scanner."""
    return exam_request(
        asking=emergency,
        performing=emergency,
        patient=chest.patient,
        procedure=procedure(code="CTTHORAX", name="CT of the thorax", loinc="24627-2", radlex="RPID16"),
        placer_order_number="PL1",
        accession_number="ACC9",
        clinical_question="Pneumonia?",
        laterality="R",
        priority=1,
    )


def test_a_request_tells_what_for_whom_why_how_soon_and_where_it_stands(program: Program, asked: ExamRequest) -> None:
    told = program.ask(f"ServiceRequest/{asked.key}")
    numbers = {one["type"]["coding"][0]["code"]: one["value"] for one in told["identifier"]}
    assert numbers == {"PLAC": "PL1", "ACSN": "ACC9"}
    assert (told["status"], told["intent"], told["priority"]) == ("active", "order", "urgent")
    assert [code["code"] for code in told["code"]["coding"]] == ["CTTHORAX", "24627-2", "RPID16"]
    assert told["subject"] == {"reference": f"Patient/{asked.patient_id}"}
    assert told["reasonCode"] == [{"text": "Pneumonia?"}]
    assert told["bodySite"][0]["coding"][0]["code"] == "24028007"
    assert told["occurrenceDateTime"]
    event = AuditEvent.objects.get(action="request.read")
    assert (event.subject_uid, event.patient_id) == (str(asked.key), "P1")


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (State.REQUESTED, "active"), (State.IN_PROGRESS, "active"), (State.RETURNED, "on-hold"),
        (State.NO_SHOW, "on-hold"), (State.REFUSED, "revoked"), (State.CANCELLED, "revoked"),
        (State.DISCONTINUED, "revoked"), (State.COMPLETED, "completed"), (State.ACKNOWLEDGED, "completed"),
    ],
)  # fmt: skip
def test_where_a_request_stands_is_its_status(state: str, status: str, program: Program, asked: ExamRequest) -> None:
    ExamRequest.objects.update(state=state)
    assert program.ask(f"ServiceRequest/{asked.key}")["status"] == status
    assert program.ids(f"ServiceRequest?status={status}") == [str(asked.key)]


def test_a_draft_is_nobody_elses(program: Program, asked: ExamRequest) -> None:
    ExamRequest.objects.update(state=State.DRAFT)
    program.ask(f"ServiceRequest/{asked.key}", status=404)
    assert program.ask("ServiceRequest")["total"] == 0


def test_a_request_is_found_by_its_numbers_its_exam_and_its_times(program: Program, asked: ExamRequest) -> None:
    for query in (
        "identifier=PL1", "identifier=ACC9", f"patient={asked.patient_id}", "patient.identifier=P1", "priority=urgent",
        "code=CTTHORAX", "code=http://loinc.org|24627-2", "authored=ge2020-01-01", "occurrence=ge2020",
        "_lastUpdated=ge2020", f"_id={asked.key}",
    ):  # fmt: skip
        assert program.ids(f"ServiceRequest?{query}") == [str(asked.key)], query
    for query in ("identifier=x", "priority=stat", "code=http://snomed.info/sct|24627-2", "authored=lt2020-01-01"):
        assert program.ask(f"ServiceRequest?{query}")["total"] == 0, query


def test_a_request_for_somebody_who_was_typed_names_them(program: Program, asked: ExamRequest) -> None:
    ExamRequest.objects.update(patient=None, typed_name="Unknown^Man")
    assert program.ask(f"ServiceRequest/{asked.key}")["subject"] == {"display": "Unknown, Man"}


def test_requests_of_others_are_not_there(stranger: Program, asked: ExamRequest) -> None:
    stranger.ask(f"ServiceRequest/{asked.key}", status=404)
    assert stranger.ask("ServiceRequest")["total"] == 0


def test_a_report_tells_its_conclusion_and_where_its_paper_is(
    program: Program, chest: Study, asked: ExamRequest, sign: Sign
) -> None:
    StudyLink.objects.create(study=chest, request=asked, basis="accession")
    version = sign(chest, impression="Pneumonia of the left lower lobe.")
    told = program.ask(f"DiagnosticReport/{version.report.key}")
    assert (told["status"], told["conclusion"]) == ("final", "Pneumonia of the left lower lobe.")
    assert told["imagingStudy"] == [{"reference": f"ImagingStudy/{chest.study_instance_uid}"}]
    assert told["basedOn"] == [{"reference": f"ServiceRequest/{asked.key}"}]
    assert told["resultsInterpreter"] == [{"display": "Rita Roux"}]
    (form,) = told["presentedForm"]
    address = form["url"].removeprefix("http://testserver")
    as_pdf = program.client.get(
        address, headers={"Authorization": f"Bearer {program.key}", "Accept": "application/pdf"}
    )
    assert as_pdf["Content-Type"] == "application/pdf"
    assert as_pdf.content.startswith(b"%PDF-")
    assert base64.b64decode(program.ask(address)["data"]) == as_pdf.content
    read = AuditEvent.objects.filter(action="report.read")
    assert {(event.subject_uid, event.patient_id) for event in read} == {(str(version.report.key), "P1")}
    assert read.count() == 3


def test_a_search_for_reports_tells_no_conclusion(program: Program, chest: Study, sign: Sign) -> None:
    sign(chest, impression="Pneumonia.")
    (told,) = program.found("DiagnosticReport?patient.identifier=P1")
    assert "conclusion" not in told
    assert told["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert not AuditEvent.objects.filter(action="report.read").exists()


def test_a_report_is_found_by_status_days_and_request(
    program: Program, chest: Study, asked: ExamRequest, sign: Sign
) -> None:
    StudyLink.objects.create(study=chest, request=asked, basis="accession")
    key = str(sign(chest).report.key)
    for query in (
        "status=final", f"patient={chest.patient_id}", f"identifier=urn:ietf:rfc:3986|urn:uuid:{key}", f"_id={key}",
        "category=RAD", "code=18748-4", "code=http://loinc.org|18748-4", "issued=ge2026-01-01", "date=ge2000",
        "_lastUpdated=ge2026-01-01", f"based-on=ServiceRequest/{asked.key}",
    ):  # fmt: skip
        assert program.ids(f"DiagnosticReport?{query}") == [key], query
    for query in ("status=preliminary", "category=LAB", "code=1-8", "issued=lt2026-01-01", "based-on=ServiceRequest/7"):
        assert program.ask(f"DiagnosticReport?{query}")["total"] == 0, query


def test_a_draft_is_no_report_and_a_withdrawn_one_was_an_error(
    program: Program, chest: Study, radiologist: User
) -> None:
    draft = services.save(as_writer(radiologist), chest, wish("Not yet"))
    assert program.ask("DiagnosticReport")["total"] == 0
    key = Report.objects.get().key
    program.ask(f"DiagnosticReport/{key}", status=404)
    person = as_writer(radiologist)
    signing.sign(person, chest, seen_revision=draft.revision)
    draft = services.begin(person, chest, Writing.CORRECTION)
    revision = services.save(person, chest, wish("No fracture.", seen=draft.revision)).revision
    signing.sign(person, chest, seen_revision=revision, reason="Wrong side")
    corrected = program.ask(f"DiagnosticReport/{key}")
    assert (corrected["status"], corrected["conclusion"]) == ("amended", "No fracture.")
    signing.withdraw(person, chest, seen_number=2, reason="Another patient's images")
    assert program.ask(f"DiagnosticReport/{key}")["status"] == "entered-in-error"


def test_reports_of_others_are_not_there(stranger: Program, chest: Study, sign: Sign) -> None:
    version = sign(chest)
    stranger.ask(f"DiagnosticReport/{version.report.key}", status=404)
    stranger.ask(f"Binary/{version.key}", status=404)
    assert stranger.ask("DiagnosticReport")["total"] == 0


def test_a_person_reads_what_their_departments_show(chest: Study, alice: User, client: Client) -> None:
    client.force_login(alice)
    assert client.get(f"/fhir/ImagingStudy/{chest.study_instance_uid}").json()["id"] == chest.study_instance_uid


def test_nobody_has_signed_the_day_after_tomorrow(program: Program, chest: Study, sign: Sign) -> None:
    sign(chest)
    later = (timezone.now() + timedelta(days=2)).strftime("%Y-%m-%d")
    assert program.ask(f"DiagnosticReport?issued=ge{later}")["total"] == 0
