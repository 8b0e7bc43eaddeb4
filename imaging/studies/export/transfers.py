"""The bytes of an export on their way to a reader, who may take a part of them, and may leave."""

from collections import deque
from collections.abc import Iterator
from typing import Protocol


class Interrupted(Protocol):
    """Puts on record that not all of an export went out."""

    def __call__(self, *, sent: int, of: int, reason: str) -> None:
        """``sent`` and ``of`` in bytes."""


class Transfer:
    """The bytes of an export on their way out. Whoever reads closes it, and an early end is put on record then."""

    def __init__(self, pieces: Iterator[bytes], length: int, interrupted: Interrupted) -> None:
        """Begin; nothing is read yet. ``interrupted`` is told when less than ``length`` bytes were taken."""
        self._interrupted = interrupted
        self._pieces = pieces
        self._length = length
        self._sent = 0
        self._is_told = False
        self._ahead: deque[bytes] = deque()

    def read_ahead(self, pieces: int) -> None:
        """Read so many pieces now, and keep them until they are asked for. Raises what ``next`` does."""
        while len(self._ahead) < pieces:
            piece = self._read()
            if piece is None:
                return
            self._ahead.append(piece)

    def __iter__(self) -> "Transfer":
        """Itself: it is read once."""
        return self

    def __next__(self) -> bytes:
        """The next piece. Raises what reading an object raises, ``ExportChanged`` among it."""
        piece = self._ahead.popleft() if self._ahead else self._read()
        if piece is None:
            raise StopIteration
        self._sent += len(piece)
        return piece

    def _read(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except Exception as error:
            self._tell(type(error).__name__)
            raise

    def close(self, reason: str = "the reader left") -> None:
        """Let go of everything; record that not all was taken, if so, and why."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        if self._sent < self._length and not self._is_told:
            self._is_told = True
            self._interrupted(sent=self._sent, of=self._length, reason=reason)


def cut(pieces: Iterator[bytes], start: int, length: int) -> Iterator[bytes]:
    """``length`` bytes from ``start``; what is before is read and left out, since the checksums of all stand at the end."""
    for piece in pieces:
        if start >= len(piece):
            start -= len(piece)
            continue
        taken = piece[start : start + length]
        start, length = 0, length - len(taken)
        yield taken
        if not length:
            return
