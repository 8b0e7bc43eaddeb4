"""Reading resources of a health record by FHIR R4 (section 3.1.0): one host that was listed, no redirect, answers with an end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson

from accounts.outbound import services as outbound
from accounts.outbound.errors import Failed
from accounts.outbound.errors import Refused as NotListed
from imaging.ehr.models import HealthRecord
from imaging.fhir.values import Resource

#: Seconds for one question, and bytes of an answer: a person waits before the page meanwhile.
PATIENCE: Final = 6.0
_MOST_OCTETS: Final = 4 << 20
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8192}")


class Unavailable(Exception):
    """The record did not answer as it should. ``code`` is a word for people who look after it, never what it said."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Reader:
    """A connection to a record, for a few questions."""

    def __init__(self, record: HealthRecord, connection: outbound.Connection, token: str) -> None:
        self._path = urlsplit(record.base).path
        self._connection = connection
        self._headers = {"Accept": "application/fhir+json"}
        if token:
            if not _TOKEN.fullmatch(token):
                raise Unavailable("bad_token")
            self._headers["Authorization"] = f"Bearer {token}"

    def read(self, kind: str, key: str) -> Resource | None:
        """One resource; None where the record has none, or does not give it."""
        if not is_id(key):
            return None
        return self._ask(f"{self._path}/{kind}/{key}", kind)

    def search(self, kind: str, asked: Mapping[str, str]) -> list[Resource]:
        """The resources of the first page of a search, sent as a form: no number of a patient stands in an address (FH-1)."""
        body = urlencode(asked).encode()
        headers = {**self._headers, "Content-Type": "application/x-www-form-urlencoded"}
        path = f"{self._path}/{kind}/_search"
        found = self._ask(path, "Bundle", method="POST", body=body, headers=headers)
        entries = (found or {}).get("entry")
        resources = [entry.get("resource") for entry in entries if isinstance(entry, dict)] if entries else []
        return [one for one in resources if isinstance(one, dict) and one.get("resourceType") == kind]

    def _ask(
        self, path: str, kind: str, *, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Resource | None:
        try:
            answer = self._connection.send(
                method,
                path,
                body=body,
                headers=headers or self._headers,
                patience=PATIENCE,
                step=PATIENCE,
                most_octets=_MOST_OCTETS,
            )
        except (NotListed, Failed) as error:
            raise Unavailable(error.code) from error
        if answer.status in {404, 410}:
            return None
        if answer.status != 200:
            raise Unavailable(f"status_{answer.status}")
        try:
            found: Any = orjson.loads(answer.body)
        except ValueError as error:
            raise Unavailable("not_json") from error
        if not isinstance(found, dict) or found.get("resourceType") != kind:
            raise Unavailable("not_fhir")
        return found


def is_id(text: object) -> bool:
    """Whether this can be the id of a resource (R4 section 2.24)."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


@contextmanager
def reading(record: HealthRecord, token: str) -> Iterator[Reader]:
    """Open a connection to a record. Raises :class:`Unavailable`."""
    try:
        with outbound.connected(record.base) as connection:
            yield Reader(record, connection, token)
    except (NotListed, Failed) as error:
        raise Unavailable(error.code) from error
