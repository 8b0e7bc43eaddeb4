"""Part 10 files written as a stream: a document or a video is copied in pieces, never held in memory."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO, Final

from pydicom.dataset import Dataset
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_dataset

from imaging.dicom import part10, uids
from imaging.dicom.errors import Truncated

_CHUNK: Final = 1024 * 1024
_PIXEL_DATA: Final = 0x7FE00010
_ENCAPSULATED_DOCUMENT: Final = 0x00420011
_LONG: Final = struct.Struct("<HH2sHL")
_ITEM: Final = struct.Struct("<HHL")
_UNDEFINED: Final = 0xFFFFFFFF


def write_fragments(
    out: BinaryIO, made: Dataset, *, transfer_syntax_uid: str, stream: BinaryIO, lengths: Sequence[int]
) -> None:
    """Write ``made`` with encapsulated pixel data (PS3.5 A.4): one fragment per code stream of ``stream``.

    Raises ``Truncated`` when the stream ends before the lengths say so.
    """
    _head(out, made, transfer_syntax_uid)
    _elements(out, made)
    out.write(_LONG.pack(_PIXEL_DATA >> 16, _PIXEL_DATA & 0xFFFF, b"OB", 0, _UNDEFINED))
    offsets = _offsets(lengths)
    out.write(_ITEM.pack(0xFFFE, 0xE000, len(offsets)) + offsets)
    for length in lengths:
        out.write(_ITEM.pack(0xFFFE, 0xE000, length + length % 2))
        _copy(stream, out, length)
    out.write(_ITEM.pack(0xFFFE, 0xE0DD, 0))


def write_document(out: BinaryIO, made: Dataset, *, transfer_syntax_uid: str, stream: BinaryIO, length: int) -> None:
    """Write ``made`` with the Encapsulated Document (0042,0011) from ``stream``. Raises ``Truncated``."""
    _head(out, made, transfer_syntax_uid)
    _elements(out, made[:_ENCAPSULATED_DOCUMENT])
    group, number = _ENCAPSULATED_DOCUMENT >> 16, _ENCAPSULATED_DOCUMENT & 0xFFFF
    out.write(_LONG.pack(group, number, b"OB", 0, length + length % 2))
    _copy(stream, out, length)
    _elements(out, made[_ENCAPSULATED_DOCUMENT:])


def write_dataset_file(out: BinaryIO, made: Dataset) -> None:
    """Write ``made``, which has neither pixels nor a document, in Explicit VR Little Endian."""
    _head(out, made, uids.EXPLICIT_VR_LITTLE_ENDIAN)
    _elements(out, made)


def _offsets(lengths: Sequence[int]) -> bytes:
    """The Basic Offset Table of several frames; empty for one, and where 32 bits are not enough."""
    offsets = [0]
    for length in lengths[:-1]:
        offsets.append(offsets[-1] + _ITEM.size + length + length % 2)
    if len(offsets) < 2 or offsets[-1] >= _UNDEFINED:
        return b""
    return struct.pack(f"<{len(offsets)}L", *offsets)


def _head(out: BinaryIO, made: Dataset, transfer_syntax_uid: str) -> None:
    out.write(
        part10.write_file_meta(
            sop_class_uid=str(made.SOPClassUID),
            sop_instance_uid=str(made.SOPInstanceUID),
            transfer_syntax_uid=transfer_syntax_uid,
        )
    )


def _elements(out: BinaryIO, part: Dataset) -> None:
    """Explicit VR Little Endian, which every encapsulated transfer syntax is."""
    target = DicomFileLike(out)
    target.is_little_endian = True
    target.is_implicit_VR = False
    write_dataset(target, part, "utf_8")


def _copy(stream: BinaryIO, out: BinaryIO, length: int) -> None:
    left = length
    while left:
        chunk = stream.read(min(_CHUNK, left))
        if not chunk:
            raise Truncated("the prepared material ends early")
        out.write(chunk)
        left -= len(chunk)
    if length % 2:
        out.write(b"\0")
