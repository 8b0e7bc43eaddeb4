"""A received Part 10 file with corrections put over its header, as it goes out: its length known before a byte is sent.

Everything that is not corrected is copied byte for byte out of the received file, the pixels included, however large they
are. Only when the object's character set cannot hold a corrected text, all its text goes out in UTF-8.
"""

from __future__ import annotations

import functools
import itertools
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from pydicom.dataelem import RawDataElement

from imaging.dicom import charset, corrections, json_values, part10
from imaging.dicom.byte_source import InflatingSource
from imaging.dicom.correctable import SOP_UID
from imaging.dicom.corrections import Change
from imaging.dicom.element_parser import CHARACTER_SET
from imaging.dicom.element_text import ElementText, stored
from imaging.dicom.element_writer import UTF_8, ElementWriter, Piece, Span, Transcoder
from imaging.dicom.errors import Truncated
from imaging.dicom.limits import DEFAULT_LIMITS
from imaging.dicom.part10 import ParsedFile

_CHUNK: Final = 256 * 1024
#: Gaps up to this are read over rather than jumped, so that a content read from end to end is verified on the way.
_READ_OVER: Final = 8 * 1024 * 1024
_ORIGINAL: Final = int(corrections.ORIGINAL_ATTRIBUTES, 16)
_INLINE_LIMIT: Final = 65536


@dataclass(frozen=True, slots=True)
class CorrectedFile:
    """What goes out: ``head`` is group 0002 with what is before it, ``body`` the data set. ``length`` in bytes."""

    head: tuple[Piece, ...]
    body: tuple[Piece, ...]
    length: int
    deflated_from: int | None = None

    def read(self, file: BinaryIO, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` out of the received ``file``. Raises ``DicomError`` when it is damaged."""
        left = self.length - start if length is None else length
        for chunk in self._chunks(file, start):
            piece = chunk[:left]
            left -= len(piece)
            if piece:
                yield piece
            if not left:
                return

    def _chunks(self, file: BinaryIO, start: int) -> Iterator[bytes]:
        if self.deflated_from is None:
            yield from _copied(file, (*self.head, *self.body), start)
            return
        for chunk in itertools.chain(
            _copied(file, self.head, 0), _deflated(_inflated(file, self.deflated_from, self.body))
        ):
            if start < len(chunk):
                yield chunk[start:]
            start = max(0, start - len(chunk))


def plan(file: BinaryIO, changes: Sequence[Change]) -> CorrectedFile:
    """How a stored file goes out with ``changes`` (at least one). Reads the header only, unless the data set is deflated.

    Raises ``DicomError`` when the file cannot be read.
    """
    parsed = part10.read_part10(file)
    return outgoing(file, parsed, _head(file, parsed, changes), _Header(parsed, changes).pieces())


def outgoing(file: BinaryIO, parsed: ParsedFile, head: tuple[Piece, ...], pieces: Iterable[Piece]) -> CorrectedFile:
    """A file of this ``head`` and a data set of these ``pieces``, deflated if the received one was."""
    body = _joined(pieces)
    length = sum(map(len, head))
    if not parsed.deflated:
        return CorrectedFile(head, body, length + sum(map(len, body)))
    length += sum(map(len, _deflated(_inflated(file, parsed.dataset_offset, body))))
    return CorrectedFile(head, body, length, parsed.dataset_offset)


class _Header:
    """The corrected data set of one file, as pieces."""

    def __init__(self, parsed: ParsedFile, changes: Sequence[Change]) -> None:
        self._parsed = parsed
        self._changes = changes
        terms = ElementText(parsed.dataset).character_set.split("\\")
        self._codecs = charset.encodings(terms)
        self._becomes_utf8 = not _holds(self._codecs, corrections.texts(changes))
        encode = functools.partial(_encoded, ("utf8",) if self._becomes_utf8 else self._codecs)
        self._writer = ElementWriter(implicit=parsed.implicit_vr, little_endian=parsed.little_endian, encode=encode)
        self._transcoder = Transcoder(self._writer, self._codecs, parsed.bulk)
        self._touched = corrections.touched_groups(changes)

    def pieces(self) -> Iterator[Piece]:
        """The data set from its first to its last byte, in the order of the received file."""
        parsed = self._parsed
        new = self._new()
        left = sorted(new)
        ends = [start for _tag, start in parsed.starts[1:]] + [parsed.header_end]
        last = {tag: number for number, (tag, _start) in enumerate(parsed.starts)}
        for number, ((tag, start), end) in enumerate(zip(parsed.starts, ends, strict=True)):
            while left and left[0] <= tag:
                yield from new[left.pop(0)]
            if tag in new or corrections.is_length(f"{tag:08X}", self._touched) or start == parsed.header_end:
                continue
            if self._becomes_utf8 and last[tag] != number:
                continue  # written twice: the last one is what counts when it is read
            yield from self._kept(tag, Span(start, end))
        for tag in left:
            yield from new[tag]
        yield Span(parsed.header_end, parsed.data_end)

    def _kept(self, tag: int, received: Span) -> list[Piece]:
        if not self._becomes_utf8 or f"{tag:08X}" in self._parsed.bulk:
            return [received]
        changed = self._transcoder.element(self._parsed.dataset, tag)
        return [received] if changed is None else changed

    def _new(self) -> dict[int, list[Piece]]:
        """The elements that take the place of received ones, or come to them."""
        merged = corrections.merged(self._changes)
        new: dict[int, list[Piece]] = {int(tag, 16): [self._writer.json(tag, merged[tag])] for tag in merged}
        if corrections.tells_before(self._changes):
            new[_ORIGINAL] = self._original()
        if self._becomes_utf8:
            new[CHARACTER_SET] = [self._writer.value(CHARACTER_SET, "CS", UTF_8)]
        return new

    def _original(self) -> list[Piece]:
        """Original Attributes Sequence: the items that came, and one for each change."""
        pieces: list[Piece] = [self._writer.sequence_head(_ORIGINAL)]
        known = stored(self._parsed.dataset, _ORIGINAL)
        if known is not None and known.VR == "SQ" and known.value:
            pieces += self._received_items()
        before: dict[str, bytes] = {}
        for change in self._changes:
            values = {
                tag: before.get(tag) or self._received(tag, str(change.attributes[tag]["vr"]))
                for tag in change.attributes
            }
            modified = self._writer.item(b"".join(values[tag] for tag in sorted(values)))
            number = int(corrections.MODIFIED_ATTRIBUTES, 16)
            content = self._writer.sequence_head(number) + modified + self._writer.sequence_end()
            if change.keeps_before:
                pieces.append(self._writer.item(content + self._writer.record(corrections.stamp(change))))
            before.update({tag: self._writer.json(tag, element) for tag, element in change.attributes.items()})
        return [*pieces, self._writer.sequence_end()]

    def _received_items(self) -> list[Piece]:
        """The items of the received sequence, without its head and its end."""
        changed = self._transcoder.element(self._parsed.dataset, _ORIGINAL) if self._becomes_utf8 else None
        pieces = changed or self._transcoder.copied(self._parsed.dataset, _ORIGINAL)
        return pieces[1:-1]

    def _received(self, tag: str, name: str) -> bytes:
        """The value as received, as an element of Modified Attributes Sequence; empty where it was absent."""
        number = int(tag, 16)
        element = stored(self._parsed.dataset, number)
        if not isinstance(element, RawDataElement) or tag in self._parsed.bulk:
            return self._writer.head(number, name, 0)
        if element.VR in json_values.WORDS and len(element.value or b"") > _INLINE_LIMIT:
            return self._writer.head(number, name, 0)
        changed = self._transcoder.element(self._parsed.dataset, number) if self._becomes_utf8 else None
        if changed and isinstance(changed[0], bytes):
            return changed[0]
        return self._writer.raw(element)


def _holds(codecs: charset.Encodings, texts: Iterable[str]) -> bool:
    return all(charset.encode(text, codecs) is not None for text in texts)


def _encoded(codecs: charset.Encodings, text: str) -> bytes:
    encoded = charset.encode(text, codecs)
    return text.encode() if encoded is None else encoded


def _joined(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Neighbours made one: most of a corrected header is one span before and one behind what changed."""
    joined: list[Piece] = []
    written: list[bytes] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            written.append(piece)
        elif len(piece):
            if any(written):
                joined.append(b"".join(written))
            written.clear()
            last = joined[-1] if joined else b""
            if isinstance(last, Span) and last.end == piece.start:
                joined[-1] = Span(last.start, piece.end)
            else:
                joined.append(piece)
    return (*joined, b"".join(written)) if any(written) else tuple(joined)


def _head(file: BinaryIO, parsed: ParsedFile, changes: Sequence[Change]) -> tuple[Piece, ...]:
    """Preamble, prefix and group 0002, which names the object too (PS3.10 table 7.1-1)."""
    uid = next((str(e.attributes[SOP_UID]["Value"][0]) for e in reversed(changes) if SOP_UID in e.attributes), "")
    if not uid:
        return (Span(0, parsed.dataset_offset),)
    file.seek(0)
    return (part10.renamed_file_meta(file.read(parsed.dataset_offset), uid),)


def _copied(file: BinaryIO, pieces: Iterable[Piece], start: int) -> Iterator[bytes]:
    """The pieces from byte ``start`` of what they come to."""
    position: int | None = None
    for piece in pieces:
        if start >= len(piece):
            start -= len(piece)
            continue
        if isinstance(piece, bytes):
            yield piece[start:]
        else:
            position = _go(file, position, piece.start + start)
            yield from _taken(file, piece.end - position)
            position = piece.end
        start = 0


def _go(file: BinaryIO, position: int | None, target: int) -> int:
    """Move forward, reading over what is left out."""
    if position is None:
        position = file.seek(0 if target <= _READ_OVER else target)
    if 0 <= target - position <= _READ_OVER:
        for _piece in _taken(file, target - position):
            pass
    else:
        file.seek(target)
    return target


def _taken(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        piece = file.read(min(_CHUNK, length))
        if not piece:
            raise Truncated("the stored file ends early")
        length -= len(piece)
        yield piece


def _inflated(file: BinaryIO, offset: int, pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The pieces out of the deflated data set that begins at ``offset``."""
    length = file.seek(0, 2)
    source = InflatingSource(file, offset, length, DEFAULT_LIMITS.inflated_bytes)
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        source.skip(piece.start - source.tell())
        left = len(piece)
        while left:
            taken = source.take(min(_CHUNK, left))
            left -= len(taken)
            yield taken


def _deflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A raw deflate stream of even length (PS3.5 annex A.5). The same input gives the same bytes."""
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    length = 0
    for chunk in chunks:
        packed = deflater.compress(chunk)
        length += len(packed)
        if packed:
            yield packed
    rest = deflater.flush()
    yield rest + b"\0" * ((length + len(rest)) % 2)
