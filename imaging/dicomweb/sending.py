"""Handing objects to another archive by STOW-RS as user agent (PS3.18 section 10.5), streamed, one object a request.

Each object has an answer of its own, and the connection stays open between them.
"""

import contextlib
import json
from collections.abc import Iterator
from typing import Any, Final
from uuid import uuid4

from accounts.outbound import services as outbound
from accounts.outbound.errors import Failed, Refused
from accounts.outbound.policies import target_of
from accounts.outbound.services import Answer as Response
from accounts.outbound.services import Connection
from imaging.sharing.models import Partner
from imaging.sharing.partners import credentials
from imaging.sharing.partners.carrying import STORED, Answer, Away, Forms, Parcel, Taken, TurnedAway, of_status

#: Seconds for one object, and for each reading and writing of it: the far end may be slow, and must not be silent.
_PATIENCE: Final = 1800.0
_STEP: Final = 120.0
_MOST_OCTETS: Final = 1 << 18
_JSON: Final = "application/dicom+json"
#: What no later attempt changes: somebody has to change a setting here or there.
_SETTINGS: Final = frozenset({"not_trusted", "redirected"})
_FAILED, _OTHERS, _STORED = "00081198", "0008119A", "00081199"
_FAILURE_REASON, _WARNING_REASON, _COMMENT = "00081197", "00081196", "00000902"


@contextlib.contextmanager
def line(partner: Partner, _forms: Forms) -> Iterator["StowLine"]:
    """Make ready to store at a partner. Raises ``TurnedAway``."""
    headers = credentials.header_of(partner)
    try:
        with outbound.connected(partner.address) as connection:
            yield StowLine(connection, _path(partner, "/studies"), headers)
    except Refused as error:
        raise TurnedAway(error.code) from error


def probe(partner: Partner) -> str:
    """Ask a partner for a study that nobody has: the code of what is wrong, or nothing."""
    try:
        headers = {"Accept": _JSON, **credentials.header_of(partner)}
        path = _path(partner, f"/studies?StudyInstanceUID=2.25.{uuid4().int}&limit=1")
        with outbound.connected(partner.address) as connection:
            answer = connection.send("GET", path, headers=headers, most_octets=_MOST_OCTETS)
            _heed(answer)
    except (Refused, Failed) as error:
        return error.code
    except (Away, TurnedAway) as error:
        return error.problem
    return "" if answer.status in {200, 204} else "odd_answer"


class StowLine:
    """A connection to the store service of a partner."""

    def __init__(self, connection: Connection, path: str, headers: dict[str, str]) -> None:
        self._connection = connection
        self._path = path
        self._headers = headers

    def store(self, parcel: Parcel) -> Answer:
        """Send one object, and return what the partner says of it."""
        boundary = uuid4().hex
        head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Content-Length": str(len(head) + parcel.content.length + len(tail)),
            "Accept": _JSON,
            **self._headers,
        }
        try:
            answer = self._connection.send(
                "POST",
                self._path,
                body=_pieces(head, parcel, tail),
                headers=headers,
                patience=_PATIENCE,
                step=_STEP,
                most_octets=_MOST_OCTETS,
            )
        except Failed as error:
            raise (TurnedAway(error.code) if error.code in _SETTINGS else Away(error.code)) from error
        _heed(answer)
        return _told(answer)


def _path(partner: Partner, more: str) -> str:
    return target_of(partner.address).path.rstrip("/") + more


def _pieces(head: bytes, parcel: Parcel, tail: bytes) -> Iterator[bytes]:
    yield head
    yield from parcel.content.read()
    yield tail


def _heed(answer: Response) -> None:
    """Raise what an answer says of us or of the partner, and not of one object."""
    status = answer.status
    if status in {401, 403}:
        raise TurnedAway("credentials_refused")
    if status in {404, 405, 410, 501}:
        raise TurnedAway("no_service_there")
    if status == 507:
        raise Away("partner_full")
    if status in {408, 425, 429, 503}:
        raise Away("partner_busy")
    if status >= 500:
        raise Away("partner_error", f"HTTP {status}")


def _told(answer: Response) -> Answer:
    """Read the Store Instances Response Module (PS3.18 annex I.2), which came from outside."""
    told = _module(answer.body)
    for tag in (_FAILED, _OTHERS):
        for item in _items(told, tag):
            reason = _number(item, _FAILURE_REASON)
            return of_status(reason or 0x0110, _text(item, _COMMENT))
    if answer.status in {200, 202}:
        for item in _items(told, _STORED):
            reason = _number(item, _WARNING_REASON)
            if reason:
                return of_status(reason, _text(item, _COMMENT))
        return STORED
    problem = {413: "too_large", 415: "form_not_taken"}.get(answer.status, "not_understood")
    return Answer(Taken.REFUSED, problem, None, f"HTTP {answer.status}")


def _module(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(found, list) and found:
        found = found[0]
    return found if isinstance(found, dict) else {}


def _values(found: dict[str, Any], tag: str) -> list[Any]:
    element = found.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _items(found: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    return [item for item in _values(found, tag) if isinstance(item, dict)]


def _number(item: dict[str, Any], tag: str) -> int | None:
    value = next(iter(_values(item, tag)), None)
    return value if isinstance(value, int) and 0 < value <= 0xFFFF else None


def _text(item: dict[str, Any], tag: str) -> str:
    return str(next(iter(_values(item, tag)), ""))[:200]
