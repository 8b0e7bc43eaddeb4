"""What the tests of sign-in stand on: codes of an app, a passkey made of software, and rules of production."""

import base64
import hashlib
import json
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from fido2 import cbor
from fido2.cose import ES256

from accounts.actor import SYSTEM
from accounts.models import SignInPolicy, User
from accounts.signing_in import policy, totp
from tests.factories.accounts import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


def sign_in(client: Client, login: str = "alice", password: str = PASSWORD, **more: Any) -> Any:
    return client.post(reverse("account_login"), {"login": login, "password": password, **more})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def code(step: int = 0) -> str:
    """The code that the app of `with_app` shows now, or so many steps from now."""
    return totp.code_at(SECRET, int(time.time()) // 30 + step)


@pytest.fixture
def with_app(alice: User) -> Authenticator:
    """Alice has an authenticator app."""
    return totp.add(alice, SECRET, 0)


@pytest.fixture
def rules(db: None) -> Callable[..., SignInPolicy]:
    """`rules(idle_minutes=1)` puts rules in force: those of a demo, but for what is said."""

    def made(**terms: Any) -> SignInPolicy:
        return policy.change(actor=SYSTEM, user=None, row=SignInPolicy(**terms))

    return made


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass
class SoftwareKey:
    """A passkey as an authenticator makes it (WebAuthn Level 3, section 6), without a browser."""

    origin: str = "http://localhost:8000"
    verified: bool = True
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = b"a key made of software"
    handle: str = ""

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        said = {
            "type": kind,
            "challenge": options["publicKey"]["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _data(self, flags: int, rest: bytes = b"") -> bytes:
        flags |= 0x01 | (0x04 if self.verified else 0)
        return hashlib.sha256(b"localhost").digest() + struct.pack(">BI", flags, self.counter) + rest

    def made(self, options: dict[str, Any]) -> str:
        self.handle = options["publicKey"]["user"]["id"]
        public = ES256.from_cryptography_key(self.key.public_key())
        attested = b"\0" * 16 + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor.encode(public)
        shown = {"fmt": "none", "attStmt": {}, "authData": self._data(0x40, attested)}
        response = {
            "clientDataJSON": _text(self._client_data("webauthn.create", options)),
            "attestationObject": _text(cbor.encode(shown)),
        }
        return self._answer(response)

    def shown(self, options: dict[str, Any]) -> str:
        client_data, data = self._client_data("webauthn.get", options), self._data(0)
        signed = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": _text(client_data),
            "authenticatorData": _text(data),
            "signature": _text(signed),
            "userHandle": self.handle,
        }
        return self._answer(response)

    def _answer(self, response: dict[str, str]) -> str:
        known = _text(self.credential_id)
        return json.dumps(
            {"id": known, "rawId": known, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )


def options(client: Client, purpose: str) -> dict[str, Any]:
    """What the portal asks the browser for."""
    answer = client.post(reverse("accounts:passkey-options"), {"for": purpose})
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def passkey(alice: User, client: Client, settings: Any) -> SoftwareKey:
    """Alice has a passkey; the client is signed out."""
    settings.PUBLIC_URL = "http://localhost:8000"
    key = SoftwareKey()
    client.force_login(alice)
    answer = client.post(
        reverse("accounts:add-passkey"), {"name": "badge", "credential": key.made(options(client, "add"))}
    )
    assert answer.status_code == 200, answer.content
    client.post(reverse("account_logout"))
    return key
