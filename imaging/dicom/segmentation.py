"""What the frames of a segmentation show: which segment, in which colour, over which image (PS3.3 A.51, C.8.20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from imaging.dicom import json_items
from imaging.dicom.json_items import Item

Colour = tuple[int, int, int]

LABELMAP: Final = "1.2.840.10008.5.1.4.1.1.66.7"
_MAX_SEGMENTS: Final = 1024
#: Frames of one plane that are drawn together.
_MAX_LAYERS: Final = 16
#: For segments without a colour of their own: told apart by people who see colours differently (Okabe and Ito).
_COLOURS: Final[tuple[Colour, ...]] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image that a frame was made from: its UID, and the number of its frame."""

    sop_instance_uid: str
    frame_number: int = 1


@dataclass(frozen=True, slots=True)
class Plane:
    """Frames that lie in one place and are shown together.

    ``frames`` are their numbers; ``colours`` for each of them what its values mean, by value; ``full`` is the value of a full
    fraction, 0 for masks and label maps.
    """

    frames: tuple[int, ...]
    colours: tuple[Mapping[int, Colour], ...]
    full: int
    image: Reference | None


def plane(record: Item, sop_class_uid: str, number: int) -> Plane:
    """The plane of frame ``number`` (from 1) out of an instance's DICOM JSON."""
    colours = segment_colours(record)
    frames = json_items.items(record, "52009230", most=1_000_000)
    own = frames[number - 1] if number <= len(frames) else {}
    shared = json_items.first(record, "52009229")
    image = _image(own) or _image(shared)
    if sop_class_uid == LABELMAP or json_items.text(record, "00620001") == "LABELMAP":
        return Plane((number,), (colours,), 0, image)
    place = _place(own)
    together = [at for at, frame in enumerate(frames, 1) if at == number or (place and _place(frame) == place)]
    together = sorted(sorted(together, key=lambda at: abs(at - number))[:_MAX_LAYERS])
    kinds = tuple({1: _colour_of(frames[at - 1] if at <= len(frames) else {}, shared, colours)} for at in together)
    fractional = json_items.text(record, "00620001") == "FRACTIONAL"
    full = (json_items.integer(record, "0062000E") or 255) if fractional else 0
    return Plane(tuple(together), kinds, full, image)


def segment_colours(record: Item) -> dict[int, Colour]:
    """The colour of each segment by its number: the object's own, or one of ours."""
    found: dict[int, Colour] = {}
    for at, segment in enumerate(json_items.items(record, "00620002", most=_MAX_SEGMENTS)):
        number = json_items.integer(segment, "00620004")
        own = json_items.integers(segment, "0062000D")
        colour = from_cielab(own) if len(own) == 3 else _COLOURS[at % len(_COLOURS)]
        found[at + 1 if number is None else number] = colour
    return found


def from_cielab(values: list[int]) -> Colour:
    """SRGB of a CIELab colour in DICOM's 16 bits (PS3.3 C.10.7.1.1), adapted from D50; clipped to what a screen has."""
    lightness = (min(max(value, 0), 65535) for value in values)
    light, a, b = (
        next(lightness) * 100 / 65535,
        next(lightness) * 255 / 65535 - 128,
        next(lightness) * 255 / 65535 - 128,
    )
    fy = (light + 16) / 116
    x, y, z = (_uncurved(part) * white for part, white in zip((fy + a / 500, fy, fy - b / 200), _D50, strict=True))
    red, green, blue = (max(0.0, sum(k * part for k, part in zip(row, (x, y, z), strict=True))) for row in _TO_SRGB)
    return _gamma(red), _gamma(green), _gamma(blue)


_D50: Final = (0.96422, 1.0, 0.82521)
#: XYZ under D50 to linear sRGB (Bradford).
_TO_SRGB: Final = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)


def _uncurved(value: float) -> float:
    return value**3 if value > 6 / 29 else 3 * (6 / 29) ** 2 * (value - 4 / 29)


def _gamma(linear: float) -> int:
    level = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(min(level, 1.0) * 255)


def _colour_of(frame: Item, shared: Item, colours: Mapping[int, Colour]) -> Colour:
    """By the Segment Identification Sequence (PS3.3 C.8.20.3.1)."""
    for group in (frame, shared):
        number = json_items.integer(json_items.first(group, "0062000A"), "0062000B")
        if number is not None:
            return colours.get(number, _COLOURS[number % len(_COLOURS)])
    return next(iter(colours.values()), _COLOURS[0])


def _place(frame: Item) -> tuple[str, ...]:
    position = json_items.first(frame, "00209113")
    return tuple(f"{value:.3f}" for value in json_items.numbers(position, "00200032"))


def _image(group: Item) -> Reference | None:
    """The first source image of a derivation (PS3.3 C.7.6.16.2.6)."""
    for derivation in json_items.items(group, "00089124"):
        for source in json_items.items(derivation, "00082112")[:1]:
            uid = json_items.text(source, "00081155")
            if uid:
                return Reference(uid, json_items.integer(source, "00081160") or 1)
    return None
