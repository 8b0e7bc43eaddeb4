"""Elements and files written by hand, so that they may be wrong in every way that a library would refuse to write."""

import struct
from collections.abc import Iterable

ROOT = "1.2.826.0.1.3680043.10.9"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
RLE = "1.2.840.10008.1.2.5"

_LONG_FORM = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
UNDEFINED = 0xFFFFFFFF

Element = tuple[int, bytes, bytes]


def element(tag: int, vr: bytes, value: bytes, *, length: int | None = None) -> bytes:
    """One element in explicit VR little endian; ``length`` may claim another length than the value has."""
    said = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if vr in _LONG_FORM:
        return head + vr + b"\0\0" + struct.pack("<I", said) + value
    return head + vr + struct.pack("<H", said & 0xFFFF) + value


def text(value: str, *, encoding: str = "utf-8", pad: bytes = b" ") -> bytes:
    """A text value of even length."""
    octets = value.encode(encoding)
    return octets + pad if len(octets) % 2 else octets


def item(content: bytes, *, length: int | None = None) -> bytes:
    """One item of a sequence."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content) if length is None else length) + content


def file_meta(*, sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """Group 0002 with its group length."""
    group = b"".join(
        [
            element(0x00020001, b"OB", b"\0\1"),
            element(0x00020002, b"UI", text(sop_class, pad=b"\0")),
            element(0x00020003, b"UI", text(sop_instance, pad=b"\0")),
            element(0x00020010, b"UI", text(transfer_syntax, pad=b"\0")),
            element(0x00020012, b"UI", text(f"{ROOT}.1", pad=b"\0")),
        ]
    )
    return element(0x00020000, b"UL", struct.pack("<I", len(group))) + group


def part10(
    data_set: bytes,
    *,
    sop_instance: str,
    sop_class: str = CT_IMAGE,
    transfer_syntax: str = EXPLICIT_LE,
    preamble: bytes = b"",
) -> bytes:
    """A whole file; ``preamble`` fills the first 128 bytes as far as it goes."""
    meta = file_meta(sop_class=sop_class, sop_instance=sop_instance, transfer_syntax=transfer_syntax)
    return preamble[:128].ljust(128, b"\0") + b"DICM" + meta + data_set


def uid(number: int, branch: int = 0) -> str:
    """A UID of this corpus."""
    return f"{ROOT}.{branch}.{number}"


def image(number: int, *, study: int | None = None, pixels: bytes | None = None) -> dict[int, Element]:
    """The elements of a small valid CT image by tag; cases change, add and leave out."""
    pixels = bytes(range(128)) if pixels is None else pixels
    study = number if study is None else study
    us = struct.Struct("<H").pack
    rows: Iterable[Element] = [
        (0x00080005, b"CS", text("ISO_IR 192")),
        (0x00080016, b"UI", text(CT_IMAGE, pad=b"\0")),
        (0x00080018, b"UI", text(uid(number, 1), pad=b"\0")),
        (0x00080020, b"DA", b"20261122"),
        (0x00080030, b"TM", b"101500"),
        (0x00080050, b"SH", text(f"H{number}")),
        (0x00080060, b"CS", b"CT"),
        (0x00081030, b"LO", text("hostile corpus")),
        (0x00100010, b"PN", text(f"Corpus^Case{number}")),
        (0x00100020, b"LO", text(f"HOSTILE-{study}")),
        (0x00100030, b"DA", b"19700101"),
        (0x00100040, b"CS", b"O "),
        (0x0020000D, b"UI", text(uid(study, 2), pad=b"\0")),
        (0x0020000E, b"UI", text(uid(study, 3), pad=b"\0")),
        (0x00200011, b"IS", b"1 "),
        (0x00200013, b"IS", text(str(number % 1000))),
        (0x00280002, b"US", us(1)),
        (0x00280004, b"CS", text("MONOCHROME2")),
        (0x00280010, b"US", us(8)),
        (0x00280011, b"US", us(8)),
        (0x00280100, b"US", us(16)),
        (0x00280101, b"US", us(12)),
        (0x00280102, b"US", us(11)),
        (0x00280103, b"US", us(0)),
        (0x7FE00010, b"OW", pixels),
    ]
    return {row[0]: row for row in rows}


def encode(elements: dict[int, Element]) -> bytes:
    """The data set in ascending order of tags."""
    return b"".join(element(*row) for _tag, row in sorted(elements.items()))


def encode_implicit(elements: dict[int, Element]) -> bytes:
    """The same in implicit VR little endian."""
    return b"".join(
        struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value
        for tag, (_tag, _vr, value) in sorted(elements.items())
    )


def file_of(number: int, changes: dict[int, Element | None] | None = None, **options: object) -> bytes:
    """A file of ``image(number)`` with elements put in the place of others, or left out (None)."""
    elements = image(number)
    for tag, row in (changes or {}).items():
        if row is None:
            elements.pop(tag, None)
        else:
            elements[tag] = row
    return part10(encode(elements), sop_instance=uid(number, 1), **options)  # type: ignore[arg-type]
