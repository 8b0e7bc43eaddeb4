"""Pictures that were drawn in the last minute, bounded in bytes, one memory for each process.

A link with one film is opened by many at once: they all ask for the same picture, and drawing it may take the processor a second.
It is drawn once for them, and those who come meanwhile wait for it. Who may see it is asked before, for each.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

#: Address, tag of the content, and all that says how it is drawn.
Key = tuple[object, ...]

_MOST: Final = 32 * 1024 * 1024
#: Seconds for which a picture is kept: what is drawn beneath it (the image of a segmentation) may arrive later.
_LASTS: Final = 60.0
_LOCKS: Final = 64


class Pictures:
    """Encoded pictures, the ones that were drawn last kept."""

    def __init__(self, limit: int = _MOST, lasts: float = _LASTS) -> None:
        """``limit`` in bytes, ``lasts`` in seconds."""
        self._limit = limit
        self._lasts = lasts
        self._size = 0
        self._kept: OrderedDict[Key, tuple[float, bytes]] = OrderedDict()
        self._lock = threading.Lock()
        self._drawing = tuple(threading.Lock() for _ in range(_LOCKS))

    def kept_or_drawn(self, key: Key, draw: Callable[[], bytes]) -> bytes:
        """Return the picture of this key; ``draw`` makes it, for one who asks at a time, and its errors are raised."""
        found = self._find(key)
        if found is not None:
            return found
        with self._drawing[hash(key) % _LOCKS]:
            found = self._find(key)
            if found is None:
                found = draw()
                self._keep(key, found)
            return found

    def clear(self) -> None:
        """Keep none of them."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _find(self, key: Key) -> bytes | None:
        with self._lock:
            drawn_at, picture = self._kept.get(key, (0.0, b""))
            return picture if picture and time.monotonic() - drawn_at < self._lasts else None

    def _keep(self, key: Key, picture: bytes) -> None:
        if len(picture) > self._limit // 4:
            return
        with self._lock:
            _drawn_at, old = self._kept.pop(key, (0.0, b""))
            self._kept[key] = (time.monotonic(), picture)
            self._size += len(picture) - len(old)
            while self._size > self._limit:
                _key, (_drawn_at, dropped) = self._kept.popitem(last=False)
                self._size -= len(dropped)


drawn_lately: Final = Pictures()
