"""Areas of frames made black, and nothing else changed. To be called in the decoder pool, which decodes what is compressed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from imaging.dicom import decode, uids, windowing
from imaging.dicom.element_text import ElementText, stored
from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription

Samples = npt.NDArray[Any]

_REGIONS: Final = 0x00186011
_CORNERS: Final = (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E)
_MOST_REGIONS: Final = 1000
_YBR: Final = frozenset({"YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422"})


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of pixels (left and top from 0) in the frames ``first`` to ``last`` (from 1; ``last`` 0: to the end)."""

    left: int
    top: int
    width: int
    height: int
    first: int = 1
    last: int = 0

    def holds_in(self, frame: int) -> bool:
        """Whether it lies in this frame."""
        return self.first <= frame and (not self.last or frame <= self.last)


def outside_ultrasound_regions(dataset: Dataset, rows: int, columns: int) -> list[Area]:
    """What lies outside all Sequence of Ultrasound Regions items (PS3.3 C.8.5.5): no ultrasound, so letters. In rows of pixels.

    Empty where the object names no region inside its frames: then nothing is known of where its image is.
    """
    element = stored(dataset, _REGIONS)
    if element is None or element.VR != "SQ":
        return []
    inside = np.zeros((rows, columns), bool)
    for item in list(element.value or [])[:_MOST_REGIONS]:
        read = ElementText(item)
        left, top, right, bottom = (read.integer(tag) for tag in _CORNERS)
        if left is None or top is None or right is None or bottom is None or min(left, top) < 0:
            continue
        inside[top : bottom + 1, left : right + 1] = True
    return _rectangles(~inside) if inside.any() else []


def _rectangles(mask: npt.NDArray[np.bool_]) -> list[Area]:
    """A mask as rectangles: equal rows that follow each other are cut alike."""
    different = np.any(mask[1:] != mask[:-1], axis=1)
    edges = [0, *(np.nonzero(different)[0] + 1).tolist(), len(mask)]
    areas = []
    for top, bottom in itertools.pairwise(edges):
        change = np.diff(np.pad(mask[top], 1).astype(np.int8))
        for left, right in zip(np.nonzero(change == 1)[0].tolist(), np.nonzero(change == -1)[0].tolist(), strict=True):
            areas.append(Area(left, top, right - left, bottom - top))
    return areas


def blanked_native(frame: bytes, description: FrameDescription, areas: Sequence[Area]) -> bytes:
    """A native frame with its areas black, all other bytes as they were. Raises ``UnsupportedPixels``, ``DecodeFailed``."""
    if not areas:
        return frame
    if description.native_bits % 8:
        raise UnsupportedPixels("frames that do not begin at a byte", code="unsupported_bits")
    if description.bits_allocated == 1:
        bits = decode.decode_frame(frame, description).astype(np.uint8)
        _fill(bits, areas, _darkest(bits, description))
        return np.packbits(bits.ravel(), bitorder="little").tobytes()
    swapped = _in_swapped_words(description)
    if swapped and len(frame) % 2:
        raise UnsupportedPixels("odd frames in big-endian words", code="unsupported_byte_order")
    order = ">" if description.transfer_syntax_uid == uids.EXPLICIT_VR_BIG_ENDIAN else "<"
    source = np.frombuffer(frame, "<u2").byteswap().tobytes() if swapped else frame
    cells = np.frombuffer(source, f"{order}u{description.bits_allocated // 8}").copy()
    if description.subsampled:
        _fill_subsampled(cells, description, areas)
    elif description.is_colour:
        _fill_colours(cells, description, areas)
    else:
        plane = cells.reshape(description.rows, description.columns)
        shown = decode.decode_frame(frame, description)
        _fill(plane, areas, plane.flat[_darkest_place(shown, description)] & _stored_bits(description))
    written = cells.tobytes()
    return np.frombuffer(written, "<u2").byteswap().tobytes() if swapped else written


def blanked_decoded(samples: Samples, description: FrameDescription, areas: Sequence[Area]) -> Samples:
    """A decoded frame (grey values or RGB) with its areas black."""
    filled = samples.copy()
    _fill(filled, areas, 0 if samples.ndim == 3 else _darkest(samples, description))
    return filled


def _in_swapped_words(description: FrameDescription) -> bool:
    big_endian = description.transfer_syntax_uid == uids.EXPLICIT_VR_BIG_ENDIAN
    return big_endian and description.pixel_vr == "OW" and description.bits_allocated == 8


def _fill(plane: Samples, areas: Sequence[Area], value: Any) -> None:
    for area in areas:
        top, left = max(area.top, 0), max(area.left, 0)
        plane[top : max(area.top + area.height, 0), left : max(area.left + area.width, 0)] = value


def _darkest(samples: Samples, description: FrameDescription) -> Any:
    return samples.flat[_darkest_place(samples, description)]


def _darkest_place(samples: Samples, description: FrameDescription) -> int:
    """Where the frame is darkest: a value that it has anyway, so that its range and its window stay what they were."""
    if description.photometric_interpretation == "PALETTE COLOR" and description.palette:
        return int(windowing.palette_to_rgb(samples, description).sum(axis=2, dtype=np.uint32).argmin())
    if description.photometric_interpretation == "MONOCHROME1":
        return int(np.nan_to_num(samples, copy=True).argmax() if samples.dtype.kind == "f" else samples.argmax())
    return int(np.nan_to_num(samples, copy=True).argmin() if samples.dtype.kind == "f" else samples.argmin())


def _stored_bits(description: FrameDescription) -> int:
    """A mask of the bits of a sample; what lies outside is an overlay, which may hold letters too."""
    if description.sample_type != "integer":
        return int((1 << description.bits_allocated) - 1)
    low = max(description.high_bit - description.bits_stored + 1, 0)
    return int(((1 << description.bits_stored) - 1) << low & ((1 << description.bits_allocated) - 1))


def _fill_colours(cells: Samples, description: FrameDescription, areas: Sequence[Area]) -> None:
    rows, columns = description.rows, description.columns
    middle = 1 << (description.bits_stored - 1)
    black = (0, middle, middle) if description.photometric_interpretation in _YBR else (0, 0, 0)
    shape = (3, rows, columns) if description.planar_configuration else (rows, columns, 3)
    shaped = cells[: rows * columns * 3].reshape(shape)
    for sample, value in enumerate(black):
        _fill(shaped[sample] if description.planar_configuration else shaped[..., sample], areas, value)


def _fill_subsampled(cells: Samples, description: FrameDescription, areas: Sequence[Area]) -> None:
    """Two pixels in four samples (Y Y Cb Cr): an area takes the whole pairs that it touches."""
    if description.columns % 2:
        raise UnsupportedPixels("an odd number of subsampled pixels", code="unsupported_subsampling")
    pairs = cells[: description.rows * description.columns * 2].reshape(description.rows, description.columns // 2, 4)
    middle = 1 << (description.bits_stored - 1)
    halved = [
        Area(area.left // 2, area.top, (area.left + area.width + 1) // 2 - area.left // 2, area.height)
        for area in areas
    ]
    for sample, value in enumerate((0, 0, middle, middle)):
        _fill(pairs[..., sample], halved, value)
