"""A browser of the protocol's own: it creates, appends and asks, and says what the server answered."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import Department, User
from imaging.ingest.models import Import
from imaging.ingest.uploads import staging

VERSION = {"Tus-Resumable": "1.0.0"}
OCTETS = "application/offset+octet-stream"


def encoded(**pairs: str) -> str:
    """`Upload-Metadata` of these pairs."""
    return ",".join(
        f"{key} {base64.b64encode(value.encode('utf-8', 'surrogatepass')).decode()}" for key, value in pairs.items()
    )


@dataclass
class Sender:
    """One person's browser, and the import it sends to."""

    client: Client
    user: User
    delivery: Import

    def create(
        self, length: int | str, body: bytes | None = None, *, metadata: str | None = None, name: str = "a.dcm",
        fingerprint: str = "", **headers: str,
    ) -> Any:  # fmt: skip
        said = metadata if metadata is not None else encoded(
            **{"import": str(self.delivery.pk)}, filename=name, **({"fingerprint": fingerprint} if fingerprint else {})
        )  # fmt: skip
        asked = {**VERSION, "Upload-Length": str(length), "Upload-Metadata": said, **_dashed(headers)}
        return self.client.generic(
            "POST", "/import/tus/", body or b"", content_type=OCTETS if body is not None else "", headers=asked
        )

    def patch(self, address: str, offset: int | str, body: bytes, **headers: str) -> Any:
        asked = {**VERSION, "Upload-Offset": str(offset), **_dashed(headers)}
        return self.client.generic("PATCH", address, body, content_type=OCTETS, headers=asked)

    def head(self, address: str) -> Any:
        return self.client.head(address, headers=VERSION)

    def delete(self, address: str) -> Any:
        return self.client.delete(address, headers=VERSION)

    def finish(self, files: int = 0) -> Any:
        return self.client.post(f"/import/{self.delivery.pk}/received", {"files": str(files)})

    def stored(self, address: str) -> bytes:
        return staging.path_of(self.delivery.pk, UUID(address.rsplit("/", 1)[1])).read_bytes()


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def uploads(data_dir: Path, settings: Any) -> Path:
    """The folder of uploads of this test."""
    settings.UPLOAD_DIR = data_dir / "uploads"
    settings.SPOOL_RESERVE = lambda _total: 0
    return data_dir / "uploads"


@pytest.fixture
def sending(uploads: Path) -> Callable[..., Sender]:
    """`sending(user, department)` begins an import as the page does."""

    def begun(user: User, department: Department) -> Sender:
        client = Client()
        client.force_login(user)
        answer: HttpResponse = client.post("/import/begin", {"department": str(department.pk), "title": "CD"})
        assert answer.status_code == 201, answer.content
        return Sender(client, user, Import.objects.get(owner=user, state=Import.State.RECEIVING))

    return begun


@pytest.fixture
def sender(sending: Callable[..., Sender], alice: User, emergency: Department) -> Sender:
    """Alice's browser."""
    return sending(alice, emergency)
