"""Bounded forward reading of a data set, plain or deflated, without trusting a length in it."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from typing import BinaryIO

from imaging.dicom.errors import Malformed, Truncated

_WINDOW = 32 * 1024
_DEFLATED_CHUNK = 64 * 1024
_SKIP_CHUNK = 1024 * 1024


class ByteSource(ABC):
    """A window that moves forward over bytes; offsets are those of the underlying stream."""

    def __init__(self, start: int) -> None:
        """Begin at ``start``."""
        self._base = start
        self._buffer = b""
        self._at = 0

    def tell(self) -> int:
        """Offset of the next byte."""
        return self._base + self._at

    def peek(self, size: int) -> bytes:
        """Up to ``size`` bytes without moving; fewer at the end."""
        if self._at + size > len(self._buffer):
            self._refill(size)
        return self._buffer[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes, or ``Truncated``."""
        end = self._at + size
        if end > len(self._buffer):
            self._require(size)
            self._refill(size)
            end = self._at + size
            if end > len(self._buffer):
                raise Truncated(f"{size} bytes wanted at offset {self.tell()}")
        taken = self._buffer[self._at : end]
        self._at = end
        return taken

    @abstractmethod
    def skip(self, size: int) -> None:
        """Move forward without keeping the bytes, or ``Truncated``."""

    @abstractmethod
    def _require(self, size: int) -> None:
        """Raise ``Truncated`` when it is already known that ``size`` more bytes do not exist."""

    @abstractmethod
    def _refill(self, size: int) -> None:
        """Make at least ``size`` bytes available from the current offset, if they exist."""


class FileSource(ByteSource):
    """Bytes of a seekable file from ``start`` to ``end``."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        """Read ``file`` between two offsets."""
        super().__init__(start)
        self._file = file
        self._end = end

    def skip(self, size: int) -> None:
        """Seek forward."""
        self._require(size)
        self._at += size
        if self._at > len(self._buffer):
            self._base, self._buffer, self._at = self.tell(), b"", 0

    def require(self, size: int) -> None:
        """Raise ``Truncated`` unless ``size`` more bytes exist."""
        self._require(size)

    def _require(self, size: int) -> None:
        if self.tell() + size > self._end:
            raise Truncated(f"{size} bytes wanted at offset {self.tell()}, the file ends at {self._end}")

    def _refill(self, size: int) -> None:
        offset = self.tell()
        self._file.seek(offset)
        self._buffer = self._file.read(min(max(size, _WINDOW), max(self._end - offset, 0)))
        self._base, self._at = offset, 0


class InflatingSource(ByteSource):
    """The inflated bytes of a raw deflate stream (PS3.5 annex A.5); offsets count inflated bytes from 0."""

    def __init__(self, file: BinaryIO, start: int, end: int, limit: int) -> None:
        """Inflate ``file`` between two offsets, up to ``limit`` bytes out."""
        super().__init__(0)
        self._file = file
        self._file.seek(start)
        self._left = end - start
        self._limit = limit
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._pending = b""
        self._produced = 0

    def skip(self, size: int) -> None:
        """Inflate and forget."""
        while size:
            step = min(size, _SKIP_CHUNK)
            self.take(step)
            size -= step

    def drain(self) -> int:
        """Inflate to the end and return the length of the inflated data set."""
        while self.peek(_SKIP_CHUNK):
            self._base += len(self._buffer)
            self._buffer, self._at = b"", 0
        return self._produced

    @property
    def complete(self) -> bool:
        """Whether the stream's own end was reached."""
        return self._inflater.eof

    def _require(self, size: int) -> None:
        if self.tell() + size > self._limit:
            raise Malformed(f"a data set inflates beyond {self._limit} bytes", code="inflated_too_large")

    def _refill(self, size: int) -> None:
        kept = self._buffer[self._at :]
        self._base, self._at = self.tell(), 0
        pieces, have = [kept], len(kept)
        while have < size and not self._inflater.eof:
            piece = self._inflate(max(size - have, _WINDOW))
            if not piece and not self._pending and not self._left:
                break
            pieces.append(piece)
            have += len(piece)
        self._buffer = b"".join(pieces)

    def _inflate(self, wanted: int) -> bytes:
        if not self._pending and self._left:
            self._pending = self._file.read(min(_DEFLATED_CHUNK, self._left))
            self._left = self._left - len(self._pending) if self._pending else 0
        try:
            piece = self._inflater.decompress(self._pending, wanted)
        except zlib.error as error:
            raise Malformed("the deflated data set is damaged", code="damaged_deflate") from error
        self._pending = self._inflater.unconsumed_tail
        self._produced += len(piece)
        if self._produced > self._limit:
            raise Malformed(f"a data set inflates beyond {self._limit} bytes", code="inflated_too_large")
        return piece
