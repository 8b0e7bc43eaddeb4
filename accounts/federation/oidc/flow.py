"""One sign-in by an OpenID provider: the question that the browser carries there, and the answer that it brings back.

Authorization code with PKCE S256, state and nonce; the answer is bound to the session that asked and to the provider that
was asked (OpenID Connect Core 1.0, section 3.1; RFC 9700; RFC 9207).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from accounts.federation.claims import Assertion
from accounts.federation.errors import SignInRefused
from accounts.federation.models import ClientAuthentication, IdentityProvider
from accounts.federation.oidc import own_key, tokens
from accounts.federation.oidc.metadata import Metadata, call, metadata_of, read_object
from accounts.signing_in import sealing


@dataclass(frozen=True, slots=True)
class Question:
    """What a sign-in was begun with; kept in the session, and used once."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Question":
        """Make one that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64))

    @property
    def challenge(self) -> str:
        """The verifier's digest (RFC 7636, section 4.2)."""
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What the answer of a provider was good for: who was recognised, and all that its token address said."""

    assertion: Assertion
    answer: Mapping[str, Any]


def address_to_ask(
    provider: IdentityProvider,
    question: Question,
    *,
    callback: str,
    afresh: bool = False,
    language: str = "",
    metadata: Metadata | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """Return where to send the browser.

    ``afresh`` has the provider ask the person again, whatever session it has; ``more`` is asked besides, and in place of
    the same parameter. ``metadata`` is the provider's, where it is not to be found in the usual place.
    """
    metadata = metadata or metadata_of(provider)
    if metadata.challenge_methods and "S256" not in metadata.challenge_methods:
        raise SignInRefused("not_set_up", "metadata: no PKCE with S256")
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": callback,
        "scope": " ".join(dict.fromkeys(["openid", *provider.scopes])),
        "state": question.state,
        "nonce": question.nonce,
        "code_challenge": question.challenge,
        "code_challenge_method": "S256",
        **(more or {}),
    }
    if language:
        asked["ui_locales"] = language
    if afresh:
        asked |= {"prompt": "login", "max_age": "0"}
        if provider.acr_step_up:
            asked["acr_values"] = " ".join(provider.acr_step_up)
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(asked, quote_via=quote)}"


def finish(provider: IdentityProvider, question: Question, answered: Mapping[str, str], *, callback: str) -> Assertion:
    """Turn the answer that the browser brought into who was recognised. Raises :class:`SignInRefused`."""
    return redeem(provider, question, answered, callback=callback, metadata=metadata_of(provider)).assertion


def redeem(
    provider: IdentityProvider, question: Question, answered: Mapping[str, str], *, callback: str, metadata: Metadata
) -> Redeemed:
    """As :func:`finish`, with all that the token address said. Raises :class:`SignInRefused`."""
    _check_issuer(answered, metadata)
    if "error" in answered:
        known = answered["error"] in {"access_denied", "login_required", "interaction_required", "consent_required"}
        raise SignInRefused("refused_there" if known else "not_verified", f"answer: {answered['error'][:60]!a}")
    code = answered.get("code", "")
    if not code or len(code) > 4096:
        raise SignInRefused("not_verified", "answer: no code")
    given = _exchange(provider, metadata, code=code, verifier=question.verifier, callback=callback)
    access_token, id_token = given.get("access_token"), given.get("id_token")
    if not isinstance(id_token, str):
        raise SignInRefused("not_verified", "token answer: no ID token")
    access_token = access_token if isinstance(access_token, str) else ""
    claims = tokens.read_id_token(
        id_token, provider=provider, metadata=metadata, nonce=question.nonce, access_token=access_token
    )
    more = _userinfo(provider, metadata, access_token, claims["sub"]) if provider.reads_userinfo else {}
    return Redeemed(_assertion({**more, **claims}), given)


def _check_issuer(answered: Mapping[str, str], metadata: Metadata) -> None:
    """The answer comes from whom we asked, where providers say so (RFC 9207, section 2.4): no mix-up."""
    named = answered.get("iss")
    if named is None and not metadata.names_itself:
        return
    if named is None or not hmac.compare_digest(named.encode(), metadata.issuer.encode()):
        raise SignInRefused("not_verified", "answer: iss")


def _exchange(
    provider: IdentityProvider, metadata: Metadata, *, code: str, verifier: str, callback: str
) -> dict[str, Any]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if provider.client_authentication == ClientAuthentication.BASIC:
        headers["Authorization"] = _basic(provider.client_id, _secret(provider))
    else:
        form["client_id"] = provider.client_id
        if provider.client_authentication == ClientAuthentication.PRIVATE_KEY:
            form["client_assertion_type"] = own_key.ASSERTION_TYPE
            form["client_assertion"] = own_key.client_assertion(provider.client_id, audience=metadata.token_endpoint)
        if provider.client_authentication == ClientAuthentication.POST:
            form["client_secret"] = _secret(provider)
    answer = call("POST", metadata.token_endpoint, body=urlencode(form).encode(), headers=headers)
    if answer.status >= 500:
        raise SignInRefused("no_answer", f"token answer: status {answer.status}")
    found = read_object(answer.body, "token answer")
    if answer.status != 200:
        error = str(found.get("error"))[:60]
        refused = "not_set_up" if error in {"invalid_client", "unauthorized_client"} else "not_verified"
        raise SignInRefused(refused, f"token answer: {error!a}")
    return found


def _basic(name: str, secret: str) -> str:
    """Both parts are encoded as in a form first (RFC 6749, section 2.3.1)."""
    pair = f"{quote(name, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _secret(provider: IdentityProvider) -> str:
    try:
        return sealing.opened(provider.sealed_secret)
    except sealing.Unreadable as error:
        raise SignInRefused("not_set_up", "the client secret cannot be read: type it again") from error


def _userinfo(provider: IdentityProvider, metadata: Metadata, access_token: str, subject: str) -> dict[str, Any]:
    if not metadata.userinfo_endpoint or not access_token:
        raise SignInRefused("not_set_up", "userinfo: no address or no access token")
    headers = {"Authorization": f"Bearer {_header_safe(access_token)}", "Accept": "application/json, application/jwt"}
    answer = call("GET", metadata.userinfo_endpoint, headers=headers)
    if answer.status != 200:
        raise SignInRefused("no_answer" if answer.status >= 500 else "not_verified", f"userinfo: {answer.status}")
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/jwt":
        token = answer.body.decode("ascii", "replace").strip()
        found = tokens.read_signed_userinfo(token, provider=provider, metadata=metadata)
    else:
        found = read_object(answer.body, "userinfo")
    # Core 1.0, section 5.3.2: of another subject nothing may be used.
    if found.get("sub") != subject:
        raise SignInRefused("not_verified", "userinfo: sub")
    return found


def _header_safe(token: str) -> str:
    if not token.isascii() or any(ord(char) <= 32 or ord(char) == 127 for char in token):
        raise SignInRefused("not_verified", "token answer: access token")
    return token


def _assertion(claims: dict[str, Any]) -> Assertion:
    amr = claims.get("amr")
    sid = claims.get("sid")
    acr = claims.get("acr")
    return Assertion(
        issuer=claims["iss"],
        subject=claims["sub"],
        claims=claims,
        acr=acr if isinstance(acr, str) else "",
        amr=frozenset(entry for entry in amr[:50] if isinstance(entry, str)) if isinstance(amr, list) else frozenset(),
        authenticated_at=_moment(claims.get("auth_time")),
        sid=sid[:255] if isinstance(sid, str) else "",
    )


def _moment(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
