"""Codes that a person types: six digits that were sent a moment ago, twelve characters that stand on paper.

They are short, so that what is kept of one is made with the server's own key (HMAC-SHA256): who reads the database alone
cannot try them all.
"""

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

#: Ten digits and 22 letters, none of which is taken for another: no I, L, O, U (Crockford's base 32).
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LIKE: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
#: 60 bits.
LENGTH: Final = 12
_GROUP: Final = 4
DIGITS: Final = 6
GOOD_FOR: Final = dt.timedelta(minutes=10)
_SALT: Final = "accounts.messaging.codes"


@dataclass(frozen=True, slots=True)
class Code:
    """A code at the only moment when it is known: ``plain`` to be sent, ``digest`` to be kept."""

    plain: str
    digest: str
    expires_at: dt.datetime


def new_code() -> Code:
    """Return a code of six digits, good for ten minutes."""
    plain = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    return Code(plain, _digest("sent", plain), timezone.now() + GOOD_FOR)


def matches(digest: str, typed: str) -> bool:
    """Whether these are the six digits of ``digest``; spaces do not matter. Takes as long where there is none."""
    return _is_of(digest, "sent", "".join(typed[:32].split()))


def new_printed_code() -> str:
    """Return a code for paper, as ``XXXX-XXXX-XXXX``: 60 random bits."""
    plain = "".join(secrets.choice(ALPHABET) for _each in range(LENGTH))
    return "-".join(plain[at : at + _GROUP] for at in range(0, LENGTH, _GROUP))


def printed_digest(code: str) -> str:
    """Return what is kept of a code for paper, however it is written."""
    return _digest("printed", _read(code))


def is_printed_code(digest: str, typed: str) -> bool:
    """Whether this is the code of ``digest``: capitals, spaces, dashes and letters taken for digits do not matter."""
    return _is_of(digest, "printed", _read(typed))


def _read(typed: str) -> str:
    written = typed[:64].upper().translate(_LIKE)
    return "".join(char for char in written if char in ALPHABET)


def _is_of(digest: str, kind: str, plain: str) -> bool:
    """Compare under today's key and under those before it: a letter outlives a key. Takes as long whatever is given."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    same = [constant_time_compare(digest, _digest(kind, plain, key)) for key in keys]
    return any(same) and bool(digest)


def _digest(kind: str, plain: str, key: str | bytes | None = None) -> str:
    return salted_hmac(f"{_SALT}.{kind}", plain, secret=key, algorithm="sha256").hexdigest()
