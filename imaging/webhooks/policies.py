"""How a message is signed (the Standard Webhooks scheme), and when a refused one is tried again."""

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.utils.crypto import salted_hmac

#: After the first failure, the second, …; the last one repeats.
_PAUSES: Final = (5, 30, 120, 600, 3600, 3 * 3600)
#: A receiver that has taken nothing for so long is switched off, and people are told.
GIVEN_UP_AFTER: Final = timedelta(days=7)


def secret_of(key: UUID, generation: int) -> str:
    """The secret of a webhook as its receiver keeps it: ``whsec_`` and 32 bytes in base64."""
    derived = salted_hmac("imaging.webhooks", f"{key}:{generation}", algorithm="sha256").digest()
    return "whsec_" + base64.b64encode(derived).decode()


def signature(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature``: HMAC-SHA256 of ``id.timestamp.body``, timestamp in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join([message_id.encode(), str(timestamp).encode(), body])
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def pause(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return timedelta(seconds=_PAUSES[min(failures, len(_PAUSES)) - 1])
