"""What a mark on an image measures, as the viewer writes it beside the mark: from its handles alone, without a pixel.

Handles in patient coordinates are in mm (PS3.3 C.7.6.2.1.1); those of images without a plane are in pixels, of which only
angles say something, and lengths are told in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Point = Sequence[float]


@dataclass(frozen=True, slots=True)
class Measured:
    """A value, rounded as it is shown; ``unit`` as shown, ``ucum`` as coded."""

    value: str
    unit: str
    ucum: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Millimetres between rows and between columns; ``where`` they hold: ``patient``, ``detector``, ``estimated`` or ``film``."""

    row: float
    column: float
    where: str = "patient"


_PROJECTIONS = frozenset({"CR", "DX", "MG", "IO", "PX", "RF", "XA", "RG"})


def scale_of(header: Mapping[str, Any]) -> Scale | None:
    """What a pixel of an image without a plane measures (PS3.3 section 10.7), by its header in the DICOM JSON model.

    None when that is not known, or differs from place to place (regions of ultrasound, PS3.3 C.8.5.5).
    """
    if _values(header, "00186011"):
        return None
    stated, imager = _pair(header, "00280030"), _pair(header, "00181164")
    if (_values(header, "00080060") or [""])[0] in _PROJECTIONS:
        is_calibrated = bool(_values(header, "00280A02")) or (stated and imager and math.dist(stated, imager) > 1e-4)
        if stated and is_calibrated:
            return Scale(*stated)
        at_detector = imager or stated
        factor = _number((_values(header, "00181114") or [0])[0])
        if at_detector and factor > 0:
            return Scale(at_detector[0] / factor, at_detector[1] / factor, "estimated")
        return Scale(*at_detector, "detector") if at_detector else None
    if stated:
        return Scale(*stated)
    scanned = _pair(header, "00182010")
    if scanned:
        return Scale(*scanned, "film")
    return Scale(*imager, "detector") if imager else None


def measured(tool: str, shape: Mapping[str, Any], scale: Scale | None = None) -> Measured | None:
    """The value of a mark; None for marks that measure nothing (arrows, texts) or pixels. ``scale`` is for those in pixels."""
    points: list[Point] = list(shape.get("points", ()))
    is_mm = shape.get("space") == "patient" or scale is not None
    if shape.get("space") != "patient" and scale is not None:
        points = [(point[0] * scale.column, point[1] * scale.row) for point in points]
    if tool == "length" and len(points) == 2:
        unit, ucum = ("mm", "mm") if is_mm else ("px", "{pixels}")
        return Measured(f"{math.dist(points[0], points[1]):.1f}", unit, ucum)
    if tool == "angle" and len(points) == 3:
        return Measured(f"{_angle(_from(points[1], points[0]), _from(points[1], points[2])):.1f}", "°", "deg")
    if tool == "cobb" and len(points) == 4:
        return Measured(f"{_between_lines(_from(points[0], points[1]), _from(points[2], points[3])):.1f}", "°", "deg")
    if tool in {"ellipse", "rectangle"} and len(points) == 4 and is_mm:
        return _area(tool, points)
    return None


def _area(tool: str, points: list[Point]) -> Measured:
    """Handles of an ellipse are the ends of its two axes; of a rectangle two corners of a side, then the two across."""
    if tool == "ellipse":
        area = math.pi / 4 * math.dist(points[0], points[1]) * math.dist(points[2], points[3])
    else:
        area = math.dist(points[0], points[1]) * math.dist(points[0], points[2])
    return Measured(f"{area / 100:.1f}", "cm²", "cm2") if area >= 1000 else Measured(f"{area:.1f}", "mm²", "mm2")


def _values(header: Mapping[str, Any], tag: str) -> list[Any]:
    found = header.get(tag, {}).get("Value", [])
    return found if isinstance(found, list) else []


def _pair(header: Mapping[str, Any], tag: str) -> tuple[float, float] | None:
    values = [_number(value) for value in _values(header, tag)]
    return (values[0], values[1]) if len(values) == 2 and min(values) > 0 and max(values) < 1000 else None


def _number(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _from(start: Point, end: Point) -> list[float]:
    return [b - a for a, b in zip(start, end, strict=True)]


def _angle(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    if not lengths:
        return 0.0
    cosine = sum(a * b for a, b in zip(one, other, strict=True)) / lengths
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _between_lines(one: Sequence[float], other: Sequence[float]) -> float:
    """Between two plates, whichever way they were drawn: never more than a right angle."""
    angle = _angle(one, other)
    return min(angle, 180 - angle)
