"""The file system as a tier of the object store.

Any of Django's storage backends can be a tier (django-storages' S3 among them). A backend may offer more than
Django asks for, which ``tiers`` uses where it is there: ``write_durably``, ``link_in``, ``sync`` and ``read_range``.
"""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

_CHUNK = 1024 * 1024
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600
_FEW_FOLDERS = 4
_FSYNC_THREADS = 8
# Folders per process whose own names are known to be durable; all of one kind are 65,536.
_MOST_REMEMBERED = 100_000
# What a file system answers when it cannot link: another disk, no links at all, too many, or not permitted.
_CANNOT_LINK = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS})


@deconstructible(path="imaging.storage.backends.FilesystemTier")
class FilesystemTier(FileSystemStorage):
    """Files in a folder that only we can read, durable when ``sync`` has returned."""

    def __init__(self, location: str | os.PathLike[str], **options: Any) -> None:
        """Use the folder at ``location``, made when it is first written to."""
        options.setdefault("file_permissions_mode", _FILE_MODE)
        options.setdefault("directory_permissions_mode", _DIRECTORY_MODE)
        super().__init__(location=location, **options)
        self._durable: set[str] = set()

    def url(self, name: str | None) -> str:
        """Refuse: kept bytes have no address of their own; every reader comes through a door."""
        raise NotImplementedError(f"{name} has no URL")

    def write_durably(self, name: str, content: BinaryIO) -> None:
        """Write ``content`` under a temporary name, fsync it, and give it its name; ``sync`` makes the name durable."""
        target = self._target(name)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                while chunk := content.read(_CHUNK):
                    _write_all(file.fileno(), chunk)
                os.fsync(file.fileno())
            partial.replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()
            raise

    def link_in(self, path: Path, name: str) -> bool:
        """Give the fsynced file at ``path`` the name ``name`` too, without copying; ``sync`` makes the name durable.

        Returns False where the file system cannot link. A file that already has the name stays as it is.
        """
        target = self._target(name)
        try:
            os.link(path, target, follow_symlinks=False)
        except FileExistsError:
            return True
        except OSError as error:
            if error.errno in _CANNOT_LINK:
                return False
            raise
        return True

    def sync(self, names: Iterable[str]) -> None:
        """Make the names durable: the folder of each is fsynced once, and those above it once per process.

        Folders are never removed, so that one whose own name is durable stays so.
        """
        root = Path(self.location)
        folders = {self._path(name).parent for name in names}
        above: set[Path] = set()
        for folder in folders:
            if str(folder) not in self._durable:
                above.update(parent for parent in folder.parents if parent.is_relative_to(root))
        todo = sorted(folders | above, key=lambda path: len(path.parts), reverse=True)
        if len(todo) <= _FEW_FOLDERS:
            for folder in todo:
                _fsync_folder(folder)
        else:
            # The wait is the disk's: asked for together, the folders share the commits of its journal.
            with ThreadPoolExecutor(_FSYNC_THREADS) as pool:
                list(pool.map(_fsync_folder, todo))
        if len(self._durable) > _MOST_REMEMBERED:
            self._durable.clear()
        self._durable.update(str(folder) for folder in folders)

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``; fewer at the end of the file."""
        descriptor = os.open(self._path(name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            parts: list[bytes] = []
            while length > 0 and (part := os.pread(descriptor, length, start)):
                parts.append(part)
                start += len(part)
                length -= len(part)
            return parts[0] if len(parts) == 1 else b"".join(parts)
        finally:
            os.close(descriptor)

    def last_read(self, name: str) -> datetime | None:
        """When the file was last read, to a day (most file systems write it down once a day); None when it is gone."""
        try:
            return datetime.fromtimestamp(self._path(name).stat().st_atime, UTC)
        except FileNotFoundError:
            return None

    def room(self) -> tuple[int, int]:
        """Return the bytes of the disk and those that are free; of the nearest folder there is, before the first write."""
        folder = Path(self.location)
        while not folder.exists():
            folder = folder.parent
        usage = shutil.disk_usage(folder)
        return usage.total, usage.free

    def _path(self, name: str) -> Path:
        try:
            return Path(self.path(name))
        except SuspiciousFileOperation as error:
            raise FileNotFoundError(errno.ENOENT, "outside the tier") from error

    def _target(self, name: str) -> Path:
        target = self._path(name)
        if not target.parent.is_dir():
            _make_folders(target.parent)
        return target


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folders(folder: Path) -> None:
    """Make missing folders, each for us only (``mkdir(parents=True)`` would leave the upper ones to the umask)."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=_DIRECTORY_MODE)


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]
