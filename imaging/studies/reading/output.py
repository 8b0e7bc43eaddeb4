"""What is put over received bytes and headers on their way out, the same for every door (DESIGN 5.2).

Bytes are never rewritten where they lie. Corrections are put over headers and whole objects as they are sent; where frames
are served converted, the headers say what the frames are. What is not corrected goes out as it is stored, at no cost; only
the preamble of a file, which is no part of the object, never leaves as something that another program would run.
"""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from imaging.dicom import corrected_file, part10
from imaging.dicom.corrected_file import CorrectedFile
from imaging.dicom.corrections import Change, merged, overlay
from imaging.dicom.errors import DicomError
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import corrections

_PHOTOMETRIC, _SAMPLES = "00280004", "00280002"
_SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
# Image Pixel module of frames that were converted to colours (PS3.3 C.7.6.3).
_RGB: dict[str, dict[str, Any]] = {
    _SAMPLES: {"vr": "US", "Value": [3]},
    _PHOTOMETRIC: {"vr": "CS", "Value": ["RGB"]},
    "00280006": {"vr": "US", "Value": [0]},
    "00280100": {"vr": "US", "Value": [8]},
    "00280101": {"vr": "US", "Value": [8]},
    "00280102": {"vr": "US", "Value": [7]},
    "00280103": {"vr": "US", "Value": [0]},
}
#: Palette Color Lookup Tables (0028,11xx) and (0028,12xx): the colours are in the pixels now.
_PALETTES = ("002811", "002812")
_CHUNK: Final = 256 * 1024
#: Characters of the tag of an object: of one that goes out as stored, the first ones of its file's digest.
TAG_LENGTH: Final = 32
#: Part of every tag of a corrected object: another way of writing corrections is another object.
_WRITING: Final = 1
_WRITING_FOR_OUTSIDE: Final = "1 outside"


class OutputFile:
    """One object as it goes out: the stored bytes, with the corrections of its version put over its header.

    Its preamble is empty unless the file is a TIFF too.
    """

    def __init__(self, stored: StoredObject, changes: Sequence[Change]) -> None:
        """Nothing is read until it is asked for."""
        self._stored = stored
        self._changes = changes

    @property
    def is_corrected(self) -> bool:
        """Whether other bytes go out than were received; then ``length`` costs reading the header."""
        return bool(self._changes)

    @property
    def etag(self) -> str:
        """What changes whenever the bytes do, without quotation marks."""
        return _tag(self._stored, self._changes)

    @property
    def length(self) -> int:
        """Bytes that ``read`` gives from beginning to end. Raises the errors of ``storage``."""
        return self._plan.length if self._changes else self._stored.length

    def read(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` in pieces; nothing is opened before its turn. Errors of ``storage``."""
        left = self.length - start if length is None else length
        if start >= part10.PREAMBLE_LENGTH:
            yield from self._kept(start, left)
            return
        # What a preamble is, is told by how it begins.
        for piece in _harmless(self._kept(0, max(start + left, part10.PREAMBLE_LENGTH))):
            taken = piece[start : start + left]
            start = max(0, start - len(piece))
            left -= len(taken)
            if taken:
                yield taken

    def _kept(self, start: int, left: int) -> Iterator[bytes]:
        if not self._changes:
            yield from _stored_bytes(self._stored, start, left)
            return
        plan = self._plan
        try:
            with storage.open(self._stored) as file:
                for piece in plan.read(file, start, left):
                    left -= len(piece)
                    yield piece
        except DicomError as error:
            raise storage.ObjectDamaged(self._stored.file_sha256) from error
        if left:
            raise storage.ObjectDamaged(self._stored.file_sha256)

    @functools.cached_property
    def _plan(self) -> CorrectedFile:
        try:
            with storage.open(self._stored) as file:
                return corrected_file.plan(file, self._changes)
        except DicomError as error:
            raise storage.ObjectDamaged(self._stored.file_sha256) from error


def file_of(version: InstanceVersion, *, is_outside: bool = False) -> OutputFile:
    """The object of a version as it goes out; as ``files_of``."""
    return files_of([version], is_outside=is_outside)[0]


def files_of(versions: Sequence[InstanceVersion], *, is_outside: bool = False) -> list[OutputFile]:
    """The objects of versions as they go out, in order. One query when any of them is corrected, none otherwise.

    Those that go ``is_outside`` of the hospital do not tell what was corrected: they may have been filed under somebody else.
    """
    changes = corrections.changes_of(version.pk for version in versions if version.is_corrected)
    return [
        OutputFile(version.stored_object, as_told(changes.get(version.pk, ()), is_outside=is_outside))
        for version in versions
    ]


def as_told(changes: Sequence[Change], *, is_outside: bool) -> Sequence[Change]:
    """Corrections as who reads them may know them."""
    return [replace(change, keeps_before=False) for change in changes] if is_outside else changes


def corrected_tags(version: InstanceVersion) -> frozenset[str]:
    """The attributes of a version that go out other than they were received."""
    if not version.is_corrected:
        return frozenset()
    return frozenset(merged(corrections.changes_of([version.pk]).get(version.pk, ())))


def etag_of(version: InstanceVersion) -> str:
    """What changes whenever anything that is drawn or read of a version may, without quotation marks."""
    changes = corrections.changes_of([version.pk]) if version.is_corrected else {}
    return _tag(version.stored_object, changes.get(version.pk, ()))


def record(text: bytes, *, changes: Sequence[Change] = (), is_converted: bool = False) -> bytes:
    """The DICOM JSON of an instance as it goes out, of its line as received."""
    if changes:
        text = orjson.dumps(overlay(orjson.loads(text), changes))
    return of_converted_frames(text) if is_converted else text


def of_converted_frames(text: bytes) -> bytes:
    """The DICOM JSON of an instance whose frames are converted before they are served."""
    found = orjson.loads(text)
    if not _becomes_rgb(found):
        return text
    kept = {tag: value for tag, value in found.items() if not tag.startswith(_PALETTES)}
    return orjson.dumps(dict(sorted({**kept, **_RGB}.items())))


def _tag(stored: StoredObject, changes: Sequence[Change]) -> str:
    said = [(change.made_at.isoformat(), change.attributes, change.reason, change.source) for change in changes]
    if not said:
        return stored.file_sha256[:TAG_LENGTH]
    way = _WRITING if all(change.keeps_before for change in changes) else _WRITING_FOR_OUTSIDE
    text = orjson.dumps([way, stored.file_sha256, said], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:TAG_LENGTH]


def _stored_bytes(stored: StoredObject, start: int, length: int) -> Iterator[bytes]:
    with storage.open(stored) as file:
        file.seek(start)
        left = length
        while left:
            piece = file.read(min(_CHUNK, left))
            if not piece:
                raise storage.ObjectDamaged(stored.file_sha256)
            left -= len(piece)
            yield piece


def _harmless(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of a file from its first byte, without a preamble that could do harm."""
    head = b""
    for piece in pieces:
        if len(head) >= part10.PREAMBLE_LENGTH:
            yield piece
            continue
        head += piece
        if len(head) >= part10.PREAMBLE_LENGTH:
            yield part10.harmless(head)


def _becomes_rgb(found: dict[str, Any]) -> bool:
    photometric = _first(found, _PHOTOMETRIC)
    return photometric in {"PALETTE COLOR", "XYB"} or (photometric in _SUBSAMPLED and _first(found, _SAMPLES) == 3)


def _first(found: dict[str, Any], tag: str) -> Any:
    values = found.get(tag, {}).get("Value") or [None]
    return values[0]
