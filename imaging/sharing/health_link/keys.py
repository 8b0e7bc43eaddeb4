"""The key that the files of a health link are encrypted with: made anew whenever a wallet asks, and kept nowhere.

It is HMAC-SHA-256 of the 256 random bits in the link's address, under a key made from SECRET_KEY. Who reads the database finds
digests alone, and so does who has SECRET_KEY besides; who sees the address (a proxy's log) has no SECRET_KEY.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Final

from accounts.signing_in import sealing

_SALT: Final = "imaging.sharing.health_link: key of files"


def key_of(token: str) -> bytes:
    """Return the key (32 bytes, for A256GCM) of the link whose address carries ``token``, under today's SECRET_KEY."""
    return next(_keys(token))


def digest_of(key: bytes) -> str:
    """Return what is kept of a key, to know it again: 64 hexadecimal digits."""
    return hashlib.sha256(key).hexdigest()


def known_key(token: str, digest: str) -> bytes | None:
    """Return the key that was given away with this digest; None when the SECRET_KEY of that time is gone."""
    return next((key for key in _keys(token) if hmac.compare_digest(digest_of(key), digest)), None)


def encoded(key: bytes) -> str:
    """Return a key as a link carries it: 43 characters (base64url without padding)."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def _keys(token: str) -> Iterator[bytes]:
    return (bytes.fromhex(text) for text in sealing.digests(token, salt=_SALT))
