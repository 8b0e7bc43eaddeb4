"""SAML 2.0 as a service provider (Web Browser SSO, SAML Profiles 4.1), where the extra `saml` is installed.

The answer of the provider is posted by another site, so it comes without the session: it is put aside for a moment under
a name that nobody can guess, and taken up by the browser's next request, which has the session that asked. Only an answer
to our own question is taken, signed, for us, once.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.dateparse import parse_datetime

from accounts.federation import kept
from accounts.federation.claims import Assertion
from accounts.federation.errors import SignInRefused
from accounts.federation.models import IdentityProvider

try:
    from onelogin.saml2.auth import OneLogin_Saml2_Auth
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
    from onelogin.saml2.response import OneLogin_Saml2_Response
    from onelogin.saml2.settings import OneLogin_Saml2_Settings
except ImportError:  # the extra is not installed
    IS_INSTALLED = False
else:
    IS_INSTALLED = True

LONGEST: Final = 512 * 1024
_ASIDE_SECONDS: Final = 120
_ONCE_SECONDS: Final = 24 * 3600
_PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
#: Attributes that name a person for good (SAML V2.0 Subject Identifier Attributes Profile 1.0).
_SUBJECTS: Final = (
    "urn:oasis:names:tc:SAML:attribute:pairwise-id",
    "urn:oasis:names:tc:SAML:attribute:subject-id",
)
#: What directories call the things that accounts are made from (RFC 2798, eduPerson), by the names of OpenID Connect.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "preferred_username": ("urn:oid:0.9.2342.19200300.100.1.1", "uid"),
    "email": (
        "urn:oid:0.9.2342.19200300.100.1.3",
        "mail",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    ),
    "name": ("urn:oid:2.16.840.1.113730.3.1.241", "displayName"),
    "given_name": ("urn:oid:2.5.4.42", "givenName"),
    "family_name": ("urn:oid:2.5.4.4", "sn"),
}


def address_to_ask(
    provider: IdentityProvider, *, here: Mapping[str, str], state: str, afresh: bool = False
) -> tuple[str, str]:
    """Return where to send the browser, and the ID of the question. ``here`` are our addresses (`saml_views.ours`).

    ``afresh`` has the provider ask the person again, whatever session it has.
    """
    asking = OneLogin_Saml2_Auth(_request(here, ""), _settings(provider, here))
    address = asking.login(return_to=state, force_authn=afresh)
    return address, str(asking.get_last_request_id())


def put_aside(answer: str) -> str:
    """Keep a posted answer for the browser's next request; return the name under which it lies."""
    if not answer or len(answer) > LONGEST:
        raise SignInRefused("not_verified", "SAML answer: none, or too long")
    name = secrets.token_urlsafe(24)
    if not kept.put(f"federation:saml:{name}", answer, _ASIDE_SECONDS):
        raise SignInRefused("no_answer", "SAML answer: the cache is away")
    return name


def take_up(name: str) -> str:
    """Return what was put aside, once. Raises :class:`SignInRefused`."""
    answer = kept.take(f"federation:saml:{name[:64]}")
    if not isinstance(answer, str):
        raise SignInRefused("begun_elsewhere", "SAML answer: gone")
    return answer


def finish(provider: IdentityProvider, answer: str, *, here: Mapping[str, str], question: str) -> Assertion:
    """Check an answer to ``question`` and return who was recognised. Raises :class:`SignInRefused`."""
    settings = OneLogin_Saml2_Settings(_settings(provider, here))
    try:
        response = OneLogin_Saml2_Response(settings, answer)
        is_valid = response.is_valid(_request(here, answer), question)
        error = str(response.get_error() or "")
    except Exception as trouble:  # whatever the library and its XML parser raise: it is no answer
        raise SignInRefused("not_verified", f"SAML answer: {type(trouble).__name__}") from trouble
    if not is_valid:
        raise SignInRefused("not_verified", f"SAML answer: {_class_of(error)}")
    # The library lets an answer pass that names no question, and one that names nobody it is for.
    if response.get_in_response_to() != question:
        raise SignInRefused("not_verified", "SAML answer: to no question of ours")
    if here["entity"] not in response.get_audiences():
        raise SignInRefused("not_verified", "SAML answer: audience")
    once = f"federation:saml-once:{provider.pk}:{response.get_assertion_id()}"
    if not kept.is_first(once, _ONCE_SECONDS, without_cache=False):
        raise SignInRefused("not_verified", "SAML answer: used before")
    return _assertion(provider, response)


def metadata(provider: IdentityProvider, here: Mapping[str, str]) -> bytes:
    """Return our own metadata, for the provider's administrator."""
    said = OneLogin_Saml2_Settings(_settings(provider, here)).get_sp_metadata()
    return said if isinstance(said, bytes) else str(said).encode()


def _assertion(provider: IdentityProvider, response: Any) -> Assertion:
    attributes: dict[str, Any] = {**response.get_friendlyname_attributes(), **response.get_attributes()}
    claims = dict(attributes)
    for name, sources in _NAMES.items():
        found = next((attributes[source] for source in sources if attributes.get(source)), None)
        if found:
            claims[name] = found[0]
    contexts = response.get_authn_contexts()
    return Assertion(
        issuer=provider.issuer,
        subject=_subject(attributes, response),
        claims=claims,
        acr=str(contexts[0]) if len(contexts) == 1 else "",
        authenticated_at=_authenticated_at(response),
        sid=str(response.get_session_index() or "")[:255],
    )


def _subject(attributes: Mapping[str, Any], response: Any) -> str:
    """Return what names the person for good: an address or a name that changes with every sign-in is refused."""
    for source in _SUBJECTS:
        values = attributes.get(source)
        if isinstance(values, list) and len(values) == 1 and isinstance(values[0], str):
            return _short(values[0])
    if response.get_nameid_format() != _PERSISTENT:
        raise SignInRefused("not_set_up", "SAML answer: no persistent NameID and no subject identifier")
    return _short(str(response.get_nameid() or ""))


def _short(subject: str) -> str:
    if not subject or len(subject) > 255 or not subject.isprintable():
        raise SignInRefused("not_verified", "SAML answer: subject")
    return subject


def _authenticated_at(response: Any) -> datetime | None:
    # Of the assertion whose signature was checked: the library's own way to its parts.
    statements = response._query_assertion("/saml:AuthnStatement")
    instant = statements[0].get("AuthnInstant") if statements else None
    try:
        moment = parse_datetime(str(instant or ""))
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _settings(provider: IdentityProvider, here: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = OneLogin_Saml2_IdPMetadataParser.parse(provider.saml_metadata.encode(), entity_id=provider.issuer)
    except Exception as error:  # whatever its XML parser raises: an administrator pasted something else
        raise SignInRefused("not_set_up", f"SAML metadata: {type(error).__name__}") from error
    idp = found.get("idp") or {}
    if idp.get("entityId") != provider.issuer or not (idp.get("x509cert") or idp.get("x509certMulti")):
        raise SignInRefused("not_set_up", "SAML metadata: no certificate under this entity ID")
    return {
        "strict": True,
        "debug": False,
        "idp": idp,
        "sp": {
            "entityId": here["entity"],
            "assertionConsumerService": {"url": here["acs"], "binding": _POST},
            "NameIDFormat": _PERSISTENT,
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantNameId": False,
            "wantAttributeStatement": False,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "allowRepeatAttributeName": True,
            "allowSingleLabelDomains": True,
        },
    }


def _request(here: Mapping[str, str], answer: str) -> dict[str, Any]:
    """What the library wants to know of a request: our own published address, never a header of the browser's."""
    scheme, _, rest = here["acs"].partition("://")
    host, _, path = rest.partition("/")
    posted = {"SAMLResponse": answer} if answer else {}
    return {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": f"/{path}",
        "get_data": {},
        "post_data": posted,
    }


def _class_of(error: str) -> str:
    """Return the library's sentence without what came from outside."""
    return "".join(char for char in error.partition(":")[0] if char.isprintable())[:80]
