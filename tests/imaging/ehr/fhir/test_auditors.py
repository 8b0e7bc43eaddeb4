"""AuditEvent for auditors (FH-5, ITI-81), and DocumentReference for records that collect documents."""

from typing import Any

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.studies.models import Study
from tests.fhir_judges import complaints
from tests.imaging.ehr.fhir.conftest import Come, Program, Sign
from tests.imaging.reports.writing.conftest import member

pytestmark = pytest.mark.django_db


@pytest.fixture
def chest(come: Come) -> Study:
    """A study of emergency."""
    return come(PatientID="P1", StudyInstanceUID="1.2.3.1")


@pytest.fixture
def auditor(emergency: Department, client: Client) -> Client:
    """The privacy officer's browser."""
    client.force_login(member(emergency, Role.PRIVACY_OFFICER, "Pia Petit"))
    return client


def found(browser: Client, query: str) -> list[Any]:
    answer = browser.get(f"/fhir/AuditEvent?{query}")
    assert answer.status_code == 200, answer.content
    bundle = answer.json()
    assert complaints([bundle]) == []
    return [entry["resource"] for entry in bundle.get("entry", ())]


def test_an_auditor_finds_who_read_what_of_whom(program: Program, chest: Study, auditor: Client) -> None:
    program.ask("ImagingStudy/1.2.3.1")
    key = AuditEvent.objects.get(action="metadata.read")
    for query in (
        "patient.identifier=P1&action=R", f"patient={chest.patient_id}&type=110103", "agent-name=archive-gate&action=R",
        f"altid={key.actor_id}&type=http://dicom.nema.org/resources/ontology/DCM|110103", f"_id={key.pk}",
        "address=127.0.0.1&type=110103", "outcome=0&type=110103&date=ge2026",
    ):  # fmt: skip
        told = found(auditor, query)
        assert [one["id"] for one in told] == [str(key.pk)], query
    for query in (
        "patient.identifier=P2",
        "date=lt2020",
        "outcome=8&type=110103",
        "agent-name=nobody",
        "type=1",
        "_id=x",
    ):
        assert found(auditor, query) == [], query
    one = auditor.get(f"/fhir/AuditEvent/{key.pk}").json()
    assert one["agent"][-1]["name"] == "archive-gateway"
    assert complaints([one]) == []


def test_that_an_auditor_asked_is_on_record(chest: Study, auditor: Client) -> None:
    found(auditor, "patient.identifier=P1")
    event = AuditEvent.objects.get(action="audit.read")
    assert (event.actor_name, event.door) == ("pia-petit", "fhir")
    assert event.detail["asked"] == {"patient.identifier": [["P1"]]}


def test_pages_of_the_audit_lead_to_every_event_once(program: Program, chest: Study, auditor: Client) -> None:
    for _time in range(3):
        program.ask("Endpoint/wado-rs")
        program.ask("ImagingStudy?modality=CT")
        program.ask("ImagingStudy/1.2.3.1")
    known = AuditEvent.objects.count()
    seen: list[str] = []
    address = "/fhir/AuditEvent?_count=2"
    for _page in range(known):
        bundle = auditor.get(address).json()
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        following = [one["url"] for one in bundle["link"] if one["relation"] == "next"]
        if not following:
            break
        address = following[0].removeprefix("http://testserver")
    assert len(seen) == len(set(seen)) >= known


def test_nobody_else_reads_the_audit(program: Program, chest: Study, alice: User, client: Client) -> None:
    program.ask("AuditEvent", status=403)
    program.ask("AuditEvent?_summary=count", status=403)
    event = AuditEvent.objects.first()
    assert event is not None
    program.ask(f"AuditEvent/{event.pk}", status=403)
    client.force_login(alice)
    assert client.get("/fhir/AuditEvent").status_code == 403


def test_a_paper_is_found_with_its_address_and_what_it_is_about(program: Program, chest: Study, sign: Sign) -> None:
    version = sign(chest)
    for query in ("patient.identifier=P1", "type=18748-4", "category=RAD", "date=ge2026", f"_id={version.report.key}"):
        (told,) = program.found(f"DocumentReference?{query}")
        assert (told["status"], told["docStatus"]) == ("current", "final")
        assert told["content"][0]["attachment"]["url"] == f"http://testserver/fhir/Binary/{version.key}"
        assert told["context"]["related"] == [
            {"reference": "ImagingStudy/1.2.3.1"},
            {"reference": f"DiagnosticReport/{version.report.key}"},
        ]
    assert program.ask(f"DocumentReference/{version.report.key}")["author"] == [{"display": "Rita Roux"}]
    assert program.ask("DocumentReference?date=lt2026")["total"] == 0
    assert not AuditEvent.objects.filter(action="report.read").exists(), "its words were not given"


def test_papers_of_others_are_not_there(stranger: Program, chest: Study, sign: Sign) -> None:
    version = sign(chest)
    stranger.ask(f"DocumentReference/{version.report.key}", status=404)
    assert stranger.ask("DocumentReference")["total"] == 0
