"""Where a program gets the token with which it reads the facade: at the health record (SMART App Launch 2.2, section 8; FH-1, FH-8)."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _

from imaging.ehr.fhir.outcomes import Refused
from imaging.ehr.records import selectors, tokens
from imaging.ehr.records.client import Unavailable

CAPABILITY: Final = "smart-imaging-access"
_SCOPES: Final = ("launch", "launch/patient", "patient/ImagingStudy.rs", "patient/Patient.rs")
#: What is said again of what the record publishes.
_SAID: Final = (
    *(
        "issuer",
        "jwks_uri",
        "authorization_endpoint",
        "token_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
    ),
    *("grant_types_supported", "code_challenge_methods_supported", "token_endpoint_auth_methods_supported"),
)


def configuration() -> dict[str, Any]:
    """The configuration of the one record whose tokens are taken. Raises ``Refused`` where there is none, or no one of several."""
    records = selectors.records_whose_tokens_are_taken()
    if len(records) != 1:
        raise Refused(404, _("No health record's tokens are taken here; machines come with a key."))
    try:
        published = tokens.published(records[0])
    except Unavailable as error:
        raise Refused(503, retry_after=30) from error
    capabilities = published.get("capabilities")
    known = [one for one in capabilities if isinstance(one, str)] if isinstance(capabilities, list) else []
    return {
        **{name: published[name] for name in _SAID if name in published},
        "scopes_supported": list(_SCOPES),
        "capabilities": list(dict.fromkeys([*known, CAPABILITY])),
    }
