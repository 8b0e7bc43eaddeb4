"""Passkeys and security keys (W3C Web Authentication, Level 3), for this house's address alone.

A challenge is made for one purpose, kept in the session, and used up by its first answer. A passkey lies where the
person's device keeps it, or on a key; it is asked to recognise the person (PIN, finger, face) where it can, and must,
where it stands for name and password as well.
"""

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from cryptography.exceptions import UnsupportedAlgorithm
from django.conf import settings
from django.db import transaction
from django.db.models import TextChoices
from django.http import HttpRequest
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from accounts.models import User

_KEY: Final = "passkey_challenge"
_LIFE: Final = 300
NAME_LENGTH: Final = 60
#: What the library raises at an answer that is not what it should be: such as one written by hand.
_WRONG: Final = (ValueError, TypeError, KeyError, AttributeError, IndexError, UnsupportedAlgorithm)


class Refused(Exception):
    """The answer of the browser proves nothing."""


class Purpose(TextChoices):
    """What a challenge is for."""

    ADD = "add"
    SIGN_IN = "sign-in"
    SECOND = "second"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Shown:
    """A passkey that was shown: whose, which, and whether it recognised the person."""

    user: User
    row: Authenticator
    is_verified: bool


def begin_adding(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the browser needs to make a passkey for this person (PublicKeyCredentialCreationOptions)."""
    entity = PublicKeyCredentialUserEntity(id=str(user.pk).encode(), name=user.get_username(), display_name=user.label)
    options, state = _server().register_begin(
        entity,
        _credentials(user),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    _keep(request, Purpose.ADD, state)
    return dict(options)


def add(request: HttpRequest, user: User, answer: Mapping[str, Any], name: str) -> Authenticator:
    """Keep the passkey that the browser made. Raises :class:`Refused`."""
    state = _challenge(request, Purpose.ADD)
    try:
        data = _server().register_complete(state, answer)
        made = bytes(data.credential_data or b"")
    except _WRONG as error:
        raise Refused from error
    row: Authenticator = Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.WEBAUTHN,
        data={
            "name": name[:NAME_LENGTH],
            "credential": base64.b64encode(made).decode(),
            "counter": data.counter,
            "is_verified": data.is_user_verified(),
        },
    )
    return row


def begin(request: HttpRequest, purpose: Purpose, user: User | None = None) -> dict[str, Any]:
    """Return what the browser needs to show a passkey: any of this house, or one of ``user``."""
    required = user is None
    options, state = _server().authenticate_begin(
        _credentials(user) if user else [],
        user_verification=(UserVerificationRequirement.REQUIRED if required else UserVerificationRequirement.PREFERRED),
    )
    _keep(request, purpose, state)
    return dict(options)


def shown(request: HttpRequest, purpose: Purpose, answer: Mapping[str, Any], user: User | None = None) -> Shown:
    """Return the passkey that the browser showed. Raises :class:`Refused`."""
    state = _challenge(request, purpose)
    try:
        response = AuthenticationResponse.from_dict(answer)
        owner = user or _owner(response.response.user_handle)
        used = _server().authenticate_complete(state, _credentials(owner), answer)
        data = response.response.authenticator_data
    except _WRONG as error:
        raise Refused from error
    return Shown(owner, _counted(owner, used.credential_id, data.counter), data.is_user_verified())


def of(user: User) -> list[Authenticator]:
    """Return the passkeys of a person, oldest first."""
    return list(Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).order_by("pk"))


def _owner(handle: bytes | None) -> User:
    """Return whom the passkey says it belongs to; its signature is checked against that person's keys."""
    if not handle or len(handle) > 20 or not handle.isdigit():
        raise Refused
    user = User.objects.filter(pk=int(handle)).first()
    if user is None:
        raise Refused
    return user


@transaction.atomic
def _counted(user: User, credential_id: bytes, counter: int) -> Authenticator:
    """Note the use. A counter that does not grow is that of a copy (section 7.2, step 22): refused."""
    rows = Authenticator.objects.select_for_update().filter(user=user, type=Authenticator.Type.WEBAUTHN)
    row = next((row for row in rows if _credential(row).credential_id == credential_id), None)
    if row is None:
        raise Refused
    before = int(row.data["counter"])
    if (counter or before) and counter <= before:
        raise Refused
    row.data["counter"] = counter
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return row


def _credentials(user: User) -> list[AttestedCredentialData]:
    return [_credential(row) for row in of(user)]


def _credential(row: Authenticator) -> AttestedCredentialData:
    return AttestedCredentialData(base64.b64decode(row.data["credential"]))


def _server() -> Fido2Server:
    """The relying party: the host of PUBLIC_URL, asked from PUBLIC_URL and from nowhere else."""
    house = urlsplit(settings.PUBLIC_URL)
    party = PublicKeyCredentialRpEntity(id=house.hostname or "localhost", name=settings.PRODUCT_NAME)
    return Fido2Server(party, verify_origin=lambda origin: origin == f"{house.scheme}://{house.netloc}")


def _keep(request: HttpRequest, purpose: Purpose, state: Any) -> None:
    request.session[_KEY] = {"for": str(purpose), "state": state, "until": time.time() + _LIFE}


def _challenge(request: HttpRequest, purpose: Purpose) -> Any:
    kept = request.session.pop(_KEY, None)
    if not isinstance(kept, dict) or kept["for"] != str(purpose) or time.time() > kept["until"]:
        raise Refused
    return kept["state"]
