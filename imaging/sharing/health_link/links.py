"""What a wallet reads out of a QR code: ``shlink:/`` and a payload (SMART Health Links, section "Construct a SHLink Payload")."""

import base64
import datetime as dt
import json
from typing import Final

from imaging.sharing.health_link import keys

_SCHEME: Final = "shlink:/"
#: The longest label of the standard.
MOST_OF_A_LABEL: Final = 80
#: A link that lasts longer is one that wallets ask again from time to time (flag L).
_LONG: Final = dt.timedelta(days=30)


def flags_of(lasts: dt.timedelta) -> str:
    """Return the flags, in the order of the alphabet: a passcode is always asked (P), long-term (L) beyond thirty days."""
    return "LP" if lasts > _LONG else "P"


def link_of(*, url: str, key: bytes, until: dt.datetime, flags: str, label: str) -> str:
    """Return the whole link. ``url`` answers with the manifest; it has at most 128 characters."""
    payload = {
        "url": url,
        "key": keys.encoded(key),
        "exp": int(until.timestamp()),
        "flag": flags,
        "label": label[:MOST_OF_A_LABEL],
        "v": 1,
    }
    written = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return _SCHEME + base64.urlsafe_b64encode(written).rstrip(b"=").decode()
