"""How a machine proves who it is: a key in the Authorization header, never a person's password."""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, guests, services, throttling
from accounts.actor import Actor
from accounts.addresses import client_address, is_loopback
from accounts.audit import Action, Outcome
from accounts.guests import Guest
from accounts.models import MachineKey, digest_of
from accounts.roles import Door

#: The doors that machines may come through, by the start of the path.
DOORS: Final = (
    ("/dicom-web/", Door.DICOMWEB),
    ("/api/", Door.API),
    ("/fhir/", Door.FHIR),
)
_UNKNOWN: Final = "unknown key"
CHALLENGE: Final = 'Bearer realm="negatoscope", Basic realm="negatoscope"'

#: Characters of a key or token: those of other systems are signed texts.
MOST_CHARACTERS: Final = 8192

#: Refusals of one address in a minute: audited up to the first number, answered 429 past the second.
AUDITED_REFUSALS: Final = 5
TOLERATED_REFUSALS: Final = 60


class MachineRefused(Exception):
    """The machine did not prove who it is. ``too_many`` asks it to wait before it tries again."""

    def __init__(self, reason: str, *, too_many: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.too_many = too_many


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a machine sent: its key, and with Basic its name."""

    key: str
    name: str | None = None


def door_of(path: str) -> Door:
    """Return the door that a path belongs to."""
    return next((door for start, door in DOORS if path.startswith(start)), Door.PAGE)


def sent_credentials(header: str) -> Credentials | None:
    """Return what an Authorization header holds, or None if it cannot be understood.

    Bearer (RFC 6750), Token, or Basic with the machine's name and key (RFC 7617).
    """
    scheme, _space, value = header.strip().partition(" ")
    value = value.strip()
    if not value or len(value) > MOST_CHARACTERS:
        return None
    if scheme.lower() in {"bearer", "token"}:
        return Credentials(key=value)
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            return None
        name, colon, key = text.partition(":")
        return Credentials(key=key, name=name) if colon and name and key else None
    return None


def recognise(request: HttpRequest, *, door: Door) -> MachineKey | Guest:
    """Return the key with which the request is signed, or the guest for whom another system vouches.

    Raises :class:`MachineRefused`, audited, whatever is wrong: the answer never says what.
    """
    reason, key = _judge(request, door)
    if reason == _UNKNOWN and (guest := _guest(request, door)) is not None:
        return guest
    if key is None or reason:
        raise _refused(request, door, reason, key)
    services.touch_machine_key(key=key)
    return key


def _judge(request: HttpRequest, door: Door) -> tuple[str, MachineKey | None]:
    """Return what is wrong ("" when nothing is) and the key, if it is one of ours."""
    if not (request.is_secure() or is_loopback(request)):
        return "not over TLS", None
    credentials = sent_credentials(request.META.get("HTTP_AUTHORIZATION", ""))
    if credentials is None:
        return "not understood", None
    key = MachineKey.objects.filter(digest=digest_of(credentials.key)).first()
    if key is None:
        return _UNKNOWN, None
    if credentials.name is not None and credentials.name != key.name:
        return "the key of another machine", key
    if key.revoked_at is not None:
        return "revoked", key
    if not key.is_usable_at(timezone.now()):
        return "expired", key
    if not key.allows_address(client_address(request)):
        return "address not allowed", key
    if not key.rights_at(door):
        return "no right at this door", key
    return "", key


def _guest(request: HttpRequest, door: Door) -> Guest | None:
    header = request.META.get("HTTP_AUTHORIZATION", "")
    found = sent_credentials(header)
    is_bearer = header.strip().lower().startswith("bearer ")
    return guests.recognise(found.key, door, client_address(request)) if found and is_bearer else None


def _refused(request: HttpRequest, door: Door, reason: str, key: MachineKey | None) -> MachineRefused:
    address = client_address(request)
    if not _is_over(AUDITED_REFUSALS, "machine-refusals-on-record", address):
        # A key's name is said only when the key itself was right.
        actor = Actor(
            kind="machine",
            id=str(key.pk) if key else "",
            name=key.name if key else "unknown machine",
            address=address,
            door=door,
        )
        audit.record(
            Action.MACHINE_REFUSED,
            actor=actor,
            subject_type="machine",
            subject_uid=str(key.pk) if key else "",
            outcome=Outcome.REFUSED,
            detail={"reason": reason},
        )
    return MachineRefused(reason, too_many=_is_over(TOLERATED_REFUSALS, "machine-refusals", address))


def _is_over(limit: int, what: str, address: str) -> bool:
    """Count a refusal of this address and say whether there were more than ``limit`` within a minute."""
    stranger = Actor(kind="machine", id=address, name="unknown machine", address=address)
    allowance = throttling.spend(stranger, what, limit=limit)
    return allowance is not None and bool(allowance.wait)
