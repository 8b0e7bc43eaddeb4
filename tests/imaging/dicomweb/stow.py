"""Store requests as clients make them, by Django's own client."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

STUDIES = "/dicom-web/studies"
BOUNDARY = "a-boundary-of-the-tests"


@dataclass(frozen=True)
class P:
    """One part."""

    content: bytes
    content_type: str = "application/dicom"
    location: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def written(self) -> bytes:
        """The part with its header."""
        fields = {"Content-Type": self.content_type, "Content-Location": self.location, **self.fields}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        return f"--{BOUNDARY}\r\n{head}\r\n".encode() + self.content + b"\r\n"


def body(parts: Iterable[P]) -> bytes:
    """A whole body."""
    return b"".join(part.written() for part in parts) + f"--{BOUNDARY}--\r\n".encode()


@dataclass(frozen=True)
class Stored:
    """An answer, read."""

    status: int
    content: dict[str, Any]
    raw: Any

    @property
    def stored(self) -> list[str]:
        """SOP Instance UIDs of what was stored, in order."""
        return [item["00081155"]["Value"][0] for item in self._items("00081199")]

    @property
    def failed(self) -> dict[str, int]:
        """Failure Reason by SOP Instance UID."""
        return {item["00081155"]["Value"][0]: item["00081197"]["Value"][0] for item in self._items("00081198")}

    @property
    def other_failures(self) -> list[int]:
        """Failure Reasons of what has no name."""
        return [item["00081197"]["Value"][0] for item in self._items("0008119A")]

    @property
    def warnings(self) -> list[int]:
        """Warning Reasons."""
        return [item["00081196"]["Value"][0] for item in self._items("00081199") if "00081196" in item]

    def _items(self, tag: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.content.get(tag, {}).get("Value", [])
        return found


@dataclass
class Sender:
    """A client with its credentials."""

    client: Client
    headers: dict[str, str] = field(default_factory=dict)

    def post(self, *parts: P, study: str = "", root: str = "application/dicom", **more: Any) -> Stored:
        """Store these parts."""
        outer = f'multipart/related; type="{root}"; boundary="{BOUNDARY}"'
        return self.send(body(parts), outer, study=study, **more)

    def objects(self, *contents: bytes, study: str = "") -> Stored:
        """Store these files."""
        return self.post(*(P(content) for content in contents), study=study)

    def send(self, content: bytes, content_type: str, *, study: str = "", **headers: str) -> Stored:
        """Send this body."""
        raw = self.client.post(
            f"{STUDIES}/{study}" if study else STUDIES,
            data=content,
            content_type=content_type,
            headers={**self.headers, **headers},
        )
        kind = raw.headers.get("Content-Type", "")
        return Stored(raw.status_code, json.loads(raw.content) if "json" in kind else {}, raw)
