"""Pictures of instances and frames, drawn in the decoder pool when asked: PS3.18 sections 10.4.1.1.5 and 10.4.1.1.6."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from imaging.dicom.errors import DicomError
from imaging.dicomweb import answers, kept_pictures, negotiation, rendering_parameters
from imaging.dicomweb.frames import frame_numbers
from imaging.dicomweb.negotiation import MediaRange
from imaging.rendering import services as rendering
from imaging.studies import access
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import output

#: What a picture can be, the default first (PS3.18 table 8.7.4-1).
MEDIA_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
#: Longest edge of a thumbnail, in pixels.
THUMBNAIL: Final = 256


@answers.resource
def of_instance(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Draw the instance; of several frames, the middle one."""
    uids = (study_instance_uid, series_instance_uid, sop_instance_uid)
    return drawn(request, uids, number=None, largest=0)


@answers.resource
def of_frames(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, frame_list: str
) -> HttpResponseBase:
    """Draw one frame; a list of several is not offered."""
    uids = (study_instance_uid, series_instance_uid, sop_instance_uid)
    return drawn(request, uids, number=_one(frame_list), largest=0)


@answers.resource
def thumbnail_of_instance(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Draw the instance small."""
    uids = (study_instance_uid, series_instance_uid, sop_instance_uid)
    return drawn(request, uids, number=None, largest=THUMBNAIL)


@answers.resource
def thumbnail_of_frames(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, frame_list: str
) -> HttpResponseBase:
    """Draw one frame small."""
    uids = (study_instance_uid, series_instance_uid, sop_instance_uid)
    return drawn(request, uids, number=_one(frame_list), largest=THUMBNAIL)


def _one(frame_list: str) -> int:
    numbers = frame_numbers(frame_list)
    if len(numbers) > 1:
        raise negotiation.NotUnderstood("Ask for one frame at a time to have it drawn.")
    return numbers[0]


def drawn(request: HttpRequest, uids: tuple[str, str, str], *, number: int | None, largest: int) -> HttpResponseBase:
    """Answer with the picture; `largest` bounds it where the request does not (0: as large as the frame is)."""
    accepted = answers.accepted(request)
    viewport = rendering_parameters.viewport(request.GET)
    window = rendering_parameters.window(request.GET)
    quality = rendering_parameters.quality(request.GET)
    box = (viewport.width, viewport.height) if viewport else (largest, largest)
    # What is asked for decides, not the address: a large "thumbnail" is the image itself.
    is_small = 0 < max(box) <= THUMBNAIL
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        *uids,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL if largest and is_small else access.Purpose.FRAMES,
    )
    media_type = negotiation.first(accepted, _offer, ", ".join(MEDIA_TYPES))
    etag = f'"{output.etag_of(version)}-{media_type.removeprefix("image/")}"'
    same = answers.unchanged(request, etag)
    if same is not None:
        return same
    picture = kept_pictures.drawn_lately.kept_or_drawn(
        (*uids, etag, number, box, window, quality),
        lambda: draw(version, number=number, box=box, window=window, media_type=media_type, quality=quality).data,
    )
    response = HttpResponse(picture, content_type=media_type)
    return answers.cached(response, request, etag)


def draw(
    version: InstanceVersion,
    *,
    number: int | None,
    box: tuple[int, int],
    window: rendering_parameters.Window | None,
    media_type: str,
    quality: int,
) -> rendering.Picture:
    """Draw in the pool. Raises NotRenderable for what has no picture, TryAgain while the pool is busy."""
    asked = None
    if window:
        asked = rendering.Window(window.center, window.width, window.function.upper().replace("-", "_"))
    try:
        return rendering.render(version, number=number, box=box, window=asked, media_type=media_type, quality=quality)
    except DicomError as error:
        raise answers.NotRenderable(f"This instance cannot be drawn: {error.code}.") from error
    except rendering.Unavailable as error:
        raise answers.TryAgain(error.retry_after) from error


def _offer(entry: MediaRange) -> str | None:
    if entry.media_type in {"multipart/*", negotiation.MULTIPART}:
        return None
    return next((media_type for media_type in MEDIA_TYPES if entry.takes(media_type)), None)
