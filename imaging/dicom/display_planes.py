"""What lies over an image: overlays (PS3.3 C.9) and display shutters (PS3.3 C.7.6.11, C.7.6.15), drawn into its grey levels or colours."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
from PIL import ImageDraw

from imaging.dicom import json_items, uids
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.json_items import Item

Display = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_GROUPS: Final = tuple(f"60{number:02X}" for number in range(0, 0x20, 2))
_SHARED_GROUPS, _PER_FRAME_GROUPS, _FRAME_SHUTTER = "52009229", "52009230", "00189472"
_SHUTTER: Final = tuple(f"001816{low}" for low in ("00", "02", "04", "06", "08", "10", "12", "20", "22", "23"))
_WHITE: Final = 255
_MAX_EDGE: Final = 65535
_MAX_VERTICES: Final = 4096


@dataclass(frozen=True, slots=True)
class Overlay:
    """One plane of bits for one frame: its size, where its first pixel lies (from 0), and ``bit`` of the pixels' own cells, or -1."""

    group: str
    rows: int
    columns: int
    top: int
    left: int
    bit: int
    data: bytes
    skip: int


def attributes(record: Item, frame_number: int) -> dict[str, Any]:
    """The attributes of an instance's DICOM JSON that ``draw`` reads for one frame; empty for most images."""
    kept = {tag: value for tag, value in record.items() if tag in _SHUTTER or (tag[:4] in _GROUPS and len(tag) == 8)}
    for sequence, number in ((_SHARED_GROUPS, 1), (_PER_FRAME_GROUPS, frame_number)):
        for item in json_items.items(record, sequence, most=1_000_000)[number - 1 : number]:
            for shutter in json_items.items(item, _FRAME_SHUTTER)[:1]:
                kept.update({tag: value for tag, value in shutter.items() if tag in _SHUTTER})
    return kept


def draw(
    shown: Display,
    planes: Item,
    *,
    frame_number: int = 1,
    source: bytes = b"",
    description: FrameDescription | None = None,
) -> Display:
    """The image with its shutter closed and its overlays on it; planes that contradict themselves are left out.

    ``shown`` is (rows, columns[, 3]) uint8. ``source`` and ``description`` are the frame as stored, for overlays in the
    unused bits of its cells (PS3.5 section 8.1.2, retired).
    """
    if not planes:
        return shown
    rows, columns = shown.shape[:2]
    overlays = list(read_overlays(planes, frame_number))
    bitmap = json_items.integers(planes, "00181623")
    shutter = _shutter(planes, rows, columns)
    curtain = f"{bitmap[0]:04X}" if bitmap else ""
    picture = shown.copy()
    for overlay in overlays:
        if overlay.group == curtain:
            closed = _placed(overlay, rows, columns, source, description)
            shutter = closed if shutter is None else shutter | closed
    if shutter is not None:
        picture[shutter] = _curtain_value(planes)
    for overlay in overlays:
        if overlay.group != curtain:
            picture[_placed(overlay, rows, columns, source, description)] = _WHITE
    return picture


def read_overlays(planes: Item, frame_number: int) -> Iterator[Overlay]:
    """The overlays that lie on a frame, with their bits or the place of these in the pixels."""
    for group in _GROUPS:
        size = [*json_items.integers(planes, f"{group}0010")[:1], *json_items.integers(planes, f"{group}0011")[:1]]
        if len(size) != 2 or not all(0 < edge <= _MAX_EDGE for edge in size):
            continue
        frames = max((json_items.integers(planes, f"{group}0015") or [1])[0], 1)
        first = max((json_items.integers(planes, f"{group}0051") or [1])[0], 1)
        top, left = (json_items.integers(planes, f"{group}0050") or [1, 1])[:2]
        skip = (frame_number - first) * size[0] * size[1] if frames > 1 else 0
        if frames > 1 and not first <= frame_number < first + frames:
            continue
        data = _binary(planes, f"{group}3000")
        bits = (json_items.integers(planes, f"{group}0100") or [1])[0]
        bit = -1 if data else (json_items.integers(planes, f"{group}0102") or [-1])[0]
        enough = len(data) * 8 >= skip + size[0] * size[1]
        if enough or (not data and bits > 1 and 0 <= bit < bits):
            yield Overlay(group, size[0], size[1], top - 1, left - 1, bit, data, skip)


def _placed(overlay: Overlay, rows: int, columns: int, source: bytes, description: FrameDescription | None) -> Mask:
    """Where a plane of bits lies on an image of so many rows and columns; what leaves the image is cut off."""
    mask = np.zeros((rows, columns), dtype=np.bool_)
    bits = _own_bits(overlay) if overlay.bit < 0 else _cell_bits(overlay, source, description)
    if bits is None:
        return mask
    top, left = max(overlay.top, 0), max(overlay.left, 0)
    bottom, right = min(overlay.top + bits.shape[0], rows), min(overlay.left + bits.shape[1], columns)
    if top < bottom and left < right:
        mask[top:bottom, left:right] = bits[
            top - overlay.top : bottom - overlay.top, left - overlay.left : right - overlay.left
        ]
    return mask


def _own_bits(overlay: Overlay) -> Mask:
    count, start = overlay.rows * overlay.columns, overlay.skip
    packed = np.frombuffer(overlay.data, dtype=np.uint8)[start // 8 : (start + count + 7) // 8]
    unpacked = np.unpackbits(packed, bitorder="little")[start % 8 : start % 8 + count]
    return unpacked.reshape(overlay.rows, overlay.columns).astype(np.bool_)


def _cell_bits(overlay: Overlay, source: bytes, description: FrameDescription | None) -> Mask | None:
    """Bits of the stored cells that no pixel uses; only native frames have them."""
    if description is None or description.samples_per_pixel != 1 or description.bits_allocated not in {8, 16}:
        return None
    if uids.is_encapsulated(description.transfer_syntax_uid) or len(source) < description.native_bytes:
        return None
    lowest = description.high_bit - description.bits_stored + 1
    if lowest <= overlay.bit <= description.high_bit:  # then it would be the picture itself
        return None
    count = description.rows * description.columns
    cells = np.frombuffer(source, dtype=f"<u{description.bits_allocated // 8}", count=count)
    return ((cells >> overlay.bit) & 1).astype(np.bool_).reshape(description.rows, description.columns)


def _shutter(planes: Item, rows: int, columns: int) -> Mask | None:
    """What the shutter's shapes hide together; None without a shape that makes sense. Edges are counted from 1."""
    shapes = {str(value) for value in json_items.values(planes, "00181600")}
    hidden = np.zeros((rows, columns), dtype=np.bool_)
    found = False
    row, column = np.ogrid[1 : rows + 1, 1 : columns + 1]
    if "RECTANGULAR" in shapes:
        edges = [json_items.integers(planes, f"001816{low}")[:1] for low in ("02", "04", "06", "08")]
        if all(edges) and edges[0][0] < edges[1][0] and edges[2][0] < edges[3][0]:
            left, right, upper, lower = (edge[0] for edge in edges)
            hidden |= (column < left) | (column > right) | (row < upper) | (row > lower)
            found = True
    centre, radius = json_items.integers(planes, "00181610")[:2], json_items.integers(planes, "00181612")[:1]
    if "CIRCULAR" in shapes and len(centre) == 2 and radius and 0 < radius[0] <= 2 * _MAX_EDGE:
        distance = (row - float(centre[0])) ** 2 + (column - float(centre[1])) ** 2
        hidden |= distance > float(radius[0]) ** 2
        found = True
    if "POLYGONAL" in shapes:
        polygon = _polygon(json_items.integers(planes, "00181620"), rows, columns)
        if polygon is not None:
            hidden |= ~polygon
            found = True
    # A shutter that hides everything is a wrong header: nobody would have sent the image.
    return hidden if found and not hidden.all() else None


def _polygon(numbers: list[int], rows: int, columns: int) -> Mask | None:
    numbers = numbers[: 2 * _MAX_VERTICES]
    if len(numbers) < 6 or any(abs(number) > _MAX_EDGE for number in numbers):
        return None
    points = [(float(x - 1), float(y - 1)) for y, x in zip(numbers[::2], numbers[1::2], strict=False)]
    image = PIL.Image.new("1", (columns, rows), 0)
    ImageDraw.Draw(image).polygon(points, fill=1, outline=1)
    return np.array(image, dtype=np.bool_)


def _curtain_value(planes: Item) -> int:
    """Shutter Presentation Value: a P-value of 16 bits, black by default."""
    return min(max((json_items.integers(planes, "00181622") or [0])[0], 0), 0xFFFF) >> 8


def _binary(planes: Item, tag: str) -> bytes:
    element = planes.get(tag)
    text = element.get("InlineBinary") if isinstance(element, dict) else None
    try:
        return base64.b64decode(text) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
