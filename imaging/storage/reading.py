"""Reading one copy while checking that it is still what was kept."""

import hashlib
import io
from collections.abc import Callable
from typing import BinaryIO

from imaging.storage.errors import ObjectDamaged, StorageAway


class VerifyingReader(io.RawIOBase):
    """A seekable stream over a copy that checks the digest when it is read from beginning to end.

    The read that would return the last bytes of a damaged copy calls ``on_damage`` and raises ``ObjectDamaged``
    instead; ``StorageAway`` says that the place where it lies stopped answering. After a seek away from the reading
    position nothing more is promised, as for a range.
    """

    def __init__(self, file: BinaryIO, *, digest: str, length: int, on_damage: Callable[[], None]) -> None:
        """Read ``file`` of ``length`` bytes whose SHA-256 must be ``digest``."""
        super().__init__()
        self._file = file
        self._digest = digest
        self._length = length
        self._on_damage = on_damage
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position from the start, in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; bounded by the content's length for ``SEEK_END``."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = self._file.seek(base + offset)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill ``buffer``; 0 at the end. Raises ``ObjectDamaged``."""
        try:
            data = self._file.read(len(buffer))
        except OSError as error:
            raise StorageAway(f"the copy cannot be read on: {error.strerror}") from error
        self._check(data, wanted=len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _check(self, data: bytes, *, wanted: int) -> None:
        if not data and wanted and self._position < self._length:
            self._fail("the copy ends early")
        if self._position != self._hashed:
            return
        self._hash.update(data)
        self._hashed += len(data)
        if (
            data
            and self._hashed >= self._length
            and (self._hashed > self._length or self._hash.hexdigest() != self._digest)
        ):
            self._fail("the digest differs")

    def _fail(self, why: str) -> None:
        self._on_damage()
        raise ObjectDamaged(why)

    def close(self) -> None:
        """Close the copy."""
        if not self.closed:
            self._file.close()
        super().close()
