"""The write-ahead log of ingest: what lies in it survives a power cut, and success is said only after that (DESIGN 4.2).

An entry is one DICOM file in ``ready/`` whose *name* is its receipt: time of reception, sender, digest of the file, digest
of the data set. One rename publishes bytes and receipt together, so that there is one file to make durable, not two.
Bytes arrive in ``incoming/``; ``sources/`` holds one small record per sender.

Locks are the kernel's (flock): a writer holds its partial file, a registrar its claimed entry, and both are free again the
moment the process dies, however it dies.
"""

import base64
import fcntl
import hashlib
import itertools
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from imaging.dicom.part10 import DatasetDigest
from imaging.ingest.source import Source
from imaging.storage import disk

#: The free space is asked again after so many bytes, and kept free over the reserve, so that writers side by side respect it.
_CHECK_EVERY: Final = 16 * 1024 * 1024
#: A sender's record is written anew after this long, and removed when unused for `_SOURCE_KEPT`.
_SOURCE_FRESH: Final = 3600.0
_SOURCE_KEPT: Final = 86400.0
_PARTIAL_KEPT: Final = 10.0
_SUFFIX: Final = ".dcm"

_serial = itertools.count()


class SpoolError(Exception):
    """The bytes cannot be made durable now; nothing was kept, the sender keeps its copy."""


class SpoolFull(SpoolError):
    """Writing on would touch the reserve of the disk."""


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """One object that waits for registration; ``received_ns`` is in nanoseconds since 1970."""

    path: Path
    received_ns: int
    source_key: str
    file_sha256: str
    dataset_sha256: str

    @property
    def name(self) -> str:
        """The name, which is the receipt."""
        return self.path.name

    @classmethod
    def named(cls, path: Path) -> Self | None:
        """The entry of this path, or None when the name is no receipt."""
        parts = path.name.removesuffix(_SUFFIX).split(".")
        try:
            received, source_key, file_digest, dataset_digest = parts
            return cls(path, int(received, 16), source_key, _unpacked(file_digest), _unpacked(dataset_digest))
        except ValueError:
            return None


def _packed(hexdigest: str) -> str:
    """43 characters for the 64 of a SHA-256, so that a receipt fits a file name."""
    return base64.urlsafe_b64encode(bytes.fromhex(hexdigest)).decode().rstrip("=")


def _unpacked(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=").hex()


class Claim:
    """An entry that this process alone works on, until it is released or the process ends."""

    def __init__(self, entry: SpoolEntry, file: BinaryIO) -> None:
        """Keep the locked file open."""
        self.entry = entry
        self.file = file
        self.length = os.fstat(file.fileno()).st_size

    @property
    def is_held(self) -> bool:
        """Whether it was neither released nor given back."""
        return not self.file.closed

    def release(self) -> None:
        """Remove the entry: its bytes lie where they belong, and the transaction is committed."""
        self.entry.path.unlink(missing_ok=True)
        self.file.close()

    def give_back(self) -> None:
        """Leave the entry for another attempt."""
        self.file.close()


class SpoolWriter:
    """One object on its way in. ``write`` as the bytes come, then ``commit``; leaving the block without removes it."""

    def __init__(self, spool: "Spool", source_key: str, digest: DatasetDigest | None) -> None:
        """Open a partial file; see ``Spool.begin``."""
        self._spool = spool
        self._source_key = source_key
        self._file_digest = hashlib.sha256()
        self._dataset_digest = digest
        self._next_check = _CHECK_EVERY
        self._committed: SpoolEntry | None = None
        self.length = 0
        self.path = spool.incoming / f"{os.getpid()}-{next(_serial)}-{secrets.token_hex(4)}.part"
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolError(error.strerror or "the spool cannot be written") from error
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def write_head(self, head: bytes) -> None:
        """Preamble and file meta group: part of the file, not of the data set."""
        self._file_digest.update(head)
        self._append(memoryview(head))

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add bytes as received. Raises ``SpoolFull`` or ``SpoolError``."""
        self._file_digest.update(chunk)
        if self._dataset_digest is not None:
            self._dataset_digest.update(chunk)
        self._append(memoryview(chunk))

    def _append(self, view: memoryview) -> None:
        self.length += len(view)
        if self.length >= self._next_check:
            self._next_check = self.length + _CHECK_EVERY
            self._spool.check_reserve()
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            raise SpoolError(error.strerror or "the spool cannot be written") from error

    def commit(self, *, dataset_sha256: str = "", keep_claim: bool = False, received_ns: int = 0) -> SpoolEntry:
        """Make the bytes durable and publish the entry: after this, success may be said.

        ``received_ns`` is when they came first, for bytes that come out of quarantine; now by default.
        With ``keep_claim`` the entry stays locked by this process, so that no registrar takes it: see ``claim``.
        ``dataset_sha256`` is needed where the writer could not compute it (the transfer syntax came with the bytes).
        Raises ``SpoolError``.
        """
        digest = self._dataset_digest.hexdigest() if self._dataset_digest is not None else dataset_sha256
        try:
            self.sync()
            entry = self.publish(digest, received_ns or time.time_ns())
            self._spool.sync_ready()
        except OSError as error:
            self.withdraw()
            raise SpoolError(error.strerror or "the spool cannot be written") from error
        if not keep_claim:
            self._close()
        return entry

    def sync(self) -> None:
        """Make the bytes durable, not yet the entry. Raises OSError."""
        os.fsync(self._fd)

    def publish(self, dataset_sha256: str, received_ns: int) -> SpoolEntry:
        """Give the synced bytes their receipt as a name, which is durable after ``Spool.sync_ready``. Raises OSError."""
        file_sha256 = self._file_digest.hexdigest()
        parts = (f"{received_ns:016x}", self._source_key, _packed(file_sha256), _packed(dataset_sha256))
        path = self._spool.ready / (".".join(parts) + _SUFFIX)
        self.path.rename(path)
        self._committed = SpoolEntry(path, received_ns, self._source_key, file_sha256, dataset_sha256)
        return self._committed

    def withdraw(self) -> None:
        """Forget the bytes, under whatever name they lie."""
        if self._committed is not None:
            self._committed.path.unlink(missing_ok=True)
        self.abort()

    def claim(self) -> "Claim":
        """The committed entry, claimed by this process since before anybody else could see it: the lock moves along."""
        if self._committed is None or self._fd < 0:
            raise ValueError("nothing was committed with keep_claim")
        file = os.fdopen(self._fd, "rb", closefd=True)
        self._fd = -1
        return Claim(self._committed, file)

    def _close(self) -> None:
        os.close(self._fd)
        self._fd = -1

    def abort(self) -> None:
        """Forget the bytes: the sender was told, or is gone."""
        if self._fd >= 0:
            self.path.unlink(missing_ok=True)
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


class Spool:
    """The folder. ``reserve`` gives the bytes to keep free on a disk of so many bytes."""

    def __init__(self, folder: Path, reserve: Callable[[int], int]) -> None:
        """Make the folders where they are missing (0700)."""
        self.incoming, self.ready, self.sources = (folder / name for name in ("incoming", "ready", "sources"))
        self._reserve = reserve
        self._written: dict[str, float] = {}
        for place in (folder, self.incoming, self.ready, self.sources):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def begin(self, source: Source, *, digest: DatasetDigest | None = None) -> SpoolWriter:
        """Start an object. Without ``digest``, ``commit`` wants the data set's. Raises ``SpoolFull`` or ``SpoolError``."""
        self.check_reserve()
        key = source.key
        self._keep_source(key, source)
        return SpoolWriter(self, key, digest)

    def commit_together(self, written: Sequence[tuple[SpoolWriter, str]], *, received_ns: int = 0) -> list[Claim]:
        """Make several objects durable, each given with its data set's digest, and claim them for this process.

        The disk writes what they have in common once: many small objects are durable in a fraction of the time that
        they need one by one. Raises ``SpoolError``; then none of them was kept.
        """
        try:
            for writer, _digest in written:
                writer.sync()
            for writer, digest in written:
                writer.publish(digest, received_ns or time.time_ns())
            self.sync_ready()
        except OSError as error:
            for writer, _digest in written:
                writer.withdraw()
            raise SpoolError(error.strerror or "the spool cannot be written") from error
        return [writer.claim() for writer, _digest in written]

    def check_reserve(self) -> None:
        """Raise ``SpoolFull`` when writing on could touch the reserve."""
        if disk.room(self.ready, self._reserve) < _CHECK_EVERY:
            raise SpoolFull("the disk's reserve is reached")

    def _keep_source(self, key: str, source: Source) -> None:
        """Make the sender's record durable before the first entry that names it; refreshed, because idle ones are removed."""
        now = time.monotonic()
        if now - self._written.get(key, -_SOURCE_FRESH) < _SOURCE_FRESH:
            return
        path = self.sources / key
        partial = self.incoming / f"{key}-{os.getpid()}-{next(_serial)}.part"
        try:
            with partial.open("xb") as file:
                file.write(source.to_bytes())
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
            _sync_folder(self.sources)
        except OSError as error:
            raise SpoolError(error.strerror or "the spool cannot be written") from error
        self._written[key] = now

    def sync_ready(self) -> None:
        """Make the names in ``ready/`` durable."""
        _sync_folder(self.ready)

    def source_of(self, entry: SpoolEntry) -> Source:
        """The sender of an entry. Raises OSError, ValueError, KeyError or TypeError when its record is damaged."""
        return Source.from_bytes((self.sources / entry.source_key).read_bytes())

    def entries(self) -> list[SpoolEntry]:
        """What waits, oldest first."""
        with os.scandir(self.ready) as listing:
            names = sorted(item.name for item in listing)
        found = (SpoolEntry.named(self.ready / name) for name in names)
        return [entry for entry in found if entry is not None]

    def claim(self, entry: SpoolEntry) -> Claim | None:
        """Lock an entry for this process; None when another one has it or it is done. Raises OSError."""
        try:
            file = entry.path.open("rb")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between the listing and the lock another registrar may have finished and removed it.
            if entry.path.exists():
                return Claim(entry, file)
        except OSError:
            pass
        file.close()
        return None

    def tidy(self) -> int:
        """Remove what crashed writers left and records of senders without entries; returns how many partial files."""
        removed = 0
        for path in _older_than(self.incoming, _PARTIAL_KEPT):
            with suppress(OSError), path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed += 1
        idle = list(_older_than(self.sources, _SOURCE_KEPT))
        if idle:
            used = {entry.source_key for entry in self.entries()}
            for path in idle:
                if path.name not in used:
                    path.unlink(missing_ok=True)
        return removed


def _older_than(folder: Path, seconds: float) -> Iterator[Path]:
    limit = time.time() - seconds
    with os.scandir(folder) as listing:
        for item in listing:
            with suppress(FileNotFoundError):
                if item.stat().st_mtime < limit:
                    yield Path(item.path)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
