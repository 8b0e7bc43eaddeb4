"""Frames as they are stored, by range and without decoding: PS3.18 section 10.4.1.1.4, media types of table 8.7.3-5."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from imaging.dicom import frame_index, uids
from imaging.dicom.errors import DicomError
from imaging.dicomweb import answers, multipart, negotiation
from imaging.dicomweb.negotiation import MediaRange
from imaging.rendering import conversion, decoder
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import access
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import frames as study_frames

_MOST_FRAMES = 1000
_READ_FIRST = 16 * 1024 * 1024
_PIECE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Where the readable frames of a version lie, and how they are encoded."""

    content: StoredObject
    index: frame_index.FrameIndex

    @property
    def transfer_syntax_uid(self) -> str:
        """How each frame is encoded."""
        return self.content.transfer_syntax_uid

    @property
    def media_type(self) -> str:
        """The media type of each frame."""
        return frame_index.frame_media_type(self.transfer_syntax_uid)

    @property
    def part_type(self) -> str:
        """The media type with the transfer syntax, which viewers need to decode."""
        return f"{self.media_type}; transfer-syntax={self.transfer_syntax_uid}"

    def length(self, number: int) -> int:
        """Return the bytes of one frame."""
        return sum(length for _offset, length in self.index.ranges(number))

    def read(self, number: int) -> Iterator[bytes]:
        """Read one frame, when it is its turn, and never more of it at once than a piece: one frame may have gigabytes."""
        for ranges in _pieces(self.index.ranges(number)):
            yield b"".join(storage.read_ranges(self.content, ranges))


def _pieces(ranges: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Cut (offset, length) ranges into lists of at most `_PIECE` bytes, in order."""
    piece: list[tuple[int, int]] = []
    room = _PIECE
    for offset, length in ranges:
        end = offset + length
        while offset < end:
            size = min(end - offset, room)
            piece.append((offset, size))
            offset, room = offset + size, room - size
            if not room:
                yield piece
                piece, room = [], _PIECE
    if piece:
        yield piece


@answers.resource
def retrieve(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, frame_list: str
) -> HttpResponseBase:
    """Give the frames asked for, in that order, each as one part; a single one alone when the client prefers it."""
    numbers = frame_numbers(frame_list)
    accepted = answers.accepted(request)
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.FRAMES,
    )
    source = source_of(version)
    if max(numbers) > source.index.number_of_frames:
        raise answers.NothingHere
    chosen = negotiation.first(
        accepted,
        lambda entry: _offer(entry, source, alone=len(numbers) == 1),
        f'multipart/related; type="{source.media_type}"; transfer-syntax={source.transfer_syntax_uid}',
    )
    # Which frames is said by the address; which bytes, by the content's digest.
    etag = f'"{source.content.file_sha256[:32]}"'
    same = answers.unchanged(request, etag)
    if same is not None:
        return same
    return answers.cached(_answer(request, source, numbers, as_parts=chosen), request, etag)


def frame_numbers(frame_list: str) -> list[int]:
    """Read a list such as `1,2,8` (PS3.18 table 10.4.1-4). Raises NotUnderstood for numbers that no instance has."""
    texts = frame_list.split(",")
    if len(texts) > _MOST_FRAMES or not all(text.isascii() and text.isdigit() and len(text) < 10 for text in texts):
        raise negotiation.NotUnderstood(f"Frames are numbers from 1 with commas between them, at most {_MOST_FRAMES}.")
    numbers = [int(text) for text in texts]
    if min(numbers) < 1:
        raise negotiation.NotUnderstood("Frames are counted from 1.")
    return numbers


def source_of(version: InstanceVersion) -> Source:
    """Return where the frames lie. What has still to be converted is converted now; raises TryAgain when that must wait."""
    try:
        return Source(*study_frames.located(version))
    except study_frames.FramesNotReady:
        pass
    try:
        conversion.convert_now(version)
    except DicomError as error:
        raise answers.NotRenderable(f"The frames cannot be converted for reading: {error.code}.") from error
    except decoder.Unavailable as error:
        raise answers.TryAgain(error.retry_after) from error
    return Source(*study_frames.located(version))


def _offer(entry: MediaRange, source: Source, *, alone: bool) -> bool | None:
    """Return True for several parts, False for one frame alone, None when this range takes neither.

    `application/octet-stream` without a transfer syntax means uncompressed (PS3.18 section 8.7.3.3.1).
    """
    octets = entry.part_type == negotiation.OCTETS
    if not (octets or entry.takes(source.media_type)) or not entry.takes_syntax(source.transfer_syntax_uid):
        return None
    if octets and not entry.transfer_syntax and uids.is_encapsulated(source.transfer_syntax_uid):
        return None
    if entry.is_multipart:
        return True
    return False if alone else None


def _answer(request: HttpRequest, source: Source, numbers: list[int], *, as_parts: bool) -> HttpResponseBase:
    if not as_parts:
        return _body(request, source.read(numbers[0]), source.length(numbers[0]), source.part_type)
    boundary = multipart.new_boundary()
    outer = multipart.content_type(source.media_type, boundary, source.transfer_syntax_uid)
    base = request.path.rpartition("/")[0]
    parts = [
        multipart.Part(source.part_type, source.read(number), source.length(number), f"{base}/{number}")
        for number in numbers
    ]
    return _body(request, multipart.write(parts, boundary), multipart.length(parts, boundary), outer)


def _body(request: HttpRequest, pieces: Iterator[bytes], length: int, content_type: str) -> HttpResponseBase:
    """Answer with the pieces. A few frames are read before the answer begins, so that trouble with them can still be said."""
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=content_type)
    elif length <= _READ_FIRST:
        response = HttpResponse(b"".join(pieces), content_type=content_type)
    else:
        response = StreamingHttpResponse(pieces, content_type=content_type)
    response["Content-Length"] = str(length)
    return response
