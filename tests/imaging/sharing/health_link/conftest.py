"""A share that may be downloaded, opened by a recipient who made a link for their health wallet."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.test import Client

from imaging.sharing.making.services import Made
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.shared_links import Sharing, open_link


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Wallet:
    """A wallet that read the link, written after the standard and not after the portal."""

    uri: str
    passcode: str
    client: Client

    @property
    def payload(self) -> dict[str, Any]:
        scheme, _slash, rest = self.uri.partition("/")
        assert scheme == "shlink:"
        return dict(json.loads(decoded(rest)))

    @property
    def path(self) -> str:
        return urlsplit(self.payload["url"]).path

    def ask(self, **changes: Any) -> Any:
        question = {"recipient": "Wallet of Jeanne", "passcode": self.passcode, **changes}
        return self.client.post(self.path, json.dumps(question), content_type="application/json")

    def fetch(self, location: str) -> Any:
        return self.client.get(urlsplit(location).path)

    def opened(self, jwe: str) -> Any:
        """RFC 7516 by hand: five parts, the key itself, AES-256-GCM over the header."""
        header, key, nonce, text, tag = jwe.split(".")
        assert key == ""
        told = json.loads(decoded(header))
        assert (told["alg"], told["enc"], told["cty"]) == ("dir", "A256GCM", "application/fhir+json")
        key_bytes = decoded(self.payload["key"])
        assert len(key_bytes) == 32
        plain = AESGCM(key_bytes).decrypt(decoded(nonce), decoded(text) + decoded(tag), header.encode())
        return json.loads(plain)


@pytest.fixture
def made(sharing: Sharing, chest: Study) -> Made:
    memories.forget()
    return sharing(chest, factor=Factor.PRINTED, may_download=True, with_report=True)


@pytest.fixture
def inside(made: Made, outside: Client) -> Client:
    """A browser that opened the share and gave its second proof."""
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return outside


@pytest.fixture
def wallet_of(made: Made, inside: Client) -> Callable[[], Wallet]:
    """Make a link for a wallet on the recipient's page, and read it."""

    def read() -> Wallet:
        answer = inside.post(f"/s/{made.share.key}/shl")
        assert answer.status_code == 200
        handed = answer.context["handed"]
        return Wallet(handed.uri, handed.passcode, Client())

    return read


@pytest.fixture
def wallet(wallet_of: Callable[[], Wallet]) -> Wallet:
    return wallet_of()
