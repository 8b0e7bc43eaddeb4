"""Checking what a provider signed: ID tokens (OpenID Connect Core 1.0, section 3.1.3.7) and logout tokens."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Final

import jwt

from accounts.federation import kept
from accounts.federation.errors import SignInRefused
from accounts.federation.models import IdentityProvider
from accounts.federation.oidc.metadata import Metadata, keys_of

#: Signatures that are believed, by the kind of key that makes them. No "none", and no secret shared with the provider.
_ALGORITHMS: Final = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA", "Ed25519"),
}
_KIND_OF: Final = {algorithm: kind for kind, algorithms in _ALGORITHMS.items() for algorithm in algorithms}
#: All of them.
BELIEVED: Final = frozenset(_KIND_OF)
_LEAST_RSA_BITS: Final = 2048
LONGEST: Final = 64 * 1024
#: Seconds by which clocks may differ, and for which a token may have been under way.
LEEWAY: Final = 60
_OLDEST: Final = 600
_LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_HASHES: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "dsa": hashlib.sha512}


def read_id_token(
    token: str, *, provider: IdentityProvider, metadata: Metadata, nonce: str, access_token: str = ""
) -> dict[str, Any]:
    """Return the claims of an ID token that is for us, new, and an answer to our very question.

    Raises :class:`SignInRefused`, whose ``why`` names the check that failed.
    """
    header, claims = _verified(token, provider, metadata, "ID token")
    if not hmac.compare_digest(_text(claims, "nonce").encode(), nonce.encode()):
        raise SignInRefused("not_verified", "ID token: nonce")
    _check_subject(claims)
    if access_token and "at_hash" in claims:
        _check_hash(str(claims["at_hash"]), access_token, header["alg"])
    return claims


def read_logout_token(token: str, *, provider: IdentityProvider, metadata: Metadata) -> dict[str, Any]:
    """Return the claims of a logout token, accepted once (OpenID Connect Back-Channel Logout 1.0, section 2.6)."""
    header, claims = _verified(token, provider, metadata, "logout token")
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(_LOGOUT_EVENT), Mapping):
        raise SignInRefused("not_verified", "logout token: events")
    if "nonce" in claims:
        # What has one is an ID token that somebody passes off as this.
        raise SignInRefused("not_verified", "logout token: nonce")
    if str(header.get("typ", "logout+jwt")).lower() not in {"logout+jwt", "application/logout+jwt", "jwt"}:
        raise SignInRefused("not_verified", "logout token: type")
    if not (_text(claims, "sub") or _text(claims, "sid")):
        raise SignInRefused("not_verified", "logout token: neither sub nor sid")
    identifier = _text(claims, "jti")
    if not identifier:
        raise SignInRefused("not_verified", "logout token: jti")
    name = hashlib.sha256(f"{metadata.issuer}\n{identifier}".encode()).hexdigest()
    # Ending a session a second time does no harm: without the cache a logout goes on.
    if not kept.is_first(f"federation:logout:{name}", _OLDEST + 2 * LEEWAY, without_cache=True):
        raise SignInRefused("not_verified", "logout token: used before")
    return claims


def read_signed_userinfo(token: str, *, provider: IdentityProvider, metadata: Metadata) -> dict[str, Any]:
    """Return the claims of a userinfo answer that is a JWT (Core 1.0, section 5.3.2)."""
    key, algorithm, _header = _key_for(token, provider, metadata, "userinfo")
    try:
        return jwt.decode(
            token,
            key=key,
            algorithms=[algorithm],
            issuer=metadata.issuer,
            audience=provider.client_id,
            leeway=LEEWAY,
            options={"require": ["sub"], "verify_aud": True, "verify_iss": True},
        )
    except jwt.PyJWTError as error:
        raise SignInRefused("not_verified", f"userinfo: {type(error).__name__}") from error


def _verified(
    token: str, provider: IdentityProvider, metadata: Metadata, what: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    key, algorithm, header = _key_for(token, provider, metadata, what)
    try:
        claims = jwt.decode(
            token,
            key=key,
            algorithms=[algorithm],
            issuer=metadata.issuer,
            audience=provider.client_id,
            leeway=LEEWAY,
            options={"require": ["iss", "aud", "exp", "iat"], "verify_aud": True, "verify_iss": True},
        )
    except jwt.PyJWTError as error:
        raise SignInRefused("not_verified", f"{what}: {type(error).__name__}") from error
    audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise SignInRefused("not_verified", f"{what}: azp")
    if time.time() - float(claims["iat"]) > _OLDEST:
        raise SignInRefused("not_verified", f"{what}: too old")
    return header, claims


def _key_for(token: str, provider: IdentityProvider, metadata: Metadata, what: str) -> tuple[Any, str, dict[str, Any]]:
    """Return the provider's key that the token names, and the algorithm, if both are among those believed."""
    header = read_header(token, what)
    if metadata.algorithms and header["alg"] not in metadata.algorithms:
        raise SignInRefused("not_verified", f"{what}: algorithm")
    found = chosen(keys_of(provider, metadata), header) or chosen(keys_of(provider, metadata, afresh=True), header)
    if found is None:
        raise SignInRefused("not_verified", f"{what}: unknown key")
    return public_key(found, header["alg"], what), header["alg"], header


def read_header(token: str, what: str) -> dict[str, Any]:
    """Return the header of a token whose algorithm is one of those believed. Raises :class:`SignInRefused`."""
    if len(token) > LONGEST:
        raise SignInRefused("not_verified", f"{what}: too long")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError) as error:
        raise SignInRefused("not_verified", f"{what}: {type(error).__name__}") from error
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _KIND_OF:
        raise SignInRefused("not_verified", f"{what}: algorithm")
    if "crit" in header:
        raise SignInRefused("not_verified", f"{what}: crit")
    return header


def chosen(keys: list[dict[str, Any]], header: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the one key that can have signed what has this header; without a ``kid`` only where there is no choice."""
    found = fitting(keys, header)
    return found[0] if len(found) == 1 else None


def fitting(keys: list[dict[str, Any]], header: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the keys that can have signed what has this header."""
    return [
        key
        for key in keys
        if key.get("kty") == _KIND_OF[header["alg"]]
        and key.get("use", "sig") == "sig"
        and key.get("alg", header["alg"]) == header["alg"]
        and ("kid" not in header or key.get("kid") == header["kid"])
    ]


def public_key(found: Mapping[str, Any], algorithm: str, what: str) -> Any:
    """Return a JSON Web Key as a key to check signatures with. Raises :class:`SignInRefused`."""
    # A private part has no business here, and would make it a private key.
    public = {name: value for name, value in found.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        key = jwt.PyJWK(public, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise SignInRefused("not_verified", f"{what}: key") from error
    if getattr(key, "key_size", _LEAST_RSA_BITS) < _LEAST_RSA_BITS and public.get("kty") == "RSA":
        raise SignInRefused("not_verified", f"{what}: short key")
    return key


def _check_subject(claims: Mapping[str, Any]) -> None:
    subject = _text(claims, "sub")
    if not subject or len(subject) > 255 or not subject.isprintable():
        raise SignInRefused("not_verified", "ID token: sub")


def _check_hash(expected: str, access_token: str, algorithm: str) -> None:
    digest = _HASHES["dsa" if algorithm.startswith("Ed") else algorithm[-3:]](access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not hmac.compare_digest(half.encode(), expected.encode()):
        raise SignInRefused("not_verified", "ID token: at_hash")


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
