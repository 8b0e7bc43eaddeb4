"""Which objects are films, and which of their frames show it in a small moving picture. Reads rows and bytes; decodes nothing."""

from collections.abc import Mapping
from typing import Any, Final

from imaging.dicom import json_items, uids
from imaging.rendering import sources
from imaging.rendering.decoder import Client, Encoded, Picture
from imaging.rendering.sources import Source
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import frames, metadata

#: Frames of a moving picture, and its longest edge in pixels.
MAX_FRAMES: Final = 24
SIZE: Final = 256
#: Bytes of frames, as stored and as decoded, that are handed to the pool at once.
_MAX_STORED: Final = 192 * 1024 * 1024
_MAX_DECODED: Final = 512 * 1024 * 1024
#: Milliseconds for which the whole of a film is shown at the most; a longer one runs faster.
_WHOLE: Final = 4000.0
_PREFIX: Final = "1.2.840.10008.5.1.4.1.1."
#: Multi-frame classes whose frames follow one another in time: ultrasound, angiography, fluoroscopy, captures, endoscopy...
FILMS: Final = tuple(
    f"{_PREFIX}{suffix}"
    for suffix in (
        "3",
        "3.1",
        "12.1",
        "12.1.1",
        "12.2",
        "12.2.1",
        "20",
        "7.2",
        "7.3",
        "7.4",
        "77.1.1",
        "77.1.2",
        "77.1.4",
    )
)
#: Classes of slices and films alike: only a time per frame tells the films.
_TIMES: Final = ("00181063", "00082144", "00180040")


def is_film(record: Mapping[str, Any], sop_class_uid: str, count: int) -> bool:
    """Whether the frames of an instance are moments rather than slices."""
    return count > 1 and (
        sop_class_uid in FILMS or (uids.kind_of(sop_class_uid) == "image" and any(tag in record for tag in _TIMES[:2]))
    )


def source_of(version: InstanceVersion) -> Source | None:
    """A source that draws the moving picture; None for what is no film, or no film that can be drawn.

    Raises as ``sources.of``.
    """
    content, index = frames.located(version)
    record = metadata.instance_record(version)
    if uids.is_video(content.transfer_syntax_uid):
        return None
    if not is_film(record, version.instance.sop_class_uid, index.number_of_frames):
        return None
    chosen: list[Encoded] = []
    stored = decoded = 0
    numbers = _spread(index.number_of_frames)
    for number in numbers:
        described = frames.described(version, number)
        decoded += described.native_bytes
        stored += sum(length for _offset, length in index.ranges(number))
        if stored > _MAX_STORED or decoded > _MAX_DECODED:
            break
        chosen.append((frames.frame(version, number).data, described))
    if len(chosen) < 2:
        return None
    ratio = sources.aspect(record)
    pause = min(_pause(record) * index.number_of_frames, _WHOLE) / len(numbers)

    def draw(client: Client, box: tuple[int, int], _media_type: str, _quality: int) -> Picture:
        return client.cine(chosen, box=box, aspect=ratio, milliseconds=pause)

    return Source(draw, is_card=False)


def _spread(count: int) -> list[int]:
    """At most ``MAX_FRAMES`` frame numbers, evenly over all of them."""
    shown = min(count, MAX_FRAMES)
    return [1 + number * count // shown for number in range(shown)]


def _pause(record: Mapping[str, Any]) -> float:
    """Milliseconds between two frames: Frame Time, or out of a rate; 25 pictures a second where nothing says it."""
    time = next(iter(json_items.numbers(record, _TIMES[0])), 0.0)
    if time > 0:
        return time
    rates = (next(iter(json_items.numbers(record, tag)), 0.0) for tag in _TIMES[1:])
    return next((1000.0 / rate for rate in rates if rate > 0), 40.0)
