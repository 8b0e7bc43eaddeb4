"""What a card says of an object without pixels: its own words, taken from its DICOM JSON, capped. Runs in the pool.

The words are the object's, never the interface's: one card serves readers of every language.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from pydicom.uid import UID

from imaging.dicom import person_name
from imaging.dicom.errors import Malformed

MAX_LINES: Final = 24
_MAX_TEXT: Final = 160
_MAX_DEPTH: Final = 6
_MAX_ITEMS: Final = 400
_CONTEXT: Final = frozenset({"HAS OBS CONTEXT", "HAS ACQ CONTEXT"})
_LANGUAGE: Final = "121049"

Item = Mapping[str, Any]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a card: a label in a fainter ink, a value, and a swatch of colour before it."""

    value: str
    label: str = ""
    depth: int = 0
    swatch: Colour | None = None


@dataclass(frozen=True, slots=True)
class Tile:
    """A card: a short code (as ``Modality`` has them), a title, lines. ``moving`` adds the sign of a film."""

    code: str
    title: str
    lines: tuple[Line, ...] = ()
    moving: bool = False


def of(record: bytes, sop_class_uid: str, words: Sequence[tuple[str, str]] = ()) -> Tile:
    """The card of an object from its DICOM JSON, with ``words`` (label, value) after its own. Raises ``DicomError``."""
    try:
        item = json.loads(record)
    except ValueError as error:
        raise Malformed("the headers cannot be read") from error
    if not isinstance(item, dict):
        raise Malformed("the headers are no object")
    modality = text(item, "00080060")
    make = next((make for prefix, make in _MAKERS.items() if sop_class_uid.startswith(prefix)), None)
    tile = make(item, modality) if make else _plain(item, modality, UID(sop_class_uid).name)
    more = tuple(Line(clean(value), clean(label)) for label, value in words[:MAX_LINES])
    return replace(tile, lines=(*tile.lines, *more)[:MAX_LINES]) if more else tile


def _plain(item: Item, modality: str, sop_class: str) -> Tile:
    title = text(item, "0008103E") or sop_class
    return Tile(modality, title, tuple(_lines(("", text(item, "00081030")), ("", sop_class))))


def _document(item: Item, modality: str) -> Tile:
    media_type = text(item, "00420012").lower()
    code = {"application/pdf": "PDF", "text/xml": "CDA", "model/stl": "STL"}.get(media_type, modality)
    title = text(item, "00420010") or meaning(first(item, "0040A043")) or text(item, "0008103E") or code
    return Tile(code, title, tuple(_lines(("", text(item, "00081030")), ("", date(item, "00080023")))))


def _report(item: Item, modality: str) -> Tile:
    title = meaning(first(item, "0040A043")) or text(item, "0008103E") or modality
    lines = tuple(islice(_content(item, 0), MAX_LINES))
    return Tile(modality or "SR", title, lines)


def _content(item: Item, depth: int) -> Iterator[Line]:
    """Depth first through a content tree (PS3.3 C.17.3), containers as headings."""
    if depth > _MAX_DEPTH:
        return
    for child in items(item, "0040A730"):
        # Who looked, at what, in which language: not what was found.
        if text(child, "0040A010") in _CONTEXT or text(first(child, "0040A043"), "00080100") == _LANGUAGE:
            continue
        label, value = meaning(first(child, "0040A043")), _content_value(child)
        if value or (label and child.get("0040A730")):
            yield Line(value, label, min(depth, 3))
        yield from _content(child, depth + 1)


def _content_value(item: Item) -> str:
    kind = text(item, "0040A040")
    if kind == "CODE":
        return meaning(first(item, "0040A168"))
    if kind == "NUM":
        measured = first(item, "0040A300")
        unit = text(first(measured, "004008EA"), "00080100")
        return f"{text(measured, '0040A30A')} {'' if unit == '1' else unit}".strip()
    if kind == "PNAME":
        return clean(person_name.display(text(item, "0040A123")))
    if kind == "IMAGE":
        return ""
    return next((found for tag in ("0040A160", "0040A121", "0040A122", "0040A120") if (found := text(item, tag))), "")


def _key_objects(item: Item, modality: str) -> Tile:
    title = meaning(first(item, "0040A043")) or text(item, "0008103E") or modality
    content = items(item, "0040A730")
    images = sum(text(child, "0040A040") == "IMAGE" for child in content)
    words = [Line(_content_value(child)) for child in content if text(child, "0040A040") == "TEXT"]
    return Tile("KO", title, (Line(f"× {images}"), *words[:MAX_LINES]) if images else tuple(words[:MAX_LINES]))


def _presentation(item: Item, modality: str) -> Tile:
    title = text(item, "00700080") or text(item, "0008103E") or modality
    references = sum(len(items(series, "00081140")) for series in items(item, "00081115"))
    images = Line(f"× {references}") if references else None
    written = [
        Line(words)
        for annotation in items(item, "00700001")
        for note in items(annotation, "00700008")
        if (words := text(note, "00700006"))
    ]
    lines = filter(None, (*_lines(("", text(item, "00700081"))), images, *written))
    return Tile("PR", title, tuple(lines)[:MAX_LINES])


def _structures(item: Item, modality: str) -> Tile:
    title = text(item, "30060002") or text(item, "30060004") or text(item, "0008103E") or modality
    colours = {text(roi, "30060084"): _colour(roi) for roi in items(item, "30060039")}
    lines = [Line(text(roi, "30060026"), swatch=colours.get(text(roi, "30060022"))) for roi in items(item, "30060020")]
    return Tile(modality, title, tuple(lines[:MAX_LINES]))


def _colour(roi: Item) -> Colour | None:
    values = roi.get("3006002A", {}).get("Value", [])
    if len(values) != 3 or not all(isinstance(part, int | float) for part in values):
        return None
    red, green, blue = (min(255, max(0, int(part))) for part in values)
    return red, green, blue


def _plan(item: Item, modality: str) -> Tile:
    title = text(item, "300A0002") or text(item, "300A0003") or text(item, "0008103E") or modality
    group = first(item, "300A0070")
    doses = [text(reference, "300A0026") for reference in items(item, "300A0010")]
    beams = [Line(text(beam, "300A00C2"), text(beam, "300A00C6")) for beam in items(item, "300A00B0")]
    head = _lines(
        ("", text(item, "300A0003") if text(item, "300A0003") != title else ""),
        ("Gy", " / ".join(filter(None, doses))),
        ("×", text(group, "300A0078")),
    )
    return Tile(modality, title, tuple([*head, *beams][:MAX_LINES]))


def _video(item: Item, modality: str) -> Tile:
    title = text(item, "0008103E") or text(item, "00081030") or modality
    size = " × ".join(filter(None, (text(item, "00280011"), text(item, "00280010"))))
    return Tile(modality, title, tuple(_lines(("", size), ("", text(item, "00280008")))), moving=True)


def _raw(item: Item, modality: str) -> Tile:
    return Tile(modality, text(item, "0008103E") or modality, tuple(_lines(("", text(item, "00080070")))))


#: By the start of the SOP Class UID, the first that fits (PS3.4 table B.5-1).
_MAKERS: Final[Mapping[str, Callable[[Item, str], Tile]]] = MappingProxyType(
    {
        "1.2.840.10008.5.1.4.1.1.104.": _document,
        "1.2.840.10008.5.1.4.1.1.88.59": _key_objects,
        "1.2.840.10008.5.1.4.1.1.88.": _report,
        "1.2.840.10008.5.1.4.1.1.11.": _presentation,
        "1.2.840.10008.5.1.4.1.1.481.3": _structures,
        "1.2.840.10008.5.1.4.1.1.481.5": _plan,
        "1.2.840.10008.5.1.4.1.1.481.8": _plan,
        "1.2.840.10008.5.1.4.1.1.77.1.": _video,
        "1.2.840.10008.5.1.4.1.1.66": _raw,
    }
)


def items(item: Item, tag: str) -> list[Item]:
    """The items of a sequence, capped."""
    values = item.get(tag, {}).get("Value", []) if isinstance(item.get(tag), dict) else []
    return [value for value in values[:_MAX_ITEMS] if isinstance(value, dict)] if isinstance(values, list) else []


def first(item: Item, tag: str) -> Item:
    """The first item of a sequence, or an empty one."""
    return next(iter(items(item, tag)), {})


def text(item: Item, tag: str) -> str:
    """The first value of an attribute as clean text."""
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    value = values[0] if isinstance(values, list) and values else ""
    if isinstance(value, dict):
        value = value.get("Alphabetic", "")
    return clean(str(value)) if isinstance(value, str | int | float) else ""


def meaning(code: Item) -> str:
    """What a coded concept means."""
    return text(code, "00080104")


def date(item: Item, tag: str) -> str:
    """A date as ISO 8601, which reads alike everywhere."""
    return re.sub(r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3", text(item, tag))


def clean(value: str) -> str:
    """One capped line without control or invisible formatting characters."""
    kept = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in value[: _MAX_TEXT * 4])
    return " ".join(kept.split())[:_MAX_TEXT]


def _lines(*pairs: tuple[str, str]) -> Iterator[Line]:
    return (Line(value, label) for label, value in pairs if value)
