"""Videos of a study as a browser plays them: the stored MP4 stream, by byte ranges, never copied or converted."""

from collections.abc import Iterator, Sequence

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from imaging.dicom import uids
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import access
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import frames
from imaging.viewer import byte_ranges
from imaging.viewer.errors import of_a_study

_PIECE = 1024 * 1024
Ranges = Sequence[tuple[int, int]]


@require_safe
@of_a_study
def stream(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Give the video, or the part that `Range` asks for; 404 for what no browser plays."""
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.FRAMES,
    )
    found = _playable(version)
    if found is None:
        raise Http404
    content, ranges = found
    total = sum(length for _offset, length in ranges)
    part = byte_ranges.asked(request, total)
    return byte_ranges.answer(
        part, "video/mp4", lambda: () if request.method == "HEAD" else _read(content, ranges, part.start, part.length)
    )


def is_playable(version: InstanceVersion) -> bool:
    """Whether a browser can be given the stream: H.264 or HEVC in an MP4 container."""
    return _playable(version) is not None


def _playable(version: InstanceVersion) -> tuple[StoredObject, Ranges] | None:
    if version.stored_object.transfer_syntax_uid not in uids.MPEG4 | uids.HEVC:
        return None
    try:
        content, index = frames.located(version)
        ranges = index.ranges(1)
    except (frames.NoSuchFrame, frames.FramesNotReady, IndexError):
        return None
    head = b"".join(_read(content, ranges, 0, min(12, sum(length for _offset, length in ranges))))
    return (content, ranges) if head[4:8] == b"ftyp" else None


def _read(content: StoredObject, ranges: Ranges, start: int, length: int) -> Iterator[bytes]:
    """Bytes of the stream that lies in the fragments, in pieces."""
    for offset, size in ranges:
        if start >= size:
            start -= size
            continue
        while start < size and length > 0:
            piece = min(_PIECE, size - start, length)
            yield storage.read_range(content, offset + start, piece)
            start, length = start + piece, length - piece
        start = 0
        if length <= 0:
            return
