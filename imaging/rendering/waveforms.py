"""Draws the curves of a waveform object (PS3.3 C.10.9), an ECG on its grid. Runs in the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import pydicom
from PIL import ImageDraw
from PIL.Image import Image
from pydicom.dataset import Dataset

from imaging.dicom.errors import Malformed, UnsupportedPixels
from imaging.rendering import lettering, tiles
from imaging.rendering.tile_content import clean

MAX_CHANNELS: Final = 32
MAX_SAMPLES: Final = 32 * 1024 * 1024
_GRID: Final = "#1d3139"
_GRID_STRONG: Final = "#28444e"
_CURVE: Final = tiles.ACCENT
#: PS3.3 C.10.9.1.5: how a sample is stored. Compressed audio (MB, AB) has no curve to draw.
_TYPES: Final = {"SB": "<i1", "UB": "<u1", "SS": "<i2", "US": "<u2", "SL": "<i4", "UL": "<u4"}


@dataclass(frozen=True, slots=True)
class Channels:
    """One multiplex group: ``values`` is float32 (channels, samples) in its own unit; ``rate`` in Hz."""

    values: npt.NDArray[np.float32]
    names: tuple[str, ...]
    rate: float


def draw(file: BinaryIO, size: int) -> Image:
    """A square picture of the first group: each channel in a lane, up to ten seconds. Raises ``DicomError``."""
    channels = read(pydicom.dcmread(file, force=False))
    image = PIL.Image.new("RGB", (size, size), tiles.SURFACE)
    pen = ImageDraw.Draw(image)
    columns = 1 if len(channels.names) <= 4 else 2
    rows = -(-len(channels.names) // columns)
    seconds = min(10.0, channels.values.shape[1] / channels.rate) / columns
    _grid(pen, size, seconds * columns)
    for number, name in enumerate(channels.names):
        column, row = divmod(number, rows)
        lane = (column * size / columns, row * size / rows, (column + 1) * size / columns, (row + 1) * size / rows)
        # The printed twelve-lead sheet: the right-hand column goes on where the left-hand one ends.
        start = int(column * seconds * channels.rate)
        curve = channels.values[number, start : start + max(2, int(seconds * channels.rate))]
        _lane(pen, curve, lane, name, size)
    return image


def read(dataset: Dataset) -> Channels:
    """The first multiplex group that holds numbers."""
    for group in dataset.get("WaveformSequence", []):
        kind = _TYPES.get(str(group.get("WaveformSampleInterpretation", "")))
        count, samples = int(group.get("NumberOfWaveformChannels", 0)), int(group.get("NumberOfWaveformSamples", 0))
        rate = float(group.get("SamplingFrequency", 0) or 0)
        if kind is None or not 0 < count <= 256 or samples < 2 or not 0 < rate < 1e6 or count * samples > MAX_SAMPLES:
            continue
        data = group.get("WaveformData", b"")
        if len(data) < count * samples * np.dtype(kind).itemsize:
            raise Malformed("the waveform is shorter than its header says")
        stored = np.frombuffer(data, kind, count * samples).reshape(samples, count)[:, :MAX_CHANNELS]
        definitions = list(group.get("ChannelDefinitionSequence", []))[:MAX_CHANNELS]
        scale = [_number(definition, "ChannelSensitivity", 1.0) for definition in definitions]
        scale += [1.0] * (stored.shape[1] - len(scale))
        names = [_name(definition) for definition in definitions] + [""] * (stored.shape[1] - len(definitions))
        return Channels((stored * np.array(scale, np.float32)).T.astype(np.float32), tuple(names), rate)
    raise UnsupportedPixels("no waveform that can be drawn", code="no_waveform")


def _number(definition: Dataset, keyword: str, default: float) -> float:
    try:
        value = float(definition.get(keyword, default) or default)
    except (TypeError, ValueError):
        return default
    return value if np.isfinite(value) else default


def _name(definition: Dataset) -> str:
    sources: Any = definition.get("ChannelSourceSequence", [])
    meaning = str(sources[0].get("CodeMeaning", "")) if sources else str(definition.get("ChannelLabel", ""))
    return clean(meaning).removeprefix("Lead ").removesuffix(" (Einthoven)").removesuffix(" (Mason-Likar)")[:10]


def _grid(pen: ImageDraw.ImageDraw, size: int, seconds: float) -> None:
    """A line for each 0.2 s as on paper, stronger each second; coarser where these would run together."""
    step = 0.2 if size / seconds * 0.2 >= 4 else 1.0
    for number in range(int(seconds / step) + 1):
        strong = round(number * step, 3).is_integer()
        at = number * step * size / seconds
        pen.line((at, 0, at, size), _GRID_STRONG if strong else _GRID)
        pen.line((0, at, size, at), _GRID_STRONG if strong else _GRID)


def _lane(
    pen: ImageDraw.ImageDraw,
    curve: npt.NDArray[np.float32],
    lane: tuple[float, float, float, float],
    name: str,
    size: int,
) -> None:
    left, top, right, bottom = lane
    if curve.size < 2:
        return
    steps = min(curve.size, int(right - left) * 2)
    xs = np.linspace(left, right, steps)
    ys = curve[np.linspace(0, curve.size - 1, steps).astype(int)]
    middle, reach = float(np.median(ys)), float(np.abs(ys - np.median(ys)).max()) or 1.0
    drawn = (top + bottom) / 2 - (ys - middle) / reach * (bottom - top) * 0.42
    pen.line(list(zip(xs.tolist(), drawn.tolist(), strict=True)), _CURVE, max(1, round(size / 512)), joint="curve")
    bold = lettering.face(max(9, round(size / 36)), 600)
    bold.write(pen, (left + size / 64, top + size / 128), lettering.drawable(name), tiles.TEXT_2)
