"""With what the portal reads a record by itself: a fixed token, or one of SMART Backend Services (SMART App Launch 2.2, section 6)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import orjson

from accounts.federation import kept
from accounts.federation.oidc import own_key
from accounts.federation.validators import is_secure_address
from accounts.outbound import services as outbound
from accounts.outbound.errors import Failed, Refused
from accounts.signing_in import sealing
from imaging.ehr.models import HealthRecord
from imaging.ehr.records.client import PATIENCE, Unavailable

_PUBLISHED_SECONDS: Final = 3600
#: A record that did not answer is not asked again for so long.
_AWAY_SECONDS: Final = 10
#: A token is asked anew so many seconds before it ends, and none is kept for longer than an hour.
_BEFORE_END: Final = 30
_LONGEST: Final = 3600
_MOST_OCTETS: Final = 256 * 1024


def token_for(record: HealthRecord) -> str:
    """The token to read the record with; empty where none is needed. Raises ``Unavailable``."""
    if record.access == HealthRecord.Access.BACKEND:
        return _of_backend_services(record)
    if record.access == HealthRecord.Access.TOKEN:
        return _opened(record.sealed_token)
    return ""


def set_token(record: HealthRecord, token: str) -> None:
    """Seal a fixed token into the row; the caller saves it."""
    record.sealed_token = sealing.seal(token) if token else ""


def introspected(record: HealthRecord, token: str) -> dict[str, Any]:
    """What the record says of a token that somebody brings (RFC 7662). Raises ``Unavailable``."""
    endpoint = _endpoint(record, "introspection_endpoint")
    form = {"token": token}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if record.access == HealthRecord.Access.BACKEND:
        form["client_assertion_type"] = own_key.ASSERTION_TYPE
        form["client_assertion"] = own_key.client_assertion(record.client_id, audience=endpoint)
    elif proof := token_for(record):
        headers["Authorization"] = f"Bearer {proof}"
    return _object("POST", endpoint, body=urlencode(form).encode(), headers=headers)


def _of_backend_services(record: HealthRecord) -> str:
    name = f"{_name(record)}:token"
    sealed = kept.get(name)
    if isinstance(sealed, str):
        return _opened(sealed)
    endpoint = _endpoint(record, "token_endpoint")
    form = {
        "grant_type": "client_credentials",
        "scope": " ".join(record.reading_scopes),
        "client_assertion_type": own_key.ASSERTION_TYPE,
        "client_assertion": own_key.client_assertion(record.client_id, audience=endpoint),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    found = _object("POST", endpoint, body=urlencode(form).encode(), headers=headers)
    token, seconds = found.get("access_token"), found.get("expires_in")
    if not isinstance(token, str) or not token:
        raise Unavailable("no_token")
    # One that does not say how long it lives is used once.
    lives = min(int(seconds), _LONGEST) - _BEFORE_END if isinstance(seconds, int | float) and seconds > 0 else 0
    if lives > 0:
        kept.put(name, sealing.seal(token), lives)
    return token


def _endpoint(record: HealthRecord, which: str) -> str:
    """One of the record's addresses, as it publishes them."""
    endpoint = published(record).get(which)
    if not isinstance(endpoint, str) or not is_secure_address(endpoint):
        raise Unavailable("no_token_address")
    return endpoint


def published(record: HealthRecord) -> dict[str, Any]:
    """What the record publishes for SMART (SMART App Launch 2.2, section 8). Raises ``Unavailable``."""
    name = f"{_name(record)}:published"
    known = kept.get(name)
    if isinstance(known, dict):
        return known
    if code := kept.get(f"{name}:away"):
        raise Unavailable(str(code))
    try:
        found = _object("GET", f"{record.base}/.well-known/smart-configuration")
    except Unavailable as error:
        kept.put(f"{name}:away", error.code, _AWAY_SECONDS)
        raise
    kept.put(name, found, _PUBLISHED_SECONDS)
    return found


def _object(method: str, address: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> dict[str, Any]:
    try:
        answer = outbound.send(
            method,
            address,
            body=body,
            headers={"Accept": "application/json", **(headers or {})},
            patience=PATIENCE,
            most_octets=_MOST_OCTETS,
        )
    except (Refused, Failed) as error:
        raise Unavailable(error.code) from error
    if answer.status != 200:
        raise Unavailable("token_refused" if method == "POST" else f"status_{answer.status}")
    try:
        found = orjson.loads(answer.body)
    except ValueError as error:
        raise Unavailable("not_json") from error
    if not isinstance(found, dict):
        raise Unavailable("not_json")
    return found


def _opened(sealed: str) -> str:
    try:
        return sealing.opened(sealed)
    except sealing.Unreadable as error:
        raise Unavailable("token_unreadable") from error


def _name(record: HealthRecord) -> str:
    """The name in the cache: another after every change of the row."""
    return f"ehr:record:{record.pk}:{record.changed_at.timestamp()}"
