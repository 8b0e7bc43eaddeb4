"""What is to be drawn of a version: its frame, its curves, its first page, or a card. Reads rows and bytes; decodes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.db.models import QuerySet

from imaging.dicom import uids
from imaging.dicom.errors import DicomError, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.rendering import documents, overlays, segmentations
from imaging.rendering.decoder import Client, Picture
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import frames, metadata

#: Curves are drawn from the whole file, which is small; a longer one gets a card.
_MAX_WAVEFORM: Final = 64 * 1024 * 1024
_WAVEFORMS: Final = "1.2.840.10008.5.1.4.1.1.9."
_VIDEO: Final = "1.2.840.10008.1.2.4.10"

#: Bytes of a video up to which its stream is read whole for a frame of it.
MAX_VIDEO: Final = 192 * 1024 * 1024
#: Bytes of one frame that is drawn: a film of 35 x 43 cm at 600 dpi and 16 bits has 170 MB.
MAX_FRAME: Final = 256 * 1024 * 1024

Draw = Callable[[Client, tuple[int, int], str, int], Picture]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no picture: a stable code, and a detail without patient data."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Window:
    """What a reader wants to see instead of the object's own window; modality units (PS3.3 C.11.2.1.2)."""

    centre: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True, slots=True)
class Source:
    """A version that is ready to be drawn; ``draw`` may be called in any thread. A card is no image of the patient."""

    draw: Draw
    is_card: bool
    #: SOP Instance UID of another image that is in the picture too.
    shown_with: str = ""


def with_bytes(versions: QuerySet[InstanceVersion]) -> QuerySet[InstanceVersion]:
    """Versions with all that ``of`` reads."""
    return versions.select_related("instance__series__study", "stored_object", "frames_object").prefetch_related(
        "stored_object__copies", "frames_object__copies"
    )


def of(
    version: InstanceVersion, *, number: int | None = None, window: Window | None = None, with_others: bool = False
) -> Source:
    """The source for frame ``number``, by default the middle one.

    ``with_others`` allows other images of the study under what was drawn on them (segments), for who may see them too.

    Raises ``DicomError`` and the errors of ``storage`` when it cannot be drawn, ``frames.FramesNotReady`` when it cannot
    be drawn yet, ``frames.NoSuchFrame`` for a number that the instance does not have.
    """
    try:
        content, index = frames.located(version)
    except frames.NoSuchFrame:
        if number not in {None, 1}:
            raise
        return _without_frames(version)
    if content.transfer_syntax_uid.startswith(_VIDEO):
        return _poster(version)
    number = (index.number_of_frames + 1) // 2 if number is None else number
    if 1 <= number <= index.number_of_frames and sum(length for _at, length in index.ranges(number)) > MAX_FRAME:
        raise UnsupportedPixels("a frame is too large to be drawn", code="frame_too_large")
    record = metadata.instance_record(version)
    try:
        if version.instance.sop_class_uid in uids.SEGMENTATION:
            return _segments(version, record, number, with_others)
        description = _windowed(frames.described(version, number), window)
        data = frames.frame(version, number).data
        return _image(data, description, aspect(record, number), overlays.planes(version, record, number), number)
    except ValueError as error:
        raise UnsupportedPixels("the frame lies outside the object", code="broken_frame_index") from error


def _windowed(description: FrameDescription, window: Window | None) -> FrameDescription:
    if window is None:
        return description
    return description.replaced(window=(window.centre, window.width), voi_function=window.function, voi_lut=None)


def _image(data: bytes, description: FrameDescription, ratio: float, planes: Mapping[str, Any], number: int) -> Source:
    def draw(client: Client, box: tuple[int, int], media_type: str, quality: int) -> Picture:
        return client.picture(
            data,
            description,
            box=box,
            aspect=ratio,
            media_type=media_type,
            quality=quality,
            planes=planes,
            frame_number=number,
        )

    return Source(draw, is_card=False)


def _segments(version: InstanceVersion, record: Mapping[str, Any], number: int, with_others: bool) -> Source:
    drawing = segmentations.of(version, record, number, with_image=with_others)
    ratio = aspect(record, number)

    def draw(client: Client, box: tuple[int, int], media_type: str, _quality: int) -> Picture:
        return client.segments(drawing.layers, drawing.ground, box=box, aspect=ratio, media_type=media_type)

    return Source(draw, is_card=False, shown_with=drawing.shown_with)


def _poster(version: InstanceVersion) -> Source:
    """A frame of a video; the card of one that is too large to be read whole, or that cannot be decoded."""
    card = _card(version)
    if version.stored_object.length > MAX_VIDEO:
        return card
    stream = frames.frame(version, 1).data

    def draw(client: Client, box: tuple[int, int], media_type: str, quality: int) -> Picture:
        try:
            return client.poster(stream, box=(box[0] or 1024, box[1] or 1024), media_type=media_type)
        except DicomError:
            return card.draw(client, box, media_type, quality)

    return Source(draw, is_card=False)


def _first_page(version: InstanceVersion) -> Source:
    """The first page of a PDF, or the card of one that cannot be opened."""
    card = _card(version)
    document = documents.content(version)
    if document is None:
        return card

    def draw(client: Client, box: tuple[int, int], media_type: str, quality: int) -> Picture:
        try:
            return client.page(document, number=1, size=_side(box), media_type=media_type).picture
        except DicomError:
            return card.draw(client, box, media_type, quality)

    return Source(draw, is_card=True)


def _without_frames(version: InstanceVersion) -> Source:
    content = version.stored_object
    if version.instance.sop_class_uid == uids.ENCAPSULATED_PDF:
        return _first_page(version)
    if not version.instance.sop_class_uid.startswith(_WAVEFORMS) or content.length > _MAX_WAVEFORM:
        return _card(version)
    file = storage.read(content)
    card = _card(version)

    def draw(client: Client, box: tuple[int, int], media_type: str, quality: int) -> Picture:
        try:
            return client.waveform(file, size=_side(box), media_type=media_type)
        except DicomError:
            # Curves that cannot be drawn (compressed audio, an empty group) still have a name and a date.
            return card.draw(client, box, media_type, quality)

    return Source(draw, is_card=True)


def _card(version: InstanceVersion) -> Source:
    record = orjson.dumps(metadata.instance_record(version))
    sop_class_uid = version.instance.sop_class_uid
    words = documents.words(version) if sop_class_uid == uids.ENCAPSULATED_CDA else []

    def draw(client: Client, box: tuple[int, int], media_type: str, _quality: int) -> Picture:
        return client.tile(record, sop_class_uid=sop_class_uid, size=_side(box), media_type=media_type, words=words)

    return Source(draw, is_card=True)


def _side(box: tuple[int, int]) -> int:
    return min(2048, *(side for side in (*box, 1024) if side))


def aspect(record: Mapping[str, Any], number: int = 1) -> float:
    """Height of a pixel over its width: Pixel Aspect Ratio, or a spacing (PS3.3 C.7.6.3.1.7, 10.7.1.3)."""
    groups = [record, *_measures(record, "52009229", 1), *_measures(record, "52009230", number)]
    for group in reversed(groups):
        for tag in ("00280034", "00280030", "00181164"):
            values = group.get(tag, {}).get("Value", [])
            try:
                vertical, horizontal = (float(value) for value in values[:2])
            except (TypeError, ValueError):
                continue
            if vertical > 0 and horizontal > 0:
                return vertical / horizontal
    return 1.0


def _measures(record: Mapping[str, Any], groups: str, number: int) -> list[Mapping[str, Any]]:
    """The Pixel Measures item of a functional group (PS3.3 C.7.6.16.2.1)."""
    items = record.get(groups, {}).get("Value", [])[number - 1 : number]
    return [found for item in items for found in item.get("00289110", {}).get("Value", [])[:1]]
