"""What opens a share and is never kept: the secret of a link, the token of a visit. Only their digests are.

256 random bits cannot be guessed, so that a plain digest proves them (SHA-256); what is shorter is hashed with a key
(``accounts.messaging.codes``).
"""

import hashlib
import hmac
import secrets
from typing import Final

from imaging.sharing.models.shares import KEY_LENGTH

_BYTES: Final = 32
#: What is compared against where there is no such share, so that both take as long.
_NOTHING: Final = hashlib.sha256(b"").hexdigest()


def new_key() -> str:
    """Return an identifier for the path: 72 random bits, without a hyphen in front that a mail program might cut off."""
    while True:
        key = secrets.token_urlsafe(9)[:KEY_LENGTH]
        if key[0].isalnum() and key[-1].isalnum():
            return key


def new_secret() -> str:
    """Return 256 random bits in 43 characters that stand in an address as they are."""
    return secrets.token_urlsafe(_BYTES)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret: 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_proved(digest: str | None, secret: str) -> bool:
    """Whether ``secret`` is the one of ``digest``; takes as long for a share that does not exist (None)."""
    same = hmac.compare_digest(digest or _NOTHING, digest_of(secret[:128]))
    return same and digest is not None
