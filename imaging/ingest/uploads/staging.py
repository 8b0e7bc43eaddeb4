"""Uploaded bytes on disk, one file for each upload: its length there is the offset, and nothing else is.

`UPLOAD_DIR/<import>/<file>`, both UUIDs of our own. A writer holds the kernel's lock (flock) on its file, so that there
is one at a time in any process, and none is left behind by one that died. What is answered as received was fsynced.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from django.conf import settings

from imaging.ingest.uploads.protocol import Checksum
from imaging.storage import disk

#: Bytes read from a request at a time, and how often the free space is asked for.
_CHUNK: Final = 1024 * 1024
_CHECK_EVERY: Final = 16 * _CHUNK
_PIECE: Final = ".piece"

Read = Callable[[int], bytes]


class Busy(Exception):
    """Somebody else is writing to this file."""


class Absent(Exception):
    """The file is not there, or no longer."""


class NoRoom(Exception):
    """Writing on would touch the reserve of the disk. What was written before is kept."""


class Damaged(Exception):
    """The piece does not have the digest that came with it; nothing of it was kept."""


def folder_of(delivery_id: UUID) -> Path:
    """Where the files of an import lie."""
    return Path(settings.UPLOAD_DIR) / str(delivery_id)


def path_of(delivery_id: UUID, file_id: UUID) -> Path:
    """Where one file lies."""
    return folder_of(delivery_id) / str(file_id)


def length_of(delivery_id: UUID, file_id: UUID) -> int:
    """Bytes that have arrived. Raises ``Absent``."""
    try:
        return path_of(delivery_id, file_id).stat().st_size
    except OSError as error:
        raise Absent from error


def lengths(delivery_id: UUID) -> dict[str, int]:
    """Bytes that have arrived, by the name of the file."""
    try:
        with os.scandir(folder_of(delivery_id)) as entries:
            return {entry.name: entry.stat().st_size for entry in entries}
    except FileNotFoundError:
        return {}


def make_folder(delivery_id: UUID) -> None:
    """Make the folder of a new import, and its name durable."""
    top = Path(settings.UPLOAD_DIR)
    top.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder_of(delivery_id).mkdir(mode=0o700)
    _sync(top)


def make_durable(delivery_id: UUID) -> None:
    """Make the names in an import's folder durable; the bytes are already."""
    _sync(folder_of(delivery_id))


def remove_folder(delivery_id: UUID) -> None:
    """Remove an import's files."""
    shutil.rmtree(folder_of(delivery_id), ignore_errors=True)


def remove_strays(delivery_id: UUID, known: set[str]) -> None:
    """Remove files that belong to nothing: a process died between writing one and saying so."""
    for name in set(lengths(delivery_id)) - known:
        (folder_of(delivery_id) / name).unlink(missing_ok=True)


def folders(*, older_than: float) -> Iterator[UUID]:
    """The folders of imports that were last changed so many seconds ago."""
    with suppress(FileNotFoundError), os.scandir(settings.UPLOAD_DIR) as entries:
        for entry in entries:
            with suppress(ValueError, OSError):
                if entry.stat().st_mtime < time.time() - older_than:
                    yield UUID(entry.name)


def check_room(incoming: int) -> None:
    """Raise ``NoRoom`` when so many bytes would touch the disk's reserve."""
    if disk.room(Path(settings.UPLOAD_DIR), settings.SPOOL_RESERVE) < incoming:
        raise NoRoom


class StagedFile:
    """One file, held by this writer alone until the block is left."""

    def __init__(self, delivery_id: UUID, file_id: UUID, *, create: bool = False) -> None:
        """Open and lock. Raises ``Busy`` or ``Absent``."""
        self.path = path_of(delivery_id, file_id)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT | os.O_EXCL if create else 0)
        try:
            self._fd = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise Absent from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise Busy from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    @property
    def length(self) -> int:
        """Bytes that have arrived."""
        return os.fstat(self._fd).st_size

    def append(self, read: Read, expected: int, checksum: Checksum | None = None) -> int:
        """Add up to ``expected`` bytes of a stream, and make them durable; the new length.

        A stream that ends early, or breaks, leaves what came: unless it has a digest, which cannot be checked then.
        Raises ``NoRoom`` (what came is kept), ``Damaged``, ``Absent`` when the file was removed meanwhile, OSError.
        """
        if checksum is not None:
            return self._append_checked(read, expected, checksum)
        try:
            self._copy(read, expected, self._fd)
        finally:
            os.fsync(self._fd)
        return self.length

    def fill(self, read: Read, expected: int) -> int:
        """Add up to ``expected`` bytes of a stream, not durable before ``sync``; how many came. Raises as ``append``."""
        return self._copy(read, expected, self._fd)

    def sync(self) -> None:
        """Make durable what was written. Raises OSError."""
        os.fsync(self._fd)

    def _copy(self, read: Read, expected: int, target: int) -> int:
        """Write what comes; how many bytes that was."""
        copied, next_check = 0, 0
        while copied < expected:
            if copied >= next_check:
                self._check(expected - copied)
                next_check = copied + _CHECK_EVERY
            chunk = read(min(_CHUNK, expected - copied))
            if not chunk:
                break
            view = memoryview(chunk)
            while view:
                view = view[os.write(target, view) :]
            copied += len(chunk)
        return copied

    def _check(self, incoming: int) -> None:
        check_room(min(incoming, _CHECK_EVERY))
        if os.fstat(self._fd).st_nlink == 0:
            raise Absent

    def _append_checked(self, read: Read, expected: int, checksum: Checksum) -> int:
        """Keep the piece beside the file until its digest is known: the file's length counts checked bytes only."""
        aside = self.path.with_name(self.path.name + _PIECE)
        piece = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            hasher = checksum.hasher()

            def hashed(size: int) -> bytes:
                chunk = read(size)
                hasher.update(chunk)
                return chunk

            copied = self._copy(hashed, expected, piece)
            if copied != expected or hasher.digest() != checksum.digest:
                raise Damaged
            os.lseek(piece, 0, os.SEEK_SET)
            self._copy(lambda size: os.read(piece, size), expected, self._fd)
            os.fsync(self._fd)
        finally:
            os.close(piece)
            aside.unlink(missing_ok=True)
        return self.length

    def replace_by(self, other: Path) -> None:
        """Put another finished file into this one's place."""
        other.replace(self.path)

    def move_to(self, delivery_id: UUID, file_id: UUID) -> None:
        """Give the file the name of another one."""
        self.path.replace(path_of(delivery_id, file_id))

    def remove(self) -> None:
        """Forget the file."""
        self.path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
