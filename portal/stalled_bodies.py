"""Nobody keeps a thread of the web server by sending half a request: a body that stalls ends in `TimeoutError`.

Granian limits the time for a request's header, and leaves the body to the application; its `read` waits without end. So a
thread of its own reads the body ahead, a little, and whoever wants the bytes waits for them at most so long. The reading
thread ends with the connection; until then it costs its stack, and no more of them than `_MOST` may be left behind.
"""

import queue
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

from portal.proxies import WsgiApplication

SECONDS: Final = 10.0
#: A slow line is asked for little at once, so that whatever comes counts as progress.
_SMALL: Final = 1024
_LARGE: Final = 128 * 1024
_AHEAD: Final = 8
_MOST: Final = 256

_Item = bytes | OSError


class PatientInput:
    """`wsgi.input` (PEP 3333), read ahead by a thread that starts with the first read."""

    def __init__(self, stream: Any, seconds: float, left_behind: "threading.Semaphore") -> None:
        self._stream = stream
        self._seconds = seconds
        self._left_behind = left_behind
        self._items: queue.Queue[_Item] = queue.Queue(_AHEAD)
        self._buffer = bytearray()
        self._ended = False
        self._closed = threading.Event()
        self._reader: threading.Thread | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        """As a file: `size` bytes unless the body ends before. Raises TimeoutError, or what reading raised."""
        wanted = None if size is None or size < 0 else size
        while not self._ended and (wanted is None or len(self._buffer) < wanted):
            self._more()
        return self._taken(len(self._buffer) if wanted is None else wanted)

    def readline(self, size: int | None = -1, /) -> bytes:
        """One line, or `size` bytes of it."""
        limit = None if size is None or size < 0 else size
        while not self._ended and b"\n" not in self._buffer and (limit is None or len(self._buffer) < limit):
            self._more()
        end = self._buffer.find(b"\n") + 1 or len(self._buffer)
        return self._taken(end if limit is None else min(end, limit))

    def _taken(self, size: int) -> bytes:
        with memoryview(self._buffer) as view:
            taken = bytes(view[:size])
        del self._buffer[:size]
        return taken

    def _more(self) -> None:
        if self._reader is None:
            self._reader = threading.Thread(target=self._read_ahead, name="request body", daemon=True)
            self._reader.start()
        try:
            item = self._items.get(timeout=self._seconds)
        except queue.Empty:
            self.close()
            raise TimeoutError("the body of the request stalls") from None
        if isinstance(item, OSError):
            raise item
        self._ended = not item
        self._buffer += item

    def _read_ahead(self) -> None:
        item: _Item = b"x"
        size = _LARGE
        with self._left_behind:
            while item and not isinstance(item, OSError) and not self._closed.is_set():
                started = time.monotonic()
                try:
                    item = self._stream.read(size)
                except OSError as error:
                    item = error
                size = _LARGE if time.monotonic() - started < 0.5 else _SMALL
                self._offer(item)

    def _offer(self, item: _Item) -> None:
        while not self._closed.is_set():
            try:
                self._items.put(item, timeout=0.5)
            except queue.Full:
                continue
            return

    def close(self) -> None:
        """Nobody wants more of it."""
        self._closed.set()


class StalledBodies:
    """Gives the application a `wsgi.input` that does not wait for ever."""

    def __init__(self, application: WsgiApplication, *, seconds: float = SECONDS) -> None:
        self._application = application
        self._seconds = seconds
        self._left_behind = threading.Semaphore(_MOST)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        patient = PatientInput(environ["wsgi.input"], self._seconds, self._left_behind)
        environ["wsgi.input"] = patient
        try:
            return self._application(environ, start_response)
        finally:
            patient.close()
