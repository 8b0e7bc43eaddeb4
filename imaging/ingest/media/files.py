"""Files on disk, opened without following links and without waiting for a pipe."""

import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, cast

from imaging.ingest.media import kinds, names
from imaging.ingest.media.found import Found
from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.trouble import MediaError, Trouble


class _Guarded(io.FileIO):
    """A file whose read errors say that the medium is damaged."""

    def readinto(self, buffer: Any) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise MediaError(Trouble.UNREADABLE) from error


def open_file(path: Path) -> BinaryIO:
    """Open a regular file. Raises ``MediaError`` for anything else, and when reading fails later."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise MediaError(Trouble.UNREADABLE) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise MediaError(Trouble.SPECIAL)
    return cast(BinaryIO, io.BufferedReader(_Guarded(fd), 128 * 1024))


def file_at(path: Path, shown_as: str) -> Found:
    """What lies at a path that is a regular file by its listing."""
    name = names.shown(shown_as)
    try:
        with open_file(path) as file:
            length = os.fstat(file.fileno()).st_size
            kind, trouble = _kind(name, file)
    except MediaError as error:
        return Found(name, 0, Kind.JUNK, trouble=error.trouble)
    return Found(name, length, kind, streamer=lambda: open_file(path), trouble=trouble)


def _kind(name: str, file: BinaryIO) -> tuple[Kind, Trouble | None]:
    head = file.read(kinds.HEAD)
    kind, trouble = kinds.kind_of(name, head)
    if kind is Kind.JUNK and len(head) == kinds.HEAD:
        # Only a disc image lies that deep.
        head += file.read(kinds.DISC_IMAGE_HEAD - kinds.HEAD)
        return kinds.kind_of(name, head)
    return kind, trouble
