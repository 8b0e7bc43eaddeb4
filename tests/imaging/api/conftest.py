"""Programs and people at the REST API, and an archive with studies of two departments."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.services import IssuedKey
from tests.factories import arrivals
from tests.studies_in_archive import Archive

API = "/api/v1"


@dataclass(frozen=True)
class Program:
    """A program with a key: `get` and `post` of addresses below the API's root, or of whole ones."""

    client: Client
    key: str

    def get(self, address: str, **options: Any) -> Any:
        """Ask."""
        return self._ask("get", address, **options)

    def post(self, address: str, **options: Any) -> Any:
        """Change."""
        return self._ask("post", address, **options)

    def _ask(self, method: str, address: str, headers: dict[str, str] | None = None, **options: Any) -> Any:
        whole = address.removeprefix("http://testserver") if address.startswith("http") else f"{API}{address}"
        signed = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return getattr(self.client, method)(whole, headers=signed, **options)


@pytest.fixture
def program(machine: IssuedKey) -> Program:
    """A program with every right in the emergency department."""
    return Program(Client(), machine.plaintext)


@pytest.fixture
def person(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def two_departments(archive: Archive, orthopaedics: Department) -> dict[str, Any]:
    """A chest CT of emergency and a knee of orthopaedics."""
    chest = arrivals.dataset(PatientName="Durand^Hélène", PatientID="P1", StudyDescription="CT thorax")
    knee = arrivals.dataset(PatientName="Moreau^Paul", PatientID="P2", Modality="MR", StudyDescription="MR knee")
    archive.receive(chest)
    archive.receive(knee, department=orthopaedics)
    return {"chest": chest, "knee": knee}
