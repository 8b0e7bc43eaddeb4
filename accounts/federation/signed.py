"""A signed launch: a health record that speaks no OAuth says by a signed token who opens what (LA-2).

The token is a JWS (RFC 7515) with the claims of a JWT (RFC 7519): `iss` names the record's row here, `aud` this portal, `sub`
the person; it lives sixty seconds at most and is taken once. What it says of the patient is read by whoever shows the images.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import jwt
from django.conf import settings

from accounts.federation import kept, public_keys
from accounts.federation.claims import Assertion
from accounts.federation.errors import SignInRefused
from accounts.federation.models import Protocol
from accounts.federation.oidc import tokens
from accounts.models import IdentityProvider

#: Seconds from `iat` to `exp` at most, and seconds by which the clocks may differ.
LIFE: Final = 60
LEEWAY: Final = 15
_WHAT: Final = "launch token"
_LONGEST_ID: Final = 200


@dataclass(frozen=True, slots=True)
class Launch:
    """Who launches, by which record, and all that the token says."""

    provider: IdentityProvider
    assertion: Assertion


def provider_of(token: str) -> IdentityProvider | None:
    """The record that a token says it is of: not yet believed, but able to be named."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False}) if len(token) < tokens.LONGEST else {}
    except (jwt.PyJWTError, RecursionError):
        return None
    issuer = claims.get("iss")
    found = IdentityProvider.objects.speaking(Protocol.SIGNED)
    return found.filter(issuer=issuer).first() if isinstance(issuer, str) and issuer else None


def read(provider: IdentityProvider, token: str) -> Launch:
    """Believe a token, once. Raises :class:`SignInRefused`, whose ``why`` names the check that failed."""
    try:
        return _read(provider, token)
    except SignInRefused as refusal:
        if refusal.code == "not_verified":
            raise SignInRefused("launch_not_verified", refusal.why) from refusal
        raise


def _read(provider: IdentityProvider, token: str) -> Launch:
    claims = _verified(provider, token)
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject or len(subject) > 255 or not subject.isprintable():
        raise SignInRefused("not_verified", f"{_WHAT}: sub")
    issued, expires = float(claims["iat"]), float(claims["exp"])
    if not 0 < expires - issued <= LIFE:
        raise SignInRefused("not_verified", f"{_WHAT}: lives longer than {LIFE} seconds")
    _take_once(provider, claims["jti"])
    amr = claims.get("amr")
    acr = claims.get("acr")
    return Launch(
        provider,
        Assertion(
            issuer=provider.issuer,
            subject=subject,
            claims=claims,
            acr=acr if isinstance(acr, str) else "",
            amr=frozenset(one for one in amr[:50] if isinstance(one, str)) if isinstance(amr, list) else frozenset(),
        ),
    )


def _verified(provider: IdentityProvider, token: str) -> dict[str, Any]:
    header = tokens.read_header(token, _WHAT)
    try:
        keys = public_keys.read(provider.signing_keys)
    except public_keys.Unreadable as error:
        raise SignInRefused("not_set_up", f"{_WHAT}: no key to check it with") from error
    ours = settings.PUBLIC_URL.rstrip("/")
    last: Exception | None = None
    # A key of a PEM has no name: whatever name the token gives may be its.
    named = [{"kid": header["kid"], **key} for key in keys] if "kid" in header else keys
    for key in tokens.fitting(named, header):
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key=tokens.public_key(key, header["alg"], _WHAT),
                algorithms=[header["alg"]],
                issuer=provider.issuer,
                audience=[ours, f"{ours}/"],
                leeway=LEEWAY,
                options={"require": ["iss", "aud", "exp", "iat", "sub", "jti"], "verify_aud": True, "verify_iss": True},
            )
        except jwt.InvalidSignatureError as error:
            last = error
        except jwt.PyJWTError as error:
            # Too old is what people meet: the page of the record stood open for minutes.
            code = "too_old" if isinstance(error, jwt.ExpiredSignatureError) else "not_verified"
            raise SignInRefused(code, f"{_WHAT}: {type(error).__name__}") from error
        else:
            return claims
    raise SignInRefused("not_verified", f"{_WHAT}: {type(last).__name__ if last else 'unknown key'}") from last


def _take_once(provider: IdentityProvider, identifier: object) -> None:
    if not isinstance(identifier, str) or not identifier or len(identifier) > _LONGEST_ID:
        raise SignInRefused("not_verified", f"{_WHAT}: jti")
    name = hashlib.sha256(f"{provider.issuer}\n{identifier}".encode()).hexdigest()
    # While nobody can tell whether it was used, it is taken for used.
    if not kept.is_first(f"federation:launch:{name}", LIFE + 2 * LEEWAY + 30, without_cache=False):
        raise SignInRefused("too_old", f"{_WHAT}: used before")
