"""What a presentation state says: its name, what it refers to, and the words written on the images (PS3.3 C.11.10, C.10.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from imaging.dicom import json_items
from imaging.dicom.content_tree import ImageReference
from imaging.dicom.json_items import Item

_MAX_REFERENCES: Final = 2000
_MAX_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class PresentationState:
    """What can be told of a presentation state without drawing it."""

    label: str
    description: str
    creator: str
    references: tuple[ImageReference, ...]
    words: tuple[str, ...]


def read(record: Item) -> PresentationState:
    """The presentation state out of its DICOM JSON."""
    references = [
        ImageReference(json_items.text(image, "00081150")[:64], uid, _frames(image))
        for series in json_items.items(record, "00081115")
        for image in json_items.items(series, "00081140")
        if re.fullmatch(r"[0-9.]{1,64}", uid := json_items.text(image, "00081155"))
    ]
    words = [
        words
        for annotation in json_items.items(record, "00700001")
        for text in json_items.items(annotation, "00700008")
        if (words := json_items.text(text, "00700006")[:500])
    ]
    return PresentationState(
        label=json_items.text(record, "00700080")[:64],
        description=json_items.text(record, "00700081")[:200],
        creator=json_items.text(record, "00700084")[:200],
        references=tuple(references[:_MAX_REFERENCES]),
        words=tuple(words[:_MAX_WORDS]),
    )


def _frames(image: Item) -> tuple[int, ...]:
    return tuple(number for number in json_items.integers(image, "00081160")[:64] if number > 0)
