"""DICOM Part 10 files: read safely up to the pixels, written, digested (PS3.10 section 7)."""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset

from imaging.dicom import uids, vr
from imaging.dicom.byte_source import ByteSource, FileSource, InflatingSource
from imaging.dicom.element_parser import BulkValue, ElementParser
from imaging.dicom.errors import Malformed, NotDicom, Truncated
from imaging.dicom.limits import DEFAULT_LIMITS, Limits

__all__ = [
    "BulkValue",
    "DatasetDigest",
    "FileMeta",
    "ParsedFile",
    "dataset_digest",
    "parse_dataset",
    "read_file_meta",
    "read_part10",
    "write_file_meta",
]

PREAMBLE_LENGTH = 128
PREFIX = b"DICM"
#: How a preamble begins that makes the file a TIFF too (PS3.10 section 7.1): classic and BigTIFF, in either byte order.
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

#: Under UUID-derived root (PS3.5 annex B.2): made once for this software.
IMPLEMENTATION_CLASS_UID = "2.25.243095462811740382956330108524406110187"
IMPLEMENTATION_VERSION_NAME = "NEGATOSCOPE"

_COPY_CHUNK = 1024 * 1024
_EXPLICIT_HEAD = struct.Struct("<HH2sH")


@dataclass(frozen=True, slots=True)
class FileMeta:
    """Group 0002 as found in a file."""

    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    transfer_syntax_uid: str
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    source_ae_title: str = ""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A Part 10 file read up to its pixels.

    ``length`` is the file's, ``dataset_offset`` its first byte after group 0002. ``pixel_data_offset`` is the first byte of
    the pixel data's value, ``pixel_data_length`` None when fragments follow. For a deflated file the offsets of pixels and
    of ``bulk`` count *inflated* bytes, and ``inflated_length`` says how many there are. ``starts`` are tag and first byte of
    each element on the top level in the order of the file, and ``header_end`` is where the pixels' element begins, or where
    the last element ends.
    """

    dataset: Dataset
    meta: FileMeta
    transfer_syntax_uid: str
    dataset_offset: int
    length: int
    pixel_data_offset: int | None = None
    pixel_data_length: int | None = None
    pixel_tag: int | None = None
    pixel_vr: str = ""
    bulk: Mapping[str, BulkValue] = field(default_factory=dict)
    inflated_length: int | None = None
    implicit_vr: bool = False
    starts: Sequence[tuple[int, int]] = ()
    header_end: int = 0

    @property
    def has_pixels(self) -> bool:
        """Whether a pixel data element is there (it may still be empty)."""
        return self.pixel_data_offset is not None

    @property
    def little_endian(self) -> bool:
        """Byte order of the data set."""
        return self.transfer_syntax_uid != uids.EXPLICIT_VR_BIG_ENDIAN

    @property
    def deflated(self) -> bool:
        """Whether the data set as a whole is deflated."""
        return self.inflated_length is not None

    @property
    def data_end(self) -> int:
        """End of the bytes that offsets count in."""
        return self.length if self.inflated_length is None else self.inflated_length


def read_part10(source: str | PathLike[str] | BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> ParsedFile:
    """Parse a stored file (a path or a seekable binary file) without its pixels.

    Raises ``NotDicom``, ``Truncated`` or ``Malformed``, and nothing else for any bytes; time and memory are bounded by
    ``limits``.
    """
    opened: AbstractContextManager[BinaryIO]
    if isinstance(source, (str, PathLike)):
        opened = Path(source).open("rb")  # noqa: SIM115 - closed by the with statement below
    else:
        opened = nullcontext(source)
    with opened as file:
        length = file.seek(0, os.SEEK_END)
        meta, offset = read_file_meta(file, length, limits=limits)
        return parse_dataset(file, meta, offset, length, limits=limits)


def read_file_meta(file: BinaryIO, length: int, *, limits: Limits = DEFAULT_LIMITS) -> tuple[FileMeta, int]:
    """Group 0002 and the offset of the data set after it. The preamble is never looked at: it may be anything."""
    file.seek(0)
    head = file.read(PREAMBLE_LENGTH + len(PREFIX))
    if head[PREAMBLE_LENGTH:] != PREFIX:
        raise NotDicom("no DICM prefix at byte 128")
    values: dict[int, str] = {}
    source = FileSource(file, len(head), length)
    # The group length is often wrong, so that the end is where another group begins.
    while (start := source.peek(8)) and start[:2] == b"\x02\x00":
        tag, value = _meta_element(source, start, limits)
        values[tag] = value
    meta = FileMeta(
        media_storage_sop_class_uid=values.get(0x00020002, ""),
        media_storage_sop_instance_uid=values.get(0x00020003, ""),
        transfer_syntax_uid=values.get(0x00020010, ""),
        implementation_class_uid=values.get(0x00020012, ""),
        implementation_version_name=values.get(0x00020013, ""),
        source_ae_title=values.get(0x00020016, ""),
    )
    if not meta.transfer_syntax_uid:
        raise NotDicom("the file meta group names no transfer syntax", code="missing_transfer_syntax")
    return meta, source.tell()


def _meta_element(source: FileSource, start: bytes, limits: Limits) -> tuple[int, str]:
    if len(start) < 8:
        raise Truncated("the file ends within group 0002")
    _, number, code, size = _EXPLICIT_HEAD.unpack(source.take(8))
    if code not in vr.KNOWN:
        raise Malformed("group 0002 is not Explicit VR Little Endian", code="broken_file_meta")
    if code not in vr.SHORT_LENGTH:
        size = int.from_bytes(source.take(4), "little")
    if source.tell() + size > limits.meta_bytes:
        source.require(size)
        raise Malformed("group 0002 is too large", code="header_too_large")
    text = source.take(size).decode("ascii", "replace")
    return 0x00020000 | number, text.strip("\0 ")


def parse_dataset(
    file: BinaryIO, meta: FileMeta, offset: int, length: int, *, limits: Limits = DEFAULT_LIMITS
) -> ParsedFile:
    """Parse the data set that begins at ``offset`` of ``file`` and ends at ``length``."""
    syntax = meta.transfer_syntax_uid
    source: ByteSource
    if syntax == uids.DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN:
        source = InflatingSource(file, offset, length, limits.inflated_bytes)
    else:
        source = FileSource(file, offset, length)
    little = syntax != uids.EXPLICIT_VR_BIG_ENDIAN
    implicit = _is_implicit(source.peek(8), declared=syntax == uids.IMPLICIT_VR_LITTLE_ENDIAN)
    parser = ElementParser(source, implicit=implicit, little_endian=little, limits=limits)
    dataset = parser.parse()
    pixel, header_end = parser.pixel, source.tell()
    inflated = None
    if isinstance(source, InflatingSource):
        inflated = source.drain()
        if not source.complete:
            raise Truncated("the deflated data set ends early")
    return ParsedFile(
        dataset=dataset,
        meta=meta,
        transfer_syntax_uid=syntax,
        dataset_offset=offset,
        length=length,
        pixel_data_offset=pixel.offset if pixel else None,
        pixel_data_length=pixel.length if pixel else None,
        pixel_tag=pixel.tag if pixel else None,
        pixel_vr=pixel.vr if pixel else "",
        bulk=parser.bulk,
        inflated_length=inflated,
        implicit_vr=implicit,
        starts=parser.starts,
        header_end=parser.starts[-1][1] if pixel else header_end,
    )


def _is_implicit(head: bytes, *, declared: bool) -> bool:
    """What the first element really is: some writers name the wrong VR encoding in group 0002."""
    if len(head) < 8:
        return declared
    code = head[4:6]
    if declared:
        # Bytes 4 and 5 as a length of 0x4141 and more in the very first element would be extraordinary.
        return code not in vr.KNOWN
    return not (b"AA" <= code <= b"ZZ")


def write_file_meta(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str = "",
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID,
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME,
) -> bytes:
    """Preamble of zeros, prefix and group 0002, to be followed by the data set's bytes as received."""
    elements = _meta_bytes(0x0001, b"OB", b"\x00\x01")
    elements += _meta_uid(0x0002, sop_class_uid)
    elements += _meta_uid(0x0003, sop_instance_uid)
    elements += _meta_uid(0x0010, transfer_syntax_uid)
    elements += _meta_uid(0x0012, implementation_class_uid)
    if implementation_version_name:
        elements += _meta_text(0x0013, b"SH", implementation_version_name[:16])
    if source_ae_title:
        elements += _meta_text(0x0016, b"AE", source_ae_title[:16])
    group_length = _meta_bytes(0x0000, b"UL", struct.pack("<L", len(elements)))
    return bytes(PREAMBLE_LENGTH) + PREFIX + group_length + elements


def renamed_file_meta(head: bytes, sop_instance_uid: str) -> bytes:
    """Preamble, prefix and group 0002 as they are, but for Media Storage SOP Instance UID and the group's length."""
    at, kept = PREAMBLE_LENGTH + len(PREFIX), [_meta_uid(0x0003, sop_instance_uid)]
    while at + 8 <= len(head):
        _, number, code, size = _EXPLICIT_HEAD.unpack_from(head, at)
        begin = at
        at += 8 + size
        if code not in vr.SHORT_LENGTH:
            at = begin + 12 + int.from_bytes(head[begin + 8 : begin + 12], "little")
        if number not in {0x0000, 0x0003}:
            kept.append(head[begin:at])
    kept.sort(key=lambda element: element[2:4][::-1])
    elements = b"".join(kept)
    group_length = _meta_bytes(0x0000, b"UL", struct.pack("<L", len(elements)))
    return head[: PREAMBLE_LENGTH + len(PREFIX)] + group_length + elements


def harmless(head: bytes) -> bytes:
    """The beginning of a file (the whole preamble at least) with a preamble that no other program runs or opens.

    Zeros, unless the file says that it is a TIFF as well: a preamble may be the head of a program (CVE-2019-11687).
    """
    preamble = head[:PREAMBLE_LENGTH]
    return head if preamble.startswith(_TIFF) or not any(preamble) else bytes(PREAMBLE_LENGTH) + head[PREAMBLE_LENGTH:]


def _meta_uid(number: int, value: str) -> bytes:
    encoded = value.encode("ascii", "replace")[:64]
    return _meta_bytes(number, b"UI", encoded + b"\0" * (len(encoded) % 2))


def _meta_text(number: int, code: bytes, value: str) -> bytes:
    encoded = value.encode("ascii", "replace")
    return _meta_bytes(number, code, encoded + b" " * (len(encoded) % 2))


def _meta_bytes(number: int, code: bytes, value: bytes) -> bytes:
    if code in vr.SHORT_LENGTH:
        return _EXPLICIT_HEAD.pack(0x0002, number, code, len(value)) + value
    return _EXPLICIT_HEAD.pack(0x0002, number, code, 0) + struct.pack("<L", len(value)) + value


class DatasetDigest:
    """SHA-256 over a data set's bytes and its transfer syntax: decides duplicate or conflict, the same at every door.

    Feed the bytes that follow group 0002 while they are spooled; the transfer syntax is added at the end, so that it may
    also be given to ``hexdigest`` once it is known.
    """

    def __init__(self, transfer_syntax_uid: str = "") -> None:
        """Begin an empty digest."""
        self._transfer_syntax_uid = transfer_syntax_uid
        self._hash = hashlib.sha256()

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add data set bytes as received, in order."""
        self._hash.update(chunk)

    def hexdigest(self, transfer_syntax_uid: str = "") -> str:
        """64 hexadecimal digits for everything fed so far."""
        finished = self._hash.copy()
        finished.update(b"\0" + (transfer_syntax_uid or self._transfer_syntax_uid).encode("ascii", "replace"))
        return finished.hexdigest()


def dataset_digest(stream: BinaryIO, transfer_syntax_uid: str) -> str:
    """Digest of a stream that stands at the first byte of the data set, read to its end."""
    digest = DatasetDigest(transfer_syntax_uid)
    while chunk := stream.read(_COPY_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
