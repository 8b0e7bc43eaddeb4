"""How much of an untrusted delivery is unpacked before it is refused."""

import threading
import time
from dataclasses import dataclass, field
from typing import Final

from imaging.ingest.media.trouble import MediaError, Trouble

_MIB: Final = 1024 * 1024
_GIB: Final = 1024 * _MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """Bounds for one delivery; sizes in bytes.

    ``depth`` counts archives within archives: 2 opens a zip and the zips in it. ``ratio`` is what an archive may unpack to
    for each of its own bytes; it counts from ``ratio_from`` unpacked bytes on, for black images pack well.
    """

    entries: int = 200_000
    archive_entries: int = 100_000
    directory_bytes: int = 32 * _MIB
    entry_bytes: int = 8 * _GIB
    total_bytes: int = 256 * _GIB
    ratio: int = 200
    ratio_from: int = _GIB
    depth: int = 2
    seconds: float = 6 * 3600


@dataclass(slots=True)
class Budget:
    """What one delivery has used of its limits; threads may share it."""

    limits: MediaLimits = field(default_factory=MediaLimits)
    entries: int = 0
    unpacked: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _began: float = field(default_factory=time.monotonic)

    def count_entry(self) -> None:
        """One more file was listed. Raises ``MediaError`` when there are too many, or it takes too long."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise MediaError(Trouble.TOO_MANY)
        if time.monotonic() - self._began > self.limits.seconds:
            raise MediaError(Trouble.TOO_LONG)

    def spend(self, octets: int) -> None:
        """So many bytes were unpacked. Raises ``MediaError`` when they are too many."""
        with self._lock:
            self.unpacked += octets
            if self.unpacked > self.limits.total_bytes:
                raise MediaError(Trouble.UNPACKS_TOO_LARGE)
