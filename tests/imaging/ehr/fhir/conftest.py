"""A program of the hospital that reads FHIR with a key, and studies, requests and reports for it to find."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from imaging.reports.models import ReportVersion
from imaging.reports.writing import signing
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.fhir_judges import complaints
from tests.imaging.reports.writing.conftest import as_writer, member, saved
from tests.studies_in_archive import Archive

OID = "1.2.826.0.1.3680043.10.999"


@dataclass
class Program:
    """A client of `/fhir/`. All that it was answered is judged."""

    key: str
    answered: list[Any]
    client: Client = field(default_factory=Client)

    def ask(self, address: str, *, status: int = 200, form: dict[str, Any] | None = None, **headers: str) -> Any:
        """The resource at an address below `/fhir/`; with a form, by POST."""
        sent = {
            "Authorization": f"Bearer {self.key}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        path = address if address.startswith("/fhir/") else f"/fhir/{address}"
        if form is None:
            answer = self.client.get(path, headers=sent)
        else:
            body = urlencode(form, doseq=True)
            answer = self.client.post(path, data=body, content_type="application/x-www-form-urlencoded", headers=sent)
        assert answer.status_code == status, (answer.status_code, answer.content[:600])
        if status == 304:
            return answer
        assert answer["Content-Type"].startswith("application/fhir+json")
        resource = answer.json()
        self.answered.append(resource)
        return resource

    def found(self, address: str, **more: Any) -> list[Any]:
        """What a search matches."""
        bundle = self.ask(address, **more)
        return [entry["resource"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]

    def ids(self, address: str, **more: Any) -> list[str]:
        """The ids of what a search matches."""
        return [resource["id"] for resource in self.found(address, **more)]


@pytest.fixture
def emergency_numbers(emergency: Department) -> Department:
    """Emergency, whose site numbers patients under an OID."""
    site = emergency.site
    site.issuer_of_patient_id, site.issuer_oid = "HOSPITAL", OID
    site.save()
    return emergency


@pytest.fixture(scope="module")
def answered() -> Iterator[list[Any]]:
    """All that programs were answered in a module. Both judges read it at the end: to start them takes a second."""
    found: list[Any] = []
    yield found
    assert complaints(found) == []


@pytest.fixture
def program(emergency_numbers: Department, answered: list[Any]) -> Program:
    """A program with a key for emergency."""
    return Program(issue_machine_key(emergency_numbers).plaintext, answered=answered)


@pytest.fixture
def stranger(orthopaedics: Department, answered: list[Any]) -> Program:
    """A program with a key for another department."""
    return Program(issue_machine_key(orthopaedics, name="other").plaintext, answered=answered)


Come = Callable[..., Study]


@pytest.fixture
def come(archive: Archive) -> Come:
    """`come(PatientID="P1", …)` has one image of a study come in from the scanner of emergency."""

    def came(department: Department | None = None, **values: Any) -> Study:
        made = arrivals.dataset(**{"IssuerOfPatientID": "HOSPITAL", **values})
        archive.receive(made, department=department)
        return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)

    return came


@pytest.fixture
def radiologist(emergency: Department) -> User:
    """Signs."""
    return member(emergency, Role.RADIOLOGIST, "Rita Roux")


Sign = Callable[..., ReportVersion]


@pytest.fixture
def sign(radiologist: User) -> Sign:
    """`sign(study, impression=…)` signs a report."""

    def signed(study: Study, **more: str) -> ReportVersion:
        return signing.sign(as_writer(radiologist), study, seen_revision=saved(radiologist, study, **more))

    return signed
