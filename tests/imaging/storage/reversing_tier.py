"""A tier that keeps every byte complemented and in reverse order.

Whoever opens a file of it directly, or asks it for a path, gets nonsense: the way from spool to screen passing with it
proves that nobody bypasses the storage package. It is a plain Django storage, without any of our own extras but ranges.
"""

import os
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible

_COMPLEMENT = bytes(255 - value for value in range(256))


def disguised(data: bytes) -> bytes:
    """The bytes as they lie in the tier; its own inverse."""
    return data[::-1].translate(_COMPLEMENT)


@deconstructible
class ReversingTier(Storage):
    """Files in a folder, unreadable by anything but this class."""

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.location = Path(location)

    def _file(self, name: str) -> Path:
        return self.location / name

    def _open(self, name: str, mode: str = "rb") -> File:
        return ContentFile(disguised(self._file(name).read_bytes()), name=name)

    def _save(self, name: str, content: Any) -> str:
        self._file(name).parent.mkdir(parents=True, exist_ok=True)
        self._file(name).write_bytes(disguised(b"".join(content.chunks())))
        return name

    def delete(self, name: str) -> None:
        self._file(name).unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        return self._file(name).exists()

    def size(self, name: str) -> int:
        return self._file(name).stat().st_size

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """A range, read from the other end."""
        end = self.size(name) - start
        begin = max(end - length, 0)
        with self._file(name).open("rb") as file:
            file.seek(begin)
            return disguised(file.read(max(end - begin, 0)))
