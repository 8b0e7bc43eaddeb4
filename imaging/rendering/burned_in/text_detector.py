"""Where words stand in a picture, and which: two neural networks of PP-OCR, run on this machine. Pool side, no Django.

The networks (Apache 2.0) lie inside the wheel of rapidocr and are run by ONNX Runtime; nothing is fetched. The first one
(differentiable binarisation, Liao et al. 2020) gives for each pixel the probability that it is in the core of a word; the
second one (connectionist temporal classification) reads a line. What the second one cannot read at all is no word.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image

from imaging.rendering.burned_in import components
from imaging.rendering.burned_in.components import Box

Picture = npt.NDArray[np.uint8]

#: Pixels of an edge that the network sees at once; a small picture is enlarged to the other, as its letters are.
_EDGE: Final = 1280
_SMALL: Final = 736
_ENLARGED: Final = 3.0
#: Pixels by which neighbouring parts of a large picture lie over each other: a line of letters is whole in one of them.
_OVERLAP: Final = 160
_STEP: Final = 32
_CORE: Final = 0.3
_CERTAIN: Final = 0.5
#: The core of a word is shrunk by this part of its area over its perimeter when the network is taught.
_SHRUNK: Final = 1.6
_MEAN: Final = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION: Final = np.array([0.229, 0.224, 0.225], np.float32)
_LINE: Final = 48
_LONGEST: Final = 1600
#: A reading below this is none. Low on purpose: a word that stays costs more than a corner of an image.
_LEGIBLE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Word:
    """A line of letters: its box in pixels of the picture, what it seems to say, and how sure that is (0 to 1)."""

    box: Box
    text: str
    score: float


@dataclass(slots=True)
class _Networks:
    finder: Any
    reader: Any
    alphabet: list[str] = field(default_factory=list)


def load() -> None:
    """Load the networks; before a child is forked, which may not reach the files."""
    _networks()


def words(picture: Picture) -> list[Word]:
    """The words of an RGB picture (rows, columns, 3), from the top."""
    found = components.joined([box for part in _parts(picture) for box in part])
    read = [Word(box, *_read(picture, box)) for box in found]
    legible = [word for word in read if _is_word(word)]
    # Half a word that cannot be read, beside one that can, is the rest of it.
    rest = [word for word in read if word not in legible and any(_goes_on(known.box, word.box) for known in legible)]
    return sorted(legible + rest, key=lambda word: (word.box.top, word.box.left))


def _is_word(word: Word) -> bool:
    letters = [letter for letter in word.text if letter.isalnum()]
    # One ideograph is what a bone looks like; one letter or figure is a mark on an image.
    return word.score >= _LEGIBLE and (len(letters) > 1 or any(map(str.isascii, letters)))


def _goes_on(known: Box, box: Box) -> bool:
    """Whether a box of like height lies in the line of another and not far from it."""
    together = min(known.top + known.height, box.top + box.height) - max(known.top, box.top)
    gap = max(known.left, box.left) - min(known.left + known.width, box.left + box.width)
    small, large = sorted((known.height, box.height))
    return 2 * together >= small and large <= 2 * small and gap <= large


@cache
def _networks() -> _Networks:
    import onnxruntime  # noqa: PLC0415 -- only the pool pays for it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a forked child has no other thread
    options.enable_cpu_mem_arena = False  # a large picture's memory is given back
    package = importlib.util.find_spec("rapidocr")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("The networks that find burned-in words are not installed (package rapidocr).")
    models = Path(package.submodule_search_locations[0]) / "models"

    def session(kind: str) -> Any:
        (path,) = models.glob(f"*_{kind}_small.onnx")
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    reader = session("rec")
    characters = reader.get_modelmeta().custom_metadata_map["character"].splitlines()
    return _Networks(session("det"), reader, ["", *characters, " "])


def _parts(picture: Picture) -> Iterator[list[Box]]:
    """Boxes in the whole picture, and in its parts at their own size where it had to be reduced."""
    yield _found(picture)
    rows, columns = picture.shape[:2]
    if max(rows, columns) <= _EDGE:
        return
    for top in range(0, max(rows - _OVERLAP, 1), _EDGE - _OVERLAP):
        for left in range(0, max(columns - _OVERLAP, 1), _EDGE - _OVERLAP):
            part = picture[top : top + _EDGE, left : left + _EDGE]
            if part.max() != part.min():
                yield [box.moved(left, top) for box in _found(part)]


def _found(picture: Picture) -> list[Box]:
    rows, columns = picture.shape[:2]
    scale = min(1.0, _EDGE / max(rows, columns))
    if scale == 1.0 and min(rows, columns) < _SMALL:
        scale = max(1.0, min(_ENLARGED, _SMALL / min(rows, columns), _EDGE / max(rows, columns)))
    width, height = (max(_STEP, round(edge * scale / _STEP) * _STEP) for edge in (columns, rows))
    probability = _run(_networks().finder, _planes(picture, (width, height), _MEAN, _DEVIATION))[0, 0]
    across, down = columns / width, rows / height
    boxes = []
    for core, certainty in components.of(probability > _CORE, probability):
        if certainty < _CERTAIN or min(core.width, core.height) < 3:
            continue
        grown = core.grown(core.width * core.height * _SHRUNK / (2 * (core.width + core.height)))
        boxes.append(grown.scaled(across, down).within(columns, rows))
    return boxes


def _read(picture: Picture, box: Box) -> tuple[str, float]:
    """What a box says. Of one that is much higher than wide the better of both turns."""
    crop = picture[box.top : box.top + box.height, box.left : box.left + box.width]
    readings = [_read_line(crop)]
    if box.height > 1.5 * box.width:
        readings += [_read_line(np.rot90(crop, turns)) for turns in (1, 3)]
    return max(readings, key=lambda reading: reading[1])


def _read_line(crop: Picture) -> tuple[str, float]:
    rows, columns = crop.shape[:2]
    width = min(_LONGEST, max(_LINE, round(columns * _LINE / rows)))
    half = np.full(3, 0.5, np.float32)
    likely = _run(_networks().reader, _planes(crop, (width, _LINE), half, half))[0]
    best, certainty = likely.argmax(axis=1), likely.max(axis=1)
    alphabet = _networks().alphabet
    # A letter that lasts for several steps is one, and between two that are the same there is a blank (0).
    kept = (best != 0) & np.r_[True, best[1:] != best[:-1]]
    if not kept.any():
        return "", 0.0
    text = "".join(alphabet[number] if number < len(alphabet) else " " for number in best[kept])
    return text.strip()[:200], float(certainty[kept].mean())


def _planes(picture: Picture, size: tuple[int, int], mean: Any, deviation: Any) -> Any:
    """Blue, green and red planes of a resized picture, as the networks were taught."""
    resized = PIL.Image.fromarray(np.ascontiguousarray(picture)).resize(size, PIL.Image.Resampling.BILINEAR)
    values = (np.asarray(resized, np.float32)[..., ::-1] / 255 - mean) / deviation
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None], dtype=np.float32)


def _run(network: Any, values: Any) -> Any:
    return network.run(None, {network.get_inputs()[0].name: values})[0]
