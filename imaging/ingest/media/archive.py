"""The entries of a zip, streamed: nothing is ever written under a name of theirs, and what they unpack to is bounded."""

import io
import stat
import tempfile
import weakref
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

from django.conf import settings

from imaging.ingest.media import kinds, names, zip_directory
from imaging.ingest.media.found import Found
from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.limits import Budget
from imaging.ingest.media.trouble import MediaError, NoRoom, Trouble
from imaging.storage import disk

#: A header fits into memory; what is read further is kept in a file without a name.
_IN_MEMORY: Final = 1024 * 1024
_CHUNK: Final = 256 * 1024
_ENCRYPTED: Final = 0x1 | 0x40
#: bzip2 and LZMA may unpack a small block to much memory at once; DICOM media use neither (PS3.12).
_PACKINGS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
#: Everything that `zipfile` raises for hostile bytes.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    KeyError,
    OverflowError,
)


class OpenZip:
    """A zip that stays open until the last of its entries is forgotten, so that threads may still read them."""

    def __init__(self, file: BinaryIO, budget: Budget) -> None:
        """Read the list of entries of ``file``, which is closed with this. Raises ``MediaError``."""
        self.budget = budget
        weakref.finalize(self, file.close)
        try:
            zip_directory.check(file, budget.limits)
            self.zip = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise MediaError(Trouble.DAMAGED) from error
        self.entries = self.zip.infolist()
        self._refuse_bomb(file)

    def _refuse_bomb(self, file: BinaryIO) -> None:
        limits = self.budget.limits
        promised = sum(entry.file_size for entry in self.entries)
        if promised > limits.ratio_from and promised > limits.ratio * max(1, file.seek(0, io.SEEK_END)):
            raise MediaError(Trouble.BOMB)

    def stream(self, entry: zipfile.ZipInfo) -> BinaryIO:
        """The unpacked bytes of an entry, never more than its list promises. Raises ``MediaError``."""
        return cast(BinaryIO, io.BufferedReader(_Entry(self, entry), _CHUNK))


class _Entry(io.RawIOBase):
    """The bytes of one entry; every fault of the archive is one error, and every byte is counted."""

    def __init__(self, archive: OpenZip, entry: zipfile.ZipInfo) -> None:
        self._archive = archive
        self._left = entry.file_size
        try:
            self._file = archive.zip.open(entry)
        except _DAMAGE as error:
            raise MediaError(Trouble.DAMAGED) from error

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._file.read(len(buffer))
        except _DAMAGE as error:
            raise MediaError(Trouble.DAMAGED) from error
        self._archive.budget.spend(len(chunk))
        self._left -= len(chunk)
        if self._left and not chunk and len(buffer):
            raise MediaError(Trouble.DAMAGED)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            self._file.close()
        super().close()


class _Seekable(io.RawIOBase):
    """A stream of known length that can be read anywhere; it is unpacked as far as it is read."""

    def __init__(self, stream: BinaryIO, length: int, scratch: Path | None) -> None:
        self._stream = stream
        self._length = length
        self._scratch = scratch
        self._at = 0
        self._unpacked = 0
        self._kept = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(scratch) if scratch else None)  # noqa: SIM115 -- closed in close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._unpack_to(min(self._at + len(buffer), self._length))
        self._kept.seek(self._at)
        chunk = self._kept.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)

    def _unpack_to(self, end: int) -> None:
        self._kept.seek(self._unpacked)
        while self._unpacked < end:
            chunk = self._stream.read(min(_CHUNK, end - self._unpacked))
            if not chunk:
                break
            _keep(chunk, self._kept, self._scratch if self._unpacked >= _IN_MEMORY else None)
            self._unpacked += len(chunk)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._kept.close()
        super().close()


def walk_zip(
    file: BinaryIO, budget: Budget, *, archive: Found | None = None, scratch: Path | None = None, depth: int = 1
) -> Iterator[Found]:
    """Every entry of a zip in the order of its list, and of the zips in it; each archive comes before what it holds.

    ``scratch`` is where inner archives are unpacked, in files without names. ``file`` is closed when no entry is left.
    Raises ``MediaError`` when the zip cannot be read at all, or the budget is spent; ``NoRoom``, also when an entry is read.
    """
    opened = OpenZip(file, budget)
    for position, entry in enumerate(opened.entries):
        if entry.filename.endswith("/"):
            continue
        budget.count_entry()
        found = _found(opened, entry, position, archive, scratch)
        if found.kind is Kind.ARCHIVE and found.trouble is None:
            yield from _inner(found, opened, budget, scratch, depth)
        else:
            yield found


def _inner(found: Found, opened: OpenZip, budget: Budget, scratch: Path | None, depth: int) -> Iterator[Found]:
    """An archive in an archive, and what it holds."""
    trouble: Trouble | None = Trouble.NESTED if depth >= budget.limits.depth else None
    contents: Iterator[Found] = iter(())
    first: Found | None = None
    if trouble is None:
        try:
            contents = walk_zip(_unpacked(found, scratch), budget, archive=found, scratch=scratch, depth=depth + 1)
            first = next(contents, None)
        except MediaError as error:
            trouble = error.trouble
            # The fault is the inner archive's alone, unless the whole budget is spent.
            budget.spend(0)
    if trouble is not None:
        yield Found(
            found.path, found.length, Kind.ARCHIVE, trouble=trouble, position=found.position, archive=found.archive
        )
        return
    yield found
    if first is not None:
        yield first
        yield from contents


def _unpacked(found: Found, scratch: Path | None) -> BinaryIO:
    kept = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 -- closed with the archive that reads it
    try:
        with found.stream() as stream:
            while chunk := stream.read(_CHUNK):
                _keep(chunk, kept, scratch)
    except (MediaError, NoRoom):
        kept.close()
        raise
    return cast(BinaryIO, kept)


def _keep(chunk: bytes, kept: IO[bytes], scratch: Path | None) -> None:
    """Write unpacked bytes to a file without a name. Raises ``NoRoom`` before they would touch the reserve of the disk."""
    if scratch is not None and disk.room(scratch, settings.SPOOL_RESERVE) < len(chunk):
        raise NoRoom
    try:
        kept.write(chunk)
    except OSError as error:
        raise NoRoom from error


def _found(
    opened: OpenZip, entry: zipfile.ZipInfo, position: int, archive: Found | None, scratch: Path | None
) -> Found:
    inside = f"{archive.path}/{entry.filename}" if archive is not None else entry.filename
    path, length = names.shown(inside), entry.file_size
    trouble = _about(entry, opened)
    if trouble is not None:
        kind = Kind.JUNK if trouble in {Trouble.UNSAFE_PATH, Trouble.SYMLINK, Trouble.SPECIAL} else Kind.DOCUMENT
        return Found(path, length, kind, trouble=trouble, position=position, archive=archive)
    try:
        with opened.stream(entry) as stream:
            kind, trouble = kinds.kind_of(path, stream.read(kinds.HEAD))
    except MediaError as error:
        if error.trouble is not Trouble.DAMAGED:
            raise
        return Found(path, length, Kind.DOCUMENT, trouble=error.trouble, position=position, archive=archive)
    return Found(
        path,
        length,
        kind,
        streamer=lambda: opened.stream(entry),
        opener=lambda: cast(BinaryIO, io.BufferedReader(_Seekable(opened.stream(entry), length, scratch), 64 * 1024)),
        trouble=trouble,
        position=position,
        archive=archive,
    )


def _about(entry: zipfile.ZipInfo, opened: OpenZip) -> Trouble | None:
    """What speaks against an entry by its description alone."""
    mode = entry.external_attr >> 16
    if names.is_unsafe(entry.filename):
        return Trouble.UNSAFE_PATH
    if stat.S_ISLNK(mode):
        return Trouble.SYMLINK
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        return Trouble.SPECIAL
    if entry.flag_bits & _ENCRYPTED:
        return Trouble.ENCRYPTED
    if entry.compress_type not in _PACKINGS:
        return Trouble.METHOD
    if entry.file_size > opened.budget.limits.entry_bytes:
        return Trouble.TOO_LARGE
    return None
