"""A DICOMDIR, written from facts that are known already: no object is opened for it (PS3.3 annex F, PS3.10 section 8).

Records are given depth first, each with its level: 1 patient, 2 study, 3 series, 4 object. The encoding is Explicit VR Little
Endian (PS3.10 section 8.6); a record with anything beyond ASCII is in UTF-8. The same facts give the same bytes.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imaging.dicom import part10, uids
from imaging.dicom.element_writer import TEXT_VRS, UTF_8, ElementWriter

#: One element: tag, VR, and a text, a number (VR US), or the items of a sequence.
Element = tuple[int, str, Any]
Elements = Sequence[Element]

#: Private Record UID (0004,1432) of objects whose SOP class no standard knows: who reads the disc may pass them over.
PRIVATE_RECORD: Final = "2.25.302814573146290817340615726340981236405"

#: Characters of one value (PS3.5 table 6.2-1); a longer one is cut, since the index of a disc need not hold all of it.
_LONGEST: Final = {"CS": 16, "DA": 8, "DT": 26, "IS": 12, "LO": 64, "SH": 16, "TM": 16, "UI": 64}
_LONGEST_TEXT: Final = 1024
_LONGEST_NAME_GROUP: Final = 64
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_FILE_ID_PART: Final = re.compile(r"[A-Z0-9_]{1,8}")
_CHARACTER_SET: Final = 0x00080005
#: Record In-use Flag (0004,1410): always so (PS3.3 table F.3-3).
_IN_USE: Final = 0xFFFF
_ITEM_HEAD: Final = 8
_WRITER: Final = ElementWriter(implicit=False, little_endian=True, encode=str.encode)


@dataclass(frozen=True, slots=True)
class Referenced:
    """The file of a record: its file ID (PS3.10 section 8.2) and what it holds."""

    file_id: tuple[str, ...]
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a file ID that no disc may have."""
        if not 1 <= len(self.file_id) <= 8 or not all(_FILE_ID_PART.fullmatch(part) for part in self.file_id):
            raise ValueError("a file ID has 1 to 8 parts of 1 to 8 characters A-Z, 0-9 and _")


class DirectoryWriter:
    """Takes records in the order of the tree and gives the file. Holds a few hundred bytes for each."""

    def __init__(self, *, instance_uid: str, file_set_id: str) -> None:
        """Name the directory: ``instance_uid`` is a UID of its own, ``file_set_id`` has at most 16 characters."""
        self._instance_uid = instance_uid
        self._file_set_id = file_set_id
        self._levels: list[int] = []
        self._bodies: list[bytes] = []

    def add(self, level: int, kind: str, elements: Elements, referenced: Referenced | None = None) -> None:
        """Add a record of ``level`` below the last one of the level above; ``kind`` is its Directory Record Type."""
        own: list[Element] = [(0x00041430, "CS", kind)]
        if kind == "PRIVATE":
            own.append((0x00041432, "UI", PRIVATE_RECORD))
        if referenced is not None:
            own += [
                (0x00041510, "UI", referenced.sop_class_uid),
                (0x00041511, "UI", referenced.sop_instance_uid),
                (0x00041512, "UI", referenced.transfer_syntax_uid),
            ]
        written = {element[0]: _element(*element) for element in (*own, *elements)}
        if referenced is not None:
            # Its parts are values: the backslash between them belongs there.
            written[0x00041500] = _WRITER.value(0x00041500, "CS", "\\".join(referenced.file_id).encode("ascii"))
        if any(_is_beyond_ascii(*element) for element in elements):
            written[_CHARACTER_SET] = _WRITER.value(_CHARACTER_SET, "CS", UTF_8)
        self._levels.append(level)
        self._bodies.append(b"".join(written[tag] for tag in sorted(written)))

    def content(self) -> bytes:
        """The whole file."""
        head = part10.write_file_meta(
            sop_class_uid=uids.MEDIA_STORAGE_DIRECTORY,
            sop_instance_uid=self._instance_uid,
            transfer_syntax_uid=uids.EXPLICIT_VR_LITTLE_ENDIAN,
        )
        # What stands before the records has the same length whatever it says.
        start = len(head) + len(self._file_set(0, 0, 0))
        links = len(_links(0, 0))
        places = list(_running(start, (_ITEM_HEAD + links + len(body) for body in self._bodies)))
        roots = [place for place, level in zip(places, self._levels, strict=False) if level == 1] or [0]
        out = io.BytesIO()
        out.write(head)
        out.write(self._file_set(roots[0], roots[-1], places[-1] - start))
        for following, lower, body in zip(*self._offsets(places), self._bodies, strict=True):
            out.write(_WRITER.item(_links(following, lower) + body))
        return out.getvalue()

    def _file_set(self, first: int, last: int, size: int) -> bytes:
        """The identification of the set and the head of the Directory Record Sequence (PS3.3 tables F.3-2 and F.3-3)."""
        return b"".join(
            (
                _element(0x00041130, "CS", self._file_set_id),
                _WRITER.value(0x00041200, "UL", struct.pack("<L", first)),
                _WRITER.value(0x00041202, "UL", struct.pack("<L", last)),
                _element(0x00041212, "US", 0),
                _WRITER.head(0x00041220, "SQ", size),
            )
        )

    def _offsets(self, places: Sequence[int]) -> tuple[list[int], list[int]]:
        """For each record where the next one of the same parent lies, and the first one below it; 0 for none."""
        following, lower = [0] * len(self._levels), [0] * len(self._levels)
        latest: dict[int, int] = {}
        for number, level in enumerate(self._levels):
            if level in latest:
                following[latest[level]] = places[number]
            elif number:
                lower[number - 1] = places[number]
            latest = {known: last for known, last in latest.items() if known < level}
            latest[level] = number
        return following, lower


def _links(following: int, lower: int) -> bytes:
    """The first elements of every record (PS3.3 table F.3-3)."""
    return b"".join(
        (
            _WRITER.value(0x00041400, "UL", struct.pack("<L", following)),
            _element(0x00041410, "US", _IN_USE),
            _WRITER.value(0x00041420, "UL", struct.pack("<L", lower)),
        )
    )


def _running(start: int, lengths: Iterable[int]) -> Iterator[int]:
    yield start
    for length in lengths:
        start += length
        yield start


def _element(tag: int, name: str, value: Any) -> bytes:
    if name == "US":
        return _WRITER.value(tag, name, struct.pack("<H", max(0, min(int(value), 0xFFFF))))
    if name == "SQ":
        items = b"".join(_WRITER.item(b"".join(_element(*inner) for inner in sorted(item))) for item in value)
        return _WRITER.sequence_head(tag) + items + _WRITER.sequence_end()
    text = _clean(name, str(value))
    return _WRITER.value(tag, name, text.encode() if name in TEXT_VRS else text.encode("ascii", "ignore"))


def _clean(name: str, text: str) -> str:
    """A value of its VR: no character that would end it, no longer than it may be."""
    text = _CONTROL.sub(" ", text).encode("utf-8", "ignore").decode()
    if name == "CS":
        text = re.sub(r"[^A-Z0-9 _]", "_", text.upper())
    if name == "PN":
        return "=".join(group[:_LONGEST_NAME_GROUP].strip() for group in text.split("=")[:3])
    return text[: _LONGEST.get(name, _LONGEST_TEXT)].strip()


def _is_beyond_ascii(_tag: int, name: str, value: Any) -> bool:
    if name == "SQ":
        return any(_is_beyond_ascii(*inner) for item in value for inner in item)
    return name in TEXT_VRS and not str(value).isascii()
