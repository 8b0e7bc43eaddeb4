"""Tiers by name, and what is asked of them. The only module that talks to storage backends.

A tier is an entry of ``STORAGES``. Django's ``Storage`` is enough; a backend that can do better (link, fsync, read a
range) says so by having the method.
"""

import contextlib
import errno
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, cast, runtime_checkable

from django.conf import settings
from django.core.files import File
from django.core.files.storage import InvalidStorageError, Storage, storages

from imaging.storage.errors import ObjectMissing, StorageFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@runtime_checkable
class ReadsRanges(Protocol):
    """A backend that reads a range without opening the whole (a file's pread, S3's Range header)."""

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """``length`` bytes from ``start``; fewer at the end."""


@runtime_checkable
class LinksFiles(Protocol):
    """A backend that can take a file of the spool without copying it."""

    def link_in(self, path: Path, name: str) -> bool:
        """Whether the file now has the name."""


@runtime_checkable
class WritesDurably(Protocol):
    """A backend with its own idea of a safe write."""

    def write_durably(self, name: str, content: BinaryIO) -> None:
        """Write all of ``content``, replacing what had the name."""


@runtime_checkable
class Syncs(Protocol):
    """A backend whose names become durable in a second step, once per batch."""

    def sync(self, names: Iterable[str]) -> None:
        """Make the names durable."""


@runtime_checkable
class Probes(Protocol):
    """A backend on the network, which can be asked whether it works."""

    def probe(self) -> None:
        """Write and read. Raises ``OSError`` that says what is wrong."""


@runtime_checkable
class KnowsReads(Protocol):
    """A backend that knows when a content was last read."""

    def last_read(self, name: str) -> datetime | None:
        """When, about; None when that is not known."""


@runtime_checkable
class KnowsRoom(Protocol):
    """A backend on a disk, which knows how full it is."""

    def room(self) -> tuple[int, int]:
        """Bytes in all, and bytes free."""


def copy_tiers() -> tuple[str, ...]:
    """Names of the tiers where contents are to end as well, copied there by the copier."""
    return tuple(settings.STORAGE_COPY_TIERS)


def write_tier() -> str:
    """Name of the tier that new contents are written to."""
    return settings.STORAGE_WRITE_TIER


def backend(name: str) -> Storage:
    """The backend of a tier. Raises ``ObjectMissing`` for a tier that is not configured (any more)."""
    try:
        return storages[name]
    except InvalidStorageError as error:
        raise ObjectMissing(f"tier {name} is not configured") from error


@contextlib.contextmanager
def _room() -> Iterator[None]:
    """Say in one word that there is no room."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull from error
        raise


def write(tier: str, name: str, content: BinaryIO) -> None:
    """Write a content under its name, replacing what was there. Raises ``StorageFull``."""
    store = backend(tier)
    with _room():
        if isinstance(store, WritesDurably):
            store.write_durably(name, content)
            return
        if store.exists(name):
            store.delete(name)
        saved = store.save(name, File(content, name=name))
    if saved != name:
        # Somebody wrote the same content in between: theirs has the name.
        store.delete(saved)


def link(tier: str, path: Path, name: str) -> bool:
    """Whether the tier could take the file by linking it."""
    store = backend(tier)
    if not isinstance(store, LinksFiles):
        return False
    with _room():
        return store.link_in(path, name)


def sync(tier: str, names: Iterable[str]) -> None:
    """Make written names durable, in one go for a batch."""
    store = backend(tier)
    if isinstance(store, Syncs):
        with _room():
            store.sync(names)


def size(tier: str, name: str) -> int | None:
    """Length in bytes of what has the name, or None."""
    try:
        return int(backend(tier).size(name))
    except FileNotFoundError:
        return None


def delete(tier: str, name: str) -> None:
    """Delete what has the name; what is not there is deleted already."""
    backend(tier).delete(name)


def probe(tier: str) -> None:
    """Ask a tier on the network whether it works. Raises ``OSError`` that says what is wrong."""
    store = backend(tier)
    if isinstance(store, Probes):
        store.probe()


def last_read(tier: str, name: str) -> datetime | None:
    """When a content was last read, as far as that is known."""
    store = backend(tier)
    return store.last_read(name) if isinstance(store, KnowsReads) else None


def room(tier: str) -> tuple[int, int] | None:
    """Bytes of the tier's disk in all, and those that are free; None where there is no such limit. Raises ``OSError``."""
    store = backend(tier)
    return store.room() if isinstance(store, KnowsRoom) else None


def open_for_reading(tier: str, name: str) -> BinaryIO:
    """A seekable file. Raises ``OSError`` when it is not there."""
    return cast("BinaryIO", backend(tier).open(name, "rb"))


def read_range(tier: str, name: str, start: int, length: int) -> bytes:
    """``length`` bytes from ``start``, fewer at the end. Raises ``OSError`` when the name is not there."""
    store = backend(tier)
    if isinstance(store, ReadsRanges):
        return store.read_range(name, start, length)
    with open_for_reading(tier, name) as file:
        file.seek(start)
        return file.read(length)
