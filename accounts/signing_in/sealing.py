"""Small secrets that must be read again (of authenticator apps), sealed with a key made from SECRET_KEY.

Who steals the database alone reads none of them. Keys of SECRET_KEY_FALLBACKS still open what they sealed.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """What was sealed cannot be opened: it was changed, or sealed under a key that is gone."""


_SEALS: Final = b"accounts.signing_in: sealed secrets"
_DIGESTS: Final = b"accounts.signing_in: keyed digests"


def seal(text: str) -> str:
    """Return ``text`` sealed."""
    return _fernet().encrypt(text.encode()).decode()


def opened(sealed: str) -> str:
    """Return what was sealed. Raises :class:`Unreadable`."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise Unreadable from error


def digests(text: str, *, salt: str) -> list[str]:
    """Return the keyed digest (HMAC-SHA-256) of ``text``: first under today's key, then under those before it."""
    return [hmac.new(key, f"{salt}:{text}".encode(), hashlib.sha256).hexdigest() for key in _keys(_DIGESTS)]


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in _keys(_SEALS)])


def _keys(purpose: bytes) -> Iterator[bytes]:
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(str(secret).encode())
