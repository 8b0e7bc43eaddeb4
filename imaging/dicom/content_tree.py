"""The content of a structured report as a tree of plain values (PS3.3 C.17.3), out of its DICOM JSON. Everything in it is hostile."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from imaging.dicom import json_items, person_name
from imaging.dicom.json_items import Item

#: Items and levels beyond which the rest is left out, and said to be.
MAX_ITEMS: Final = 5000
MAX_DEPTH: Final = 24
_MAX_TEXT: Final = 20_000

_CONTENT, _CONCEPT, _RELATION, _VALUE_TYPE = "0040A730", "0040A043", "0040A010", "0040A040"
_REFERENCED: Final = frozenset({"IMAGE", "WAVEFORM", "COMPOSITE"})
_TEXTS: Final = {
    "TEXT": "0040A160",
    "DATE": "0040A121",
    "TIME": "0040A122",
    "DATETIME": "0040A120",
    "UIDREF": "0040A124",
}


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept: what it means, its value and its scheme."""

    meaning: str = ""
    value: str = ""
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class ImageReference:
    """Another object that an item speaks of, and which of its frames."""

    sop_class_uid: str
    sop_instance_uid: str
    frames: tuple[int, ...] = ()


@dataclass(slots=True)
class Node:
    """One content item. ``kind`` is its value type, ``relation`` how it belongs to its parent; ``unit`` is of a number."""

    kind: str
    relation: str = ""
    concept: Code = Code()
    text: str = ""
    code: Code | None = None
    unit: Code | None = None
    reference: ImageReference | None = None
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ContentTree:
    """A whole report; ``is_cut`` when it was larger than is read."""

    title: Code
    root: Node
    is_cut: bool
    completion: str
    verification: str


def read(record: Item) -> ContentTree:
    """The tree of a structured report or key object selection; without content, a root without children."""
    root = _node(record)
    count, is_cut = 0, False
    # A list of what is still to be read, not calls within calls: the depth is a stranger's choice.
    waiting = [(root, record, 1)]
    while waiting:
        parent, item, depth = waiting.pop()
        for child in json_items.items(item, _CONTENT, most=MAX_ITEMS + 1):
            count += 1
            if count > MAX_ITEMS or depth > MAX_DEPTH:
                is_cut = True
                break
            made = _node(child)
            parent.children.append(made)
            waiting.append((made, child, depth + 1))
    return ContentTree(
        title=root.concept,
        root=root,
        is_cut=is_cut,
        completion=json_items.text(record, "0040A491"),
        verification=json_items.text(record, "0040A493"),
    )


def _node(item: Item) -> Node:
    kind = json_items.text(item, _VALUE_TYPE)[:16]
    node = Node(kind, json_items.text(item, _RELATION)[:24], _code(json_items.first(item, _CONCEPT)))
    if kind in _TEXTS:
        node.text = _readable(kind, json_items.text(item, _TEXTS[kind]))
    elif kind == "CODE":
        node.code = _code(json_items.first(item, "0040A168"))
        node.text = node.code.meaning
    elif kind == "NUM":
        measured = json_items.first(item, "0040A300")
        node.text = json_items.text(measured, "0040A30A")[:64]
        node.unit = _code(json_items.first(measured, "004008EA"))
        if not node.text:  # a number that could not be measured says why (PS3.3 C.18.1)
            node.code = _code(json_items.first(item, "0040A301"))
    elif kind == "PNAME":
        node.text = person_name.display(json_items.text(item, "0040A123"))[:324]
    elif kind in _REFERENCED:
        node.reference = _reference(json_items.first(item, "00081199"))
    elif kind in {"SCOORD", "SCOORD3D"}:
        node.text = json_items.text(item, "00700023")[:16]
    return node


def _code(item: Item) -> Code:
    value = next((found for tag in ("00080100", "00080119", "00080120") if (found := json_items.text(item, tag))), "")
    return Code(json_items.text(item, "00080104")[:1024], value[:256], json_items.text(item, "00080102")[:16])


def _reference(item: Item) -> ImageReference | None:
    uid = json_items.text(item, "00081155")[:64]
    if not re.fullmatch(r"[0-9.]{1,64}", uid):
        return None
    frames = tuple(number for number in json_items.integers(item, "00081160")[:64] if number > 0)
    return ImageReference(json_items.text(item, "00081150")[:64], uid, frames)


def _readable(kind: str, value: str) -> str:
    """Dates and times as ISO 8601 has them; other texts as they are."""
    if kind in {"DATE", "DATETIME"}:
        return re.sub(r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?.*)?$", _iso, value[:32])
    if kind == "TIME":
        return re.sub(r"^(\d{2})(\d{2})(\d{2})?.*$", lambda at: ":".join(filter(None, at.groups())), value[:16])
    return value[:_MAX_TEXT]


def _iso(found: re.Match[str]) -> str:
    date, time = "-".join(found.groups()[:3]), ":".join(filter(None, found.groups()[3:]))
    return f"{date} {time}".strip()
