"""Codes of an authenticator app (RFC 6238: SHA-1, 6 digits, 30 s). A code is good once, and one step early or late.

The last step used is kept on the row under a lock, so that no two processes take the same code.
"""

import base64
import hashlib
import hmac
import secrets
import struct
import time
from typing import Final
from urllib.parse import quote, urlencode

import qrcode
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from qrcode.image.svg import SvgPathImage

from accounts.models import User
from accounts.signing_in import sealing

_PERIOD: Final = 30
_DIGITS: Final = 6
#: Steps before and after the present one: clocks of telephones differ.
_TOLERANCE: Final = 1


def new_secret() -> str:
    """Return 160 random bits in base32 (RFC 4226 section 4, R6)."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    """Return the code of a step (RFC 4226 section 5.3)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def matching_step(secret: str, code: str, *, after: int = -1) -> int | None:
    """Return the step whose code this is, if it is near now and later than ``after``."""
    typed = "".join(code.split())
    if len(typed) != _DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    now = int(time.time()) // _PERIOD
    found = None
    # All are compared, so that the time taken says nothing.
    for step in range(now - _TOLERANCE, now + _TOLERANCE + 1):
        if hmac.compare_digest(code_at(secret, step), typed) and step > after:
            found = step
    return found


def add(user: User, secret: str, step: int) -> Authenticator:
    """Keep the app whose code of ``step`` was shown: that code is used by it."""
    row: Authenticator = Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.TOTP,
        data={"secret": sealing.seal(secret), "last_step": step},
    )
    return row


@transaction.atomic
def spend(user: User, code: str) -> bool:
    """Take a code of the person's app. A code that was taken before, by whatever process, is refused."""
    row = Authenticator.objects.select_for_update().filter(user=user, type=Authenticator.Type.TOTP).first()
    if row is None:
        return False
    try:
        secret = sealing.opened(row.data["secret"])
    except sealing.Unreadable:
        return False
    step = matching_step(secret, code, after=int(row.data["last_step"]))
    if step is None:
        return False
    row.data["last_step"] = step
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True


def address(user: User, secret: str) -> str:
    """Return the address that an authenticator app reads (otpauth)."""
    issuer = settings.PRODUCT_NAME
    label = quote(f"{issuer}:{user.get_username()}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer})}"


def picture(text: str) -> str:
    """Return a QR code of ``text`` as the address of an SVG picture (``data:``)."""
    drawn = qrcode.make(text, image_factory=SvgPathImage, border=2).to_string()
    return "data:image/svg+xml;base64," + base64.b64encode(drawn).decode()
