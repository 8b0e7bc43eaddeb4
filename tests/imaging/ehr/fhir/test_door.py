"""The FHIR door: pages, versions, forms, refusals, and the capability statement (FH-1)."""

import json
from typing import Any

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import Department
from accounts.roles import Right
from imaging.ehr.fhir.registry import KINDS
from tests.factories.accounts import issue_machine_key
from tests.fhir_judges import complaints
from tests.imaging.ehr.fhir.conftest import Come, Program

pytestmark = pytest.mark.django_db


def link(bundle: Any, relation: str) -> str:
    """The address of a page, or nothing."""
    found = [one["url"] for one in bundle["link"] if one["relation"] == relation]
    return found[0].removeprefix("http://testserver") if found else ""


def all_pages(program: Program, bundle: Any) -> list[str]:
    """The ids of a search, to its last page."""
    ids: list[str] = []
    while True:
        ids += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        following = link(bundle, "next")
        if not following:
            return ids
        bundle = program.ask(following)


@pytest.mark.parametrize("kind", ["ImagingStudy", "Patient"])
def test_pages_lead_to_every_resource_once(kind: str, program: Program, come: Come) -> None:
    for number in range(7):
        come(PatientID=f"P{number}", StudyInstanceUID=f"1.2.3.{number}")
    bundle = program.ask(f"{kind}?_count=3")
    assert len(bundle["entry"]) == 3
    ids = all_pages(program, bundle)
    assert len(ids) == len(set(ids)) == 7


def test_a_search_by_form_has_no_number_of_a_patient_in_any_address(program: Program, come: Come) -> None:
    for number in range(3):
        come(PatientID="SECRET7", StudyInstanceUID=f"1.2.3.{number}")
    come(PatientID="OTHER")
    form = {"patient.identifier": "SECRET7", "_count": "2"}
    bundle = program.ask("ImagingStudy/_search", form=form)
    assert bundle["total"] == 3
    assert "SECRET7" not in json.dumps(bundle["link"])
    assert len(all_pages(program, bundle)) == 3
    assert program.ids(link(bundle, "self")) == [entry["resource"]["id"] for entry in bundle["entry"]]


def test_a_page_is_of_who_asked_and_of_what_was_asked(program: Program, stranger: Program, come: Come) -> None:
    for number in range(3):
        come(PatientID=f"P{number}")
    following = link(program.ask("ImagingStudy?_count=1"), "next")
    stranger.ask(following, status=400)
    program.ask(following.replace("ImagingStudy", "Patient"), status=400)
    program.ask("ImagingStudy?_page=nonsense", status=400)


def test_the_sorting_is_by_the_beginning_of_the_study(program: Program, come: Come) -> None:
    for day in ("02", "01", "03"):
        come(PatientID=day, StudyInstanceUID=f"1.2.3.{int(day)}", StudyDate=f"202601{day}")
    assert program.ids("ImagingStudy?_sort=started") == ["1.2.3.1", "1.2.3.2", "1.2.3.3"]
    assert program.ids("ImagingStudy?_sort=-started") == ["1.2.3.3", "1.2.3.2", "1.2.3.1"]
    program.ask("ImagingStudy?_sort=series", status=400)
    program.ask("Patient?_sort=name", status=400)


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.is_searched and name != "AuditEvent"])
def test_how_many_there_are_is_told_alone(kind: str, program: Program, come: Come) -> None:
    come(PatientID="P1")
    for query in ("_summary=count", "_count=0"):
        bundle = program.ask(f"{kind}?{query}")
        assert "entry" not in bundle
        assert bundle["total"] == {"ImagingStudy": 1, "Patient": 1, "Endpoint": 2}.get(kind, 0)


def test_what_has_not_changed_is_not_sent_again(program: Program, come: Come) -> None:
    study = come(PatientID="P1")
    address = f"/fhir/ImagingStudy/{study.study_instance_uid}"
    key = {"Authorization": f"Bearer {program.key}"}
    tag = program.client.get(address, headers=key)["ETag"]
    assert tag.startswith('W/"')
    assert program.client.get(address, headers={**key, "If-None-Match": tag}).status_code == 304
    come(StudyInstanceUID=study.study_instance_uid, PatientID="P1")
    assert program.client.get(address, headers={**key, "If-None-Match": tag}).status_code == 200


def test_a_page_that_has_not_changed_is_not_sent_again_though_its_next_address_is_sealed_anew(
    program: Program, come: Come
) -> None:
    for number in range(3):
        come(PatientID=f"P{number}")
    key = {"Authorization": f"Bearer {program.key}"}
    first = program.client.get("/fhir/ImagingStudy?_count=1", headers=key)
    again = {**key, "If-None-Match": first["ETag"]}
    assert link(first.json(), "next")
    assert program.client.get("/fhir/ImagingStudy?_count=1", headers=again).status_code == 304
    assert program.client.get("/fhir/ImagingStudy?_count=2", headers=again).status_code == 200


def test_a_strange_parameter_is_refused_unless_the_client_is_lenient(program: Program, come: Come) -> None:
    come(PatientID="P1")
    refused = program.ask("ImagingStudy?colour=red", status=400)
    assert "colour" in refused["issue"][0]["diagnostics"]
    assert "modality" in refused["issue"][0]["diagnostics"]
    bundle = program.ask("ImagingStudy?colour=red", Prefer="handling=lenient")
    assert [entry["search"]["mode"] for entry in bundle["entry"]] == ["match", "outcome"]
    assert "colour" not in link(bundle, "self")


@pytest.mark.parametrize(
    "query",
    [
        "started=yesterday",
        "started=2026-02-30",
        "started=9999-12-31",
        "started=ne2026",
        "started=2026,2025",
        "patient=Practitioner/7",
        "patient=%00",
        "_count=-1",
        "_count=x",
        "_include=ImagingStudy:series",
        "_include=Patient:link",
        "_summary=text",
        "modality=",
        "identifier=" + "x" * 3000,
        "identifier=" + "1," * 300,
        "modality:not=CT",
        "patient:missing=true",
        "&".join(["modality=CT"] * 9),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(query: str, program: Program) -> None:
    refused = program.ask(f"ImagingStudy?{query}", status=400)
    assert refused["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("Medication", 404), ("Medication/7", 404), ("ImagingStudy/7/_history", 404), ("nothing", 404), ("Binary", 404),
        ("ImagingStudy/a_b", 404), ("Binary/x", 404), ("Patient/99999999999999999999", 404),
        ("ServiceRequest/x", 404), ("DiagnosticReport/x", 404), ("Endpoint/x", 404),
        ("ImagingStudy?_format=xml", 406), ("metadata?_format=application/fhir%2Bxml", 406),
    ],
)  # fmt: skip
def test_what_is_not_there_is_an_outcome(address: str, status: int, program: Program) -> None:
    told = program.ask(address, status=status)
    assert told["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("form", ["json", "application/json", "application/fhir+json", "application/fhir%2Bjson"])
def test_json_is_given_by_every_name(form: str, program: Program) -> None:
    program.ask(f"Endpoint?_format={form}")


def test_another_form_is_refused(program: Program) -> None:
    told = program.ask("Endpoint", status=406, Accept="application/fhir+xml")
    assert told["issue"][0]["code"] == "not-supported"
    program.ask("Endpoint", Accept="text/html, application/fhir+json;q=0.9")


def test_a_stranger_is_told_to_sign_in_whatever_the_address(client: Client) -> None:
    for address in ("/fhir/ImagingStudy", "/fhir/Patient/7", "/fhir/Binary/7", "/fhir/Endpoint"):
        answer = client.get(address)
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["issue"][0]["code"] == "login"
    wrong = client.get("/fhir/ImagingStudy", headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, wrong.json()["resourceType"]) == (401, "OperationOutcome")


def test_a_key_without_a_right_here_opens_nothing(emergency: Department, client: Client, come: Come) -> None:
    come(PatientID="P1")
    key = issue_machine_key(emergency, rights={"api": list(Right)}).plaintext
    answer = client.get("/fhir/ImagingStudy", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401
    listing = issue_machine_key(emergency, name="lists", rights={"fhir": [Right.LIST]}).plaintext
    found = client.get("/fhir/DiagnosticReport", headers={"Authorization": f"Bearer {listing}"}).json()
    assert found["total"] == 0


@pytest.mark.parametrize(
    ("method", "address"),
    [("put", "/1.2.3"), ("patch", "/1.2.3"), ("delete", "/1.2.3"), ("post", "/1.2.3"), ("post", ""), ("put", "")],
)
def test_nothing_can_be_changed_that_is_only_read(method: str, address: str, program: Program) -> None:
    sent = {"Authorization": f"Bearer {program.key}"}
    answer = getattr(program.client, method)(f"/fhir/ImagingStudy{address}", headers=sent)
    assert answer.status_code == 405
    assert answer["Allow"].startswith("GET, HEAD")
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_search_that_is_sent_as_something_else_is_refused(program: Program) -> None:
    sent = {"Authorization": f"Bearer {program.key}"}
    answer = program.client.post(
        "/fhir/Patient/_search", data='{"family":"x"}', content_type="application/json", headers=sent
    )
    assert (answer.status_code, answer.json()["resourceType"]) == (415, "OperationOutcome")


def test_who_asks_too_often_is_told_when_to_come_back(program: Program, settings: Any) -> None:
    settings.API_READS_PER_MINUTE = 2
    program.ask("Endpoint")
    program.ask("Endpoint")
    told = program.ask("Endpoint", status=429)
    assert told["issue"][0]["code"] == "throttled"


def test_the_statement_is_open_and_names_what_there_is_and_nothing_else(client: Client, program: Program) -> None:
    statement = client.get("/fhir/metadata").json()
    assert complaints([statement]) == []
    assert statement["fhirVersion"] == "4.0.1"
    resources = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}
    assert set(resources) == set(KINDS)
    for name, resource in resources.items():
        does = {one["code"] for one in resource["interaction"]}
        if name == "AuditEvent":
            continue  # for auditors alone: test_auditors.py
        program.ask(f"{name}/none", status=404)
        if "search-type" in does:
            for parameter in resource["searchParam"]:
                kind = {"date": "2026", "reference": "7"}.get(parameter["type"], "x")
                program.ask(f"{name}?{parameter['name']}={kind}")
            for include in resource.get("searchInclude", ()):
                program.ask(f"{name}?_include={include}")


def test_a_search_is_on_record_once_for_all_its_pages(program: Program, come: Come) -> None:
    for number in range(3):
        come(PatientID=f"P{number}")
    all_pages(program, program.ask("ImagingStudy?modality=CT&_count=1"))
    assert AuditEvent.objects.filter(action="studies.queried").count() == 1
