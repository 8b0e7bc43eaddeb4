"""The HTTP call that hands a text message to a gateway: made of a description, with every value where it cannot do harm.

Pure. Values are put into parsed JSON, or into fields that are then encoded: a message cannot end the string it stands in.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.outbound import policies
from accounts.outbound.errors import Refused

METHODS: Final = ("POST", "PUT", "GET")
_PLACE: Final = re.compile(r"\{(\w*)\}")
_OF_HEADERS: Final = frozenset({"account", "secret", "basic"})
_OF_BODY: Final = frozenset({"to", "digits", "text", "sender", "account", "secret"})
#: RFC 9110, section 5.6.2.
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Who is called, and how long the body is, is not the settings' to say.
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "expect", "upgrade"}
)


class BodyFormat(TextChoices):
    """How the body is written."""

    JSON = "json", gettext_lazy("JSON")
    FORM = "form", gettext_lazy("fields of a form")


class Described(Protocol):
    """The settings of a call."""

    method: str
    address: str
    headers: str
    body_format: str
    body: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whole."""

    method: str
    address: str
    headers: Mapping[str, str]
    body: bytes


def check(described: Described) -> None:
    """Raise ``ValidationError``, by field, for settings of which no call can be made."""
    wrong: dict[str, str] = {}
    try:
        policies.target_of(described.address)
    except Refused:
        wrong["address"] = _("Write the gateway's whole address, beginning with https://.")
    if described.method == "GET" and described.body_format != BodyFormat.FORM:
        wrong["body_format"] = _("GET has no body: write the fields of a form, which go into the address.")
    try:
        places = _places_of_body(described)
    except ValueError:
        wrong["body"] = (
            _("This is not JSON.")
            if described.body_format == BodyFormat.JSON
            else _("Write one field a line, as name=value.")
        )
    else:
        if places - _OF_BODY:
            unknown = ", ".join(f"{{{name}}}" for name in sorted(places - _OF_BODY))
            wrong["body"] = _("%(unknown)s is not known here.") % {"unknown": unknown}
        elif "text" not in places or not places & {"to", "digits"}:
            wrong["body"] = _("The body lacks {text}, or the number as {to} or {digits}.")
    if wrong:
        raise ValidationError(wrong)


def validate_headers(text: str) -> None:
    """Accept lines of ``Name: value`` that are headers, and not ours to write."""
    for line in text.splitlines():
        if not line.strip():
            continue
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not _TOKEN.fullmatch(name) or not value or not value.isascii() or not value.isprintable():
            raise ValidationError(_("“%(line)s” is not a header. Write Name: value."), params={"line": line[:60]})
        if name.lower() in _OURS:
            raise ValidationError(_("The header %(name)s is written by the portal itself."), params={"name": name})
        if unknown := set(_PLACE.findall(value)) - _OF_HEADERS:
            raise ValidationError(_("{%(name)s} is not known here."), params={"name": min(unknown)})


def call(described: Described, values: Mapping[str, str]) -> Call:
    """Return the request with ``to``, ``text``, ``sender``, ``account`` and ``secret`` in their places.

    Raises ``ValueError`` for settings of which none can be made.
    """
    account, secret = values["account"], values["secret"]
    known = {
        **values,
        "digits": values["to"].removeprefix("+"),
        "basic": base64.b64encode(f"{account}:{secret}".encode()).decode(),
    }
    headers = {name: _filled(value, known) for name, value in _header_lines(described.headers)}
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        raise ValueError("a secret that no header can carry")
    if described.body_format == BodyFormat.JSON:
        document = _each_text(json.loads(described.body), known)
        body = json.dumps(document, ensure_ascii=False).encode()
        return Call(described.method, described.address, {**headers, "Content-Type": "application/json"}, body)
    fields = urlencode([(name, _filled(value, known)) for name, value in _fields(described.body)])
    if described.method == "GET":
        mark = "&" if "?" in described.address else "?"
        return Call("GET", f"{described.address}{mark}{fields}", headers, b"")
    form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    return Call(described.method, described.address, form, fields.encode())


def validate_status(text: str) -> None:
    """Accept the status of a success (RFC 9110, section 15.3)."""
    if not re.fullmatch(r"2[0-9]{2}", text):
        raise ValidationError(
            _("“%(text)s” is not the status of a success: these are from 200 to 299."), params={"text": text}
        )


def is_taken(status: int, body: bytes, *, statuses: Sequence[str], expects: str) -> bool:
    """Whether the answer says that the message was taken."""
    is_good = str(status) in statuses if statuses else 200 <= status < 300
    return is_good and expects.encode() in body


def _places_of_body(described: Described) -> set[str]:
    """Return the names in braces. Raises ``ValueError`` for a body that is not of its form."""
    if described.body_format == BodyFormat.JSON:
        found: list[str] = []
        try:
            _each_text(json.loads(described.body), {}, found)
        except RecursionError as error:
            raise ValueError(described.body_format) from error
        return set(found)
    return {name for _field, value in _fields(described.body) for name in _PLACE.findall(value)}


def _header_lines(text: str) -> list[tuple[str, str]]:
    lines = (line.partition(":") for line in text.splitlines() if line.strip())
    return [(name.strip(), value.strip()) for name, _colon, value in lines]


def _fields(text: str) -> list[tuple[str, str]]:
    lines = [line.strip().partition("=") for line in text.splitlines() if line.strip()]
    if not lines or not all(name.strip() and equals for name, equals, _value in lines):
        raise ValueError("not fields")
    return [(name.strip(), value.strip()) for name, _equals, value in lines]


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values.get(found[1], found[0]), text)


def _each_text(node: Any, values: Mapping[str, str], found: list[str] | None = None) -> Any:
    """Return the document with its texts filled; ``found`` gathers the names in braces."""
    if isinstance(node, str):
        if found is not None:
            found += _PLACE.findall(node)
        return _filled(node, values)
    if isinstance(node, list):
        return [_each_text(item, values, found) for item in node]
    if isinstance(node, dict):
        return {name: _each_text(item, values, found) for name, item in node.items()}
    return node
