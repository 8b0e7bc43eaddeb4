"""What a provider publishes about itself: its addresses and its keys (OpenID Connect Discovery 1.0, RFC 7517).

Fetched by the one outbound client alone, from hosts that an administrator listed; kept for a while in the cache.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from accounts.federation import kept
from accounts.federation.errors import SignInRefused
from accounts.federation.models import ClientAuthentication, IdentityProvider
from accounts.federation.validators import is_secure_address
from accounts.outbound import services as outbound
from accounts.outbound.errors import Failed, Refused

WELL_KNOWN: Final = "/.well-known/openid-configuration"
MOST_OCTETS: Final = 256 * 1024
#: Seconds for one call; somebody waits before the sign-in page meanwhile.
PATIENCE: Final = 8.0
_METADATA_SECONDS: Final = 3600
_KEYS_SECONDS: Final = 900
#: A token with an unknown key has the keys fetched anew, but no stranger can make us ask more often than this.
_KEYS_AGAIN_SECONDS: Final = 30
_MOST_KEYS: Final = 50
#: A provider that did not answer is not asked again for so long: each call may take all our patience.
_AWAY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of a provider's metadata that is used. Every address was checked to be https."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    #: RFC 9207: its answers name the issuer, and one that does not is not its answer.
    names_itself: bool
    algorithms: tuple[str, ...]
    client_authentications: tuple[str, ...]
    challenge_methods: tuple[str, ...]


def metadata_of(provider: IdentityProvider, *, afresh: bool = False) -> Metadata:
    """Return what the provider publishes. Raises :class:`SignInRefused` (``no_answer``, ``not_set_up``)."""
    document = _kept(provider, "metadata", _METADATA_SECONDS, provider.issuer.rstrip("/") + WELL_KNOWN, afresh=afresh)
    return read_metadata(document, issuer=provider.issuer)


def metadata_at(provider: IdentityProvider, address: str) -> Metadata:
    """Return what the provider publishes at another address: what a record publishes of its provider. Raises as above."""
    where = hashlib.sha256(address.encode()).hexdigest()[:16]
    document = _kept(provider, f"metadata-{where}", _METADATA_SECONDS, address, afresh=False)
    return read_metadata(document, issuer=provider.issuer)


def read_metadata(document: Mapping[str, Any], *, issuer: str) -> Metadata:
    """Check a metadata document and take from it what is used. Raises :class:`SignInRefused`."""
    if document.get("issuer") != issuer:
        raise SignInRefused("not_set_up", "metadata: another issuer")
    needed = {name: _address(document, name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    methods = _texts(document, "token_endpoint_auth_methods_supported")
    return Metadata(
        issuer=issuer,
        **needed,
        userinfo_endpoint=_address(document, "userinfo_endpoint") if document.get("userinfo_endpoint") else "",
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        algorithms=_texts(document, "id_token_signing_alg_values_supported"),
        # Where nothing is said, the standard says it (Discovery 1.0, section 3).
        client_authentications=methods or (ClientAuthentication.BASIC.value,),
        challenge_methods=_texts(document, "code_challenge_methods_supported"),
    )


def keys_of(provider: IdentityProvider, metadata: Metadata, *, afresh: bool = False) -> list[dict[str, Any]]:
    """Return the provider's public keys as JSON Web Keys; ``afresh`` fetches them again, if not done a moment ago."""
    if afresh:
        afresh = kept.is_first(_name(provider, "keys-again"), _KEYS_AGAIN_SECONDS, without_cache=False)
    document = _kept(provider, "keys", _KEYS_SECONDS, metadata.jwks_uri, afresh=afresh)
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise SignInRefused("not_set_up", "keys: no list of keys")
    return [key for key in keys[:_MOST_KEYS] if isinstance(key, dict)]


def call(method: str, address: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> outbound.Answer:
    """Call a provider. Raises :class:`SignInRefused`: our rules forbid it (``not_set_up``), or nobody answers."""
    try:
        return outbound.send(method, address, body=body, headers=headers, patience=PATIENCE, most_octets=MOST_OCTETS)
    except Refused as error:
        raise SignInRefused("not_set_up", f"outbound: {error.code}") from error
    except Failed as error:
        raise SignInRefused("no_answer", f"outbound: {error.code}") from error


def read_object(octets: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object that somebody sent. Raises :class:`SignInRefused`."""
    try:
        found = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise SignInRefused("not_verified", f"{what}: not JSON") from error
    if not isinstance(found, dict):
        raise SignInRefused("not_verified", f"{what}: not an object")
    return found


def _kept(provider: IdentityProvider, what: str, seconds: int, address: str, *, afresh: bool) -> dict[str, Any]:
    name = _name(provider, what)
    found = None if afresh else kept.get(name)
    if isinstance(found, dict):
        return found
    away = f"{name}:away"
    if not afresh and kept.get(away):
        # Everybody who would come in by it waits for so long, and each of them keeps a reader waiting.
        raise SignInRefused("no_answer", f"{what}: did not answer a moment ago")
    try:
        answer = call("GET", address, headers={"Accept": "application/json"})
    except SignInRefused as refusal:
        if refusal.code == "no_answer":
            kept.put(away, True, _AWAY_SECONDS)
        raise
    if answer.status >= 500:
        raise SignInRefused("no_answer", f"{what}: status {answer.status}")
    if answer.status != 200:
        raise SignInRefused("not_set_up", f"{what}: status {answer.status}")
    document = read_object(answer.body, what)
    kept.put(name, document, seconds)
    return document


def _name(provider: IdentityProvider, what: str) -> str:
    """The name in the cache: another after every change of the row, so that nothing outlives what it was fetched for."""
    return f"federation:{provider.pk}:{provider.changed_at.timestamp()}:{what}"


def _address(document: Mapping[str, Any], name: str) -> str:
    address = document.get(name)
    if not isinstance(address, str) or not is_secure_address(address):
        raise SignInRefused("not_set_up", f"metadata: {name}")
    return address


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = document.get(name)
    return tuple(entry for entry in found[:100] if isinstance(entry, str)) if isinstance(found, list) else ()
