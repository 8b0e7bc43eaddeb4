"""What the pool's children are asked about burned-in words. No Django, no database, no network."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from imaging.dicom import blanked_file, blanking, decode, part10, rendition, windowing
from imaging.dicom.blanking import Area
from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.limits import DEFAULT_LIMITS
from imaging.rendering.burned_in import text_detector
from imaging.rendering.protocol import Message

__all__ = ["OPERATIONS"]

#: Words that an answer names; an image that has more is no image of a patient.
MOST_WORDS: Final = 20_000


def find(request: Message) -> Message:
    """Find the words in each frame of the file behind the descriptor.

    The answer's header: ``words``, each [frame, left, top, width, height, text, score].
    """
    (source,) = request.descriptors
    words: list[list[Any]] = []
    with os.fdopen(os.dup(source), "rb") as file:
        for number, views in enumerate(_views(file), start=1):
            for picture in views:
                for word in text_detector.words(picture):
                    box = word.box
                    place = [number, box.left, box.top, box.width, box.height]
                    words.append([*place, word.text, round(word.score, 3)])
            if len(words) > MOST_WORDS:
                raise UnsupportedPixels("the frames hold more words than can be listed", code="too_many_words")
    return Message({"words": words})


def blank(request: Message) -> Message:
    """Write the file behind the first descriptor to the second with its areas black. Header: ``areas``, ``most`` (bytes).

    With ``outside_regions`` all that is outside the ultrasound regions is blanked too.
    """
    source, target = request.descriptors
    header = request.header
    areas = [Area(*map(int, area)) for area in header["areas"]]
    with os.fdopen(os.dup(source), "rb") as file, os.fdopen(os.dup(target), "wb") as out:
        if header.get("outside_regions"):
            parsed = part10.read_part10(file)
            described = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid)
            areas += blanking.outside_ultrasound_regions(parsed.dataset, described.rows, described.columns)
        blanked_file.write(file, out, areas, most=int(header["most"]))
    return Message({"blanked": len(areas)})


def _views(file: BinaryIO) -> Iterator[list[npt.NDArray[np.uint8]]]:
    """Each frame as RGB pictures: as it is shown, and, of deep samples, in its whole range, where a window hides nothing."""
    parsed = part10.read_part10(file)
    if parsed.pixel_data_offset is None:
        raise UnsupportedPixels("the object has no pixels", code="no_pixels")
    described = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid, pixel_vr=parsed.pixel_vr)
    for frame in rendition.stored_frames(parsed, file, described, DEFAULT_LIMITS):
        samples = decode.decode_frame(frame, described)
        views = [_as_colours(windowing.to_display(samples, described))]
        if samples.ndim == 2 and described.bits_stored > 8 and described.photometric_interpretation != "PALETTE COLOR":
            views.append(_as_colours(_whole_range(samples)))
        yield views


def _as_colours(shown: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return shown if shown.ndim == 3 else np.repeat(shown[..., None], 3, axis=2)


def _whole_range(samples: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    values = np.nan_to_num(samples.astype(np.float32))
    low, high = float(values.min()), float(values.max())
    return ((values - low) * (255 / max(high - low, 1.0))).astype(np.uint8)


OPERATIONS: Final[Mapping[str, Callable[[Message], Message]]] = MappingProxyType(
    {"burned_in.find": find, "burned_in.blank": blank}
)
