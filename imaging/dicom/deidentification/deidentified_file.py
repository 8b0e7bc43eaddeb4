"""A Part 10 file as its de-identified copy goes out: its length known before a byte is sent, its pixels copied from the source.

What lies behind the pixels in the source (padding, signatures, anything) does not go out, nor does its preamble.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from imaging.dicom import charset, corrected_file, corrections, part10, pixel_module
from imaging.dicom.correctable import text_of
from imaging.dicom.corrected_file import CorrectedFile
from imaging.dicom.corrections import Change
from imaging.dicom.deidentification import codestream_comments
from imaging.dicom.deidentification.deidentifier import CleanedHeader, Outcome, clean_header
from imaging.dicom.deidentification.elements import assembled, elements_of, items_of, made
from imaging.dicom.deidentification.identifiers import Identifiers
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.pseudonyms import Pseudonym
from imaging.dicom.deidentification.refusals import Refusal, Refused, Review
from imaging.dicom.element_parser import UNDEFINED
from imaging.dicom.element_text import ElementText
from imaging.dicom.element_writer import TEXT_VRS, ElementWriter, Piece, Span
from imaging.dicom.errors import Truncated
from imaging.dicom.fragments import Fragments, scan
from imaging.dicom.part10 import BulkValue, ParsedFile


@dataclass(frozen=True, slots=True)
class DeidentifiedFile:
    """What goes out, and what was done. ``sop_instance_uid`` is the copy's."""

    outgoing: CorrectedFile
    outcome: Outcome
    sop_instance_uid: str

    @property
    def length(self) -> int:
        """Bytes of the whole file."""
        return self.outgoing.length

    def read(self, file: BinaryIO, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` out of the received ``file``. Raises ``DicomError`` when it is damaged."""
        return self.outgoing.read(file, start, length)


def deidentify_file(
    file: BinaryIO, *, profile: Profile, key: bytes, pseudonym: Pseudonym, changes: Sequence[Change] = ()
) -> DeidentifiedFile:
    """How a stored file goes out de-identified, after its corrections. Reads the header and the heads of fragments only.

    Raises ``Refused`` for what cannot be cleaned surely, ``DicomError`` for a file that cannot be read.
    """
    parsed = part10.read_part10(file)
    header = clean_header(
        _put_over(parsed.dataset, changes),
        parsed.transfer_syntax_uid,
        profile=profile,
        key=key,
        pseudonym=pseudonym,
        bulk=parsed.bulk,
    )
    read = ElementText(header.outcome.dataset)
    sop_instance_uid = read.text(0x00080018, 64)
    head = part10.write_file_meta(
        sop_class_uid=read.text(0x00080016, 64),
        sop_instance_uid=sop_instance_uid,
        transfer_syntax_uid=parsed.transfer_syntax_uid,
    )
    fragments = _fragments(file, parsed)
    review = header.outcome.review | _reviews_of_frames(file, fragments, header.identifiers, profile)
    outgoing = corrected_file.outgoing(file, parsed, (head,), _body(parsed, header, fragments))
    return DeidentifiedFile(outgoing, replace(header.outcome, review=review), sop_instance_uid)


def _fragments(file: BinaryIO, parsed: ParsedFile) -> Fragments | None:
    if parsed.pixel_data_offset is None or parsed.pixel_data_length is not None:
        return None
    return scan(file, parsed, None)


def _reviews_of_frames(
    file: BinaryIO, fragments: Fragments | None, identifiers: Identifiers, profile: Profile
) -> frozenset[Review]:
    """Whether words in the frames want a person's eye. Raises ``Refused`` when they hold one of the source's identifiers."""
    if fragments is None:
        return frozenset()
    words = list(codestream_comments.of_frames(file, fragments.ranges))
    if any(identifiers.in_bytes(found) for found in words):
        raise Refused(Refusal.IDENTIFIERS_LEFT, "in the comments of compressed frames")
    if profile.clean_pixel_data or all(map(codestream_comments.is_of_an_encoder, words)):
        return frozenset()
    return frozenset({Review.COMMENT_IN_FRAMES})


def _put_over(dataset: Dataset, changes: Sequence[Change]) -> Dataset:
    """A parsed data set with the corrected values, in its own character set as far as that holds them."""
    if not changes:
        return dataset
    codecs = charset.encodings(ElementText(dataset).character_set.split("\\"))
    elements = dict(elements_of(dataset))
    for tag, element in corrections.merged(changes).items():
        name, text = str(element["vr"]), text_of(element)
        encoded = charset.encode(text, codecs) if name in TEXT_VRS else text.encode("ascii", "replace")
        if encoded is None:
            encoded = charset.encode(charset.reduced(text, codecs), codecs) or b""
        elements[int(tag, 16)] = made(int(tag, 16), name, encoded, dataset)
    return assembled(elements, dataset)


def _body(parsed: ParsedFile, header: CleanedHeader, fragments: Fragments | None) -> Iterator[Piece]:
    writer = ElementWriter(implicit=parsed.implicit_vr, little_endian=parsed.little_endian, encode=str.encode)
    yield from _written(header.outcome.dataset, writer, header.bulk, "")
    if parsed.pixel_tag is not None and parsed.pixel_data_offset is not None:
        yield from _pixels(parsed, parsed.pixel_tag, parsed.pixel_data_offset, fragments, writer)


def _written(dataset: Dataset, writer: ElementWriter, bulk: Mapping[str, BulkValue], path: str) -> Iterator[Piece]:
    """A cleaned data set in the encoding of its file."""
    for tag, element in elements_of(dataset):
        here = f"{path}{tag:08X}"
        if (large := bulk.get(here)) is not None:
            yield writer.head(tag, large.vr, large.length)
            yield Span(large.offset, large.offset + large.length)
        elif isinstance(element, RawDataElement):
            if element.is_little_endian != writer.little_endian:
                raise Refused(Refusal.UNREADABLE, "values in two byte orders")
            yield writer.raw(element)
        else:
            yield writer.sequence_head(tag)
            for number, item in enumerate(items_of(element)):
                yield writer.open_item()
                yield from _written(item, writer, bulk, f"{here}/{number}/")
                yield writer.close_item()
            yield writer.sequence_end()


def _pixels(
    parsed: ParsedFile, tag: int, offset: int, fragments: Fragments | None, writer: ElementWriter
) -> Iterator[Piece]:
    """The pixel data element and nothing behind it."""
    if fragments is not None:
        yield writer.head(tag, parsed.pixel_vr, UNDEFINED)
        yield Span(offset, sum(fragments.ranges[-1]) if fragments.ranges else fragments.origin)
        yield writer.sequence_end()
        return
    length = _length_of_frames(parsed, parsed.pixel_data_length or 0)
    if offset + length > parsed.data_end:
        raise Truncated("the file ends within its pixels", code="pixels_too_short")
    yield writer.head(tag, parsed.pixel_vr, length)
    yield Span(offset, offset + length)


def _length_of_frames(parsed: ParsedFile, length: int) -> int:
    """Bytes of the frames and their padding: what follows the last of them is no pixel. As given where that is not sure."""
    layout = pixel_module.Layout.of(parsed)
    # Some writers name subsampled colours and store whole ones.
    promised = 0 if layout.photometric_interpretation in pixel_module.SUBSAMPLED else layout.total_bytes
    return promised + promised % 2 if 0 < promised < length else length
