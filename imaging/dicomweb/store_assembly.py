"""Instances that come as metadata and bulk data in parts of their own, put together on the disk (PS3.18 section 10.5.1).

Bulk data are written beside the spool as they come, and stand in the assembled object where the metadata left a gap of
their name. Only what came as a part can get there: nothing is fetched, and no name is ever a path. An instance is assembled
as soon as its last part is there, and what it needed is removed. Metadata come before the bulk data that they name.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from imaging.dicom import part10, uids
from imaging.dicomweb import store_metadata
from imaging.dicomweb.multipart_reader import MediaType, Part
from imaging.dicomweb.store_metadata import BadMetadata, Gap, Skeleton
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool, SpoolWriter

_CHUNK: Final = 256 * 1024
#: Each needs an open file.
_MOST_STAGED: Final = 256
_WAITING_OCTETS: Final = 64 * 1024 * 1024
_UNDEFINED: Final = 0xFFFFFFFF
_LONGEST_FRAGMENT: Final = 0xFFFFFFFE
_ITEM: Final = struct.Struct("<HHL")
_END: Final = _ITEM.pack(0xFFFE, 0xE0DD, 0)

#: What pixel data are that name no transfer syntax (PS3.18 table 8.7.3-5).
_SYNTAXES: Final = {
    "application/octet-stream": uids.EXPLICIT_VR_LITTLE_ENDIAN,
    "image/jpeg": uids.JPEG_LOSSLESS_SV1,
    "image/dicom-rle": uids.RLE_LOSSLESS,
    "image/x-dicom-rle": uids.RLE_LOSSLESS,
    "image/jls": uids.JPEG_LS_LOSSLESS,
    "image/x-jls": uids.JPEG_LS_LOSSLESS,
    "image/jp2": uids.JPEG_2000_LOSSLESS,
    "image/jpx": uids.JPEG_2000_PART_2_LOSSLESS,
    "image/jphc": uids.HTJ2K_LOSSLESS,
    "image/jxl": uids.JPEG_XL_LOSSLESS,
    "video/mpeg": "1.2.840.10008.1.2.4.100",
    "video/mp4": "1.2.840.10008.1.2.4.102",
}
_NATIVE: Final = frozenset({uids.IMPLICIT_VR_LITTLE_ENDIAN, uids.EXPLICIT_VR_LITTLE_ENDIAN})


class UnknownSyntax(ValueError):
    """Pixel data come in a transfer syntax that cannot stand in an assembled object."""


@dataclass(slots=True)
class Staged:
    """The parts of one name, one after the other in one file; ``lengths`` in octets."""

    writer: SpoolWriter
    lengths: list[int] = field(default_factory=list)
    users: int = 0

    def release(self) -> None:
        """Forget the file when nobody needs it any more."""
        self.users -= 1
        if self.users <= 0:
            self.writer.abort()


@dataclass(slots=True)
class Waiting:
    """One instance and what has come for it, by name."""

    skeleton: Skeleton
    staged: dict[str, Staged] = field(default_factory=dict)
    transfer_syntax_uid: str = uids.EXPLICIT_VR_LITTLE_ENDIAN

    @property
    def is_complete(self) -> bool:
        """Whether every gap can be filled."""
        return all(self._has(gap) for gap in self.skeleton.gaps)

    def _has(self, gap: Gap) -> bool:
        staged = self.staged.get(gap.location)
        return staged is not None and len(staged.lengths) >= self._parts_of(gap)

    def _parts_of(self, gap: Gap) -> int:
        """Compressed frames come as a part each (PS3.18 section 8.7.3.3.2); a video is one."""
        is_framed = gap.is_pixel_data and self.is_encapsulated and self.transfer_syntax_uid not in uids.VIDEO
        return self.skeleton.frames if is_framed else 1

    @property
    def is_encapsulated(self) -> bool:
        """Whether its pixels are fragments."""
        return self.transfer_syntax_uid not in _NATIVE

    def file(self) -> BinaryIO:
        """The object as a Part 10 file, made while it is read. Reading raises ``BadMetadata`` for what has no room."""
        return cast(BinaryIO, _Pieces(self._pieces()))

    def _pieces(self) -> Iterator[bytes]:
        yield part10.write_file_meta(
            sop_class_uid=self.skeleton.sop_class_uid,
            sop_instance_uid=self.skeleton.sop_instance_uid,
            transfer_syntax_uid=self.transfer_syntax_uid if self.is_encapsulated else uids.EXPLICIT_VR_LITTLE_ENDIAN,
        )
        for segment in self.skeleton.segments:
            if isinstance(segment, bytes):
                yield segment
            else:
                staged = self.staged[segment.location]
                with staged.writer.path.open("rb") as file:
                    if segment.is_pixel_data and self.is_encapsulated:
                        yield from _fragments(segment, file, staged.lengths)
                    else:
                        yield from _native(segment, file, sum(staged.lengths))

    def release(self) -> None:
        """Forget what came for it."""
        for staged in self.staged.values():
            staged.release()
        self.staged.clear()


class _Pieces:
    """A generator of bytes as something to read from: a piece at a time, whatever its size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int = -1, /) -> bytes:
        return next((piece for piece in self._pieces if piece), b"")


def _native(gap: Gap, file: BinaryIO, length: int) -> Iterator[bytes]:
    yield store_metadata.header_of(gap.tag, gap.vr, length + length % 2)
    yield from _read(file, length)
    if length % 2:
        yield store_metadata.padding_of(gap.vr)


def _fragments(gap: Gap, file: BinaryIO, lengths: list[int]) -> Iterator[bytes]:
    """Encapsulated pixel data with an empty offset table and a fragment per frame (PS3.5 annex A.4)."""
    yield store_metadata.header_of(gap.tag, "OB", _UNDEFINED) + _ITEM.pack(0xFFFE, 0xE000, 0)
    for length in lengths:
        if length > _LONGEST_FRAGMENT:
            raise BadMetadata("a frame is too long")
        yield _ITEM.pack(0xFFFE, 0xE000, length + length % 2)
        yield from _read(file, length)
        if length % 2:
            yield b"\0"
    yield _END


def _read(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        piece = file.read(min(_CHUNK, length))
        if not piece:
            raise BadMetadata("bulk data ended early")
        length -= len(piece)
        yield piece


class Assembler:
    """The instances of one request that wait for bulk data."""

    def __init__(self, spool: Spool, source: Source) -> None:
        """Stage beside ``spool``: a crash leaves partial files there, which are removed at start."""
        self._spool = spool
        self._source = source
        self._waiting: dict[str, list[Waiting]] = {}
        self._staged: dict[str, Staged] = {}
        self._octets = 0

    def expect(self, skeleton: Skeleton) -> Waiting:
        """Wait for the parts of an instance; it may be complete as it is. Raises ``BadMetadata`` when too much waits."""
        waiting = Waiting(skeleton)
        if waiting.is_complete:
            return waiting
        if self._octets + skeleton.octets > _WAITING_OCTETS:
            raise BadMetadata("too many instances wait for their bulk data")
        self._octets += skeleton.octets
        for location in {gap.location for gap in skeleton.gaps}:
            self._waiting.setdefault(location, []).append(waiting)
        return waiting

    def receive(self, part: Part) -> list[Waiting]:
        """Stage a part; the instances that are complete with it.

        Raises ``BadMetadata`` when no instance waits for it, ``UnknownSyntax``, ``BrokenBody`` and ``SpoolError``.
        """
        waiting = self._waiting.get(part.location, [])
        if not waiting:
            raise BadMetadata("no instance before it names this bulk data")
        syntax = _syntax_of(part.media_type())
        for instance in waiting:
            if any(gap.is_pixel_data and gap.location == part.location for gap in instance.skeleton.gaps):
                instance.transfer_syntax_uid = _usable(syntax)
        self._stage(part, waiting)
        complete = [instance for instance in waiting if instance.is_complete]
        for instance in complete:
            self._forget(instance)
        return complete

    def _stage(self, part: Part, waiting: list[Waiting]) -> None:
        staged = self._staged.get(part.location)
        if staged is None:
            if len(self._staged) >= _MOST_STAGED:
                raise BadMetadata("too many bulk data wait for the rest of their instances")
            staged = self._staged[part.location] = Staged(self._spool.begin(self._source))
        for instance in waiting:
            if part.location not in instance.staged:
                instance.staged[part.location] = staged
                staged.users += 1
        before = staged.writer.length
        while chunk := part.read(_CHUNK):
            staged.writer.write(chunk)
        staged.lengths.append(staged.writer.length - before)

    def _forget(self, instance: Waiting) -> None:
        self._octets -= instance.skeleton.octets
        for location in {gap.location for gap in instance.skeleton.gaps}:
            others = self._waiting[location]
            others.remove(instance)
            if not others:
                del self._waiting[location]
                # Its file lives until the last instance that uses it has been read.
                self._staged.pop(location, None)

    def reject(self, location: str) -> list[Skeleton]:
        """Forget the instances that wait for this name, which can never be complete."""
        rejected = list(self._waiting.get(location, []))
        for instance in rejected:
            self._forget(instance)
            instance.release()
        return [instance.skeleton for instance in rejected]

    def abandon(self) -> list[Skeleton]:
        """Forget what is not complete; the instances that miss something."""
        left = {id(instance): instance for waiting in self._waiting.values() for instance in waiting}
        for instance in left.values():
            instance.release()
        for staged in self._staged.values():
            staged.writer.abort()
        self._waiting.clear()
        self._staged.clear()
        return [instance.skeleton for instance in left.values()]


def _syntax_of(media_type: MediaType) -> str:
    return media_type.parameters.get("transfer-syntax") or _SYNTAXES.get(media_type.name, "")


def _usable(transfer_syntax_uid: str) -> str:
    """The transfer syntax of pixel data that an assembled object can have. Raises ``UnknownSyntax``."""
    is_known = uids.is_known_transfer_syntax(transfer_syntax_uid)
    if transfer_syntax_uid in _NATIVE or (is_known and uids.is_encapsulated(transfer_syntax_uid)):
        return transfer_syntax_uid
    raise UnknownSyntax
