"""Provenance of reports (FH-4): who wrote and signed each version, when and why, for whoever may view the study."""

from datetime import datetime

import pytest

from accounts.models import User
from imaging.ehr import services
from imaging.ehr.models import Hl7Peer
from imaging.reports.models import ReportVersion
from imaging.reports.writing import signing
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.imaging.ehr.fhir.conftest import Come, Program, Sign
from tests.imaging.ehr.sent import oru
from tests.imaging.reports.writing.conftest import as_writer
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def chest(come: Come) -> Study:
    """A study of emergency."""
    return come(PatientID="P1")


def parts(resource: dict[str, object]) -> list[tuple[str, str]]:
    agents = resource["agent"]
    assert isinstance(agents, list)
    return [(one["type"]["coding"][0]["code"], one["who"]["display"]) for one in agents]


def test_a_version_tells_who_signed_it_of_which_report_and_images(program: Program, chest: Study, sign: Sign) -> None:
    version = sign(chest, impression="Fracture.")
    told = program.ask(f"Provenance/{version.key}")
    assert told["target"] == [{"reference": f"DiagnosticReport/{version.report.key}"}]
    assert told["entity"][0]["what"] == {"reference": f"ImagingStudy/{chest.study_instance_uid}"}
    assert ("verifier", "Rita Roux") in parts(told)
    assert told["activity"]["coding"][0]["code"] == "CREATE"
    assert datetime.fromisoformat(told["recorded"]) == version.signed_at


def test_a_version_that_was_withdrawn_says_why(program: Program, chest: Study, sign: Sign, radiologist: User) -> None:
    first = sign(chest, impression="Fracture.")
    last = signing.withdraw(as_writer(radiologist), chest, seen_number=first.number, reason="Another patient")
    found = program.found(f"Provenance?target=DiagnosticReport/{first.report.key}")
    assert [one["id"] for one in found] == [str(last.key), str(first.key)]
    assert found[0]["activity"]["coding"][0]["code"] == "NULLIFY"
    assert found[0]["reason"] == [{"text": "Another patient"}]


def test_a_report_of_another_system_says_so(program: Program, archive: Archive, register: Hl7Peer) -> None:
    register.may_report = True
    register.save()
    archive.receive(arrivals.dataset(AccessionNumber="A77"))
    services.receive(oru(), "127.0.0.1")
    version = ReportVersion.objects.get()
    assert parts(program.ask(f"Provenance/{version.key}")) == [
        ("verifier", version.signer_name),
        ("assembler", "another system of the hospital"),
    ]


def test_it_is_found_by_patient_and_time(program: Program, chest: Study, come: Come, sign: Sign) -> None:
    mine, _other = sign(chest, impression="Fracture."), sign(come(PatientID="P2"), impression="None.")
    assert program.ids(f"Provenance?patient={chest.patient_id}") == [str(mine.key)]
    assert program.ids("Provenance?patient.identifier=P1") == [str(mine.key)]
    assert program.ids("Provenance?recorded=lt2020") == []
    assert len(program.ids("Provenance?recorded=ge2020")) == 2


def test_a_search_of_reports_brings_it_along(program: Program, chest: Study, sign: Sign) -> None:
    version = sign(chest, impression="Fracture.")
    bundle = program.ask("DiagnosticReport?_revinclude=Provenance:target")
    found = [(entry["search"]["mode"], entry["resource"]["resourceType"]) for entry in bundle["entry"]]
    assert found == [("match", "DiagnosticReport"), ("include", "Provenance")]
    assert bundle["entry"][1]["resource"]["id"] == str(version.key)


def test_what_cannot_be_brought_along_is_refused_with_what_can(program: Program, chest: Study) -> None:
    told = program.ask("DiagnosticReport?_revinclude=Observation:subject", status=400)
    assert "Provenance:target" in told["issue"][0]["diagnostics"]
    program.ask("Patient?_revinclude=Provenance:target", status=400)


def test_who_may_not_view_the_study_finds_none(stranger: Program, chest: Study, sign: Sign) -> None:
    version = sign(chest, impression="Fracture.")
    stranger.ask(f"Provenance/{version.key}", status=404)
    assert stranger.ids("Provenance") == []
