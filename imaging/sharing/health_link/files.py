"""The files of a health link, encrypted, and the addresses at which they lie for an hour (SMART Health Links 1.0.0).

An address carries, sealed with the server's own key, who may fetch what until when: there is no row to be tidied away, and
whoever sees it in a log learns nothing and can fetch nothing but what is encrypted with a key that they have not.
"""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone
from joserfc import jwe
from joserfc.jwk import OctKey

from accounts.signing_in import sealing

#: How long a file lies at its address: the most that the standard allows.
LOCATION_LASTS: Final = dt.timedelta(hours=1)
CONTENT_TYPE: Final = "application/fhir+json"
_ALGORITHMS: Final = ("dir", "A256GCM")


@dataclass(frozen=True, slots=True)
class Location:
    """What an address of a file knows: its share and link, and the token of the visit of who asked for the manifest."""

    share: str
    token: str
    bearer: str


def encrypted(resource: dict[str, Any], key: bytes) -> str:
    """Return a FHIR resource as a JWE in compact serialization (RFC 7516): ``dir`` with A256GCM, a nonce of its own."""
    header = {"alg": "dir", "enc": "A256GCM", "cty": CONTENT_TYPE}
    text = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode()
    return jwe.encrypt_compact(header, text, OctKey.import_key(key), algorithms=_ALGORITHMS)


def sealed(location: Location) -> str:
    """Return the last part of the address of a file, good for an hour."""
    until = int((timezone.now() + LOCATION_LASTS).timestamp())
    return sealing.seal(json.dumps([location.share, location.token, location.bearer, until], separators=(",", ":")))


def location_of(text: str, *, share: str) -> Location | None:
    """Return what an address of a file says; None after its hour, below another share, or where it was tampered with."""
    try:
        key, token, bearer, until = json.loads(sealing.opened(text))
    except (sealing.Unreadable, ValueError):
        return None
    if key != share or timezone.now().timestamp() >= until:
        return None
    return Location(key, token, bearer)
