"""Who a patient is called in a copy, and what a key makes of UIDs and dates: the same for one key, telling nothing without it."""

from __future__ import annotations

import hmac
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_SHORTEST_KEY: Final = 16
_MOST_DAYS: Final = 3650
_LONGEST: Final = 64
_FORBIDDEN: Final = frozenset("\\\r\n\t\f\0\x1b")


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """Patient's Name and Patient ID in the copy. Plain letters, so that every character set holds them."""

    patient_id: str
    patient_name: str

    def __post_init__(self) -> None:
        """Refuse with ``ValueError`` what could not be written as it stands."""
        for text in (self.patient_id, self.patient_name):
            if not text or len(text) > _LONGEST or not text.isascii() or not _FORBIDDEN.isdisjoint(text):
                raise ValueError("a pseudonym has 1 to 64 plain characters")


class Keyed:
    """What one key makes of UIDs and dates. Not reversible, and not guessable without the key (HMAC-SHA256)."""

    def __init__(self, key: bytes, pseudonym: Pseudonym) -> None:
        """Use ``key`` (16 bytes or more, ``ValueError`` otherwise); dates move by one distance for each Patient ID."""
        if len(key) < _SHORTEST_KEY:
            raise ValueError("a key has 16 bytes or more")
        self._key = key
        self._shift = timedelta(days=1 + int.from_bytes(self._digest("days", pseudonym.patient_id)) % _MOST_DAYS)

    def uid(self, original: str) -> str:
        """The UID that stands for ``original``, under the UUID-derived root (PS3.5 annex B.2)."""
        # Version 8 is for UUIDs of one's own making (RFC 9562 section 5.8).
        octets = bytearray(self._digest("uid", original)[:16])
        octets[6], octets[8] = octets[6] & 0x0F | 0x80, octets[8] & 0x3F | 0x80
        return f"2.25.{uuid.UUID(bytes=bytes(octets)).int}"

    def moved(self, day: date) -> date:
        """The day moved into the past, by whole days, so that intervals and times of day stay. Raises ``OverflowError``."""
        return day - self._shift

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{purpose}\0{text}".encode(), "sha256")
