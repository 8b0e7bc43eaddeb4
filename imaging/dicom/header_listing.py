"""A header as lines to read: tag, name, VR and value of every attribute of a DICOM JSON object (PS3.18 annex F)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydicom import datadict

#: A header can be built to be endless: beyond these, the rest is cut.
MOST_LINES: Final = 5000
LONGEST_VALUE: Final = 512
_MOST_VALUES = 64
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One attribute. ``depth`` counts the sequences around it; ``value`` is plain text, cut when ``is_cut``."""

    tag: str
    name: str
    vr: str
    value: str
    depth: int = 0
    is_private: bool = False
    is_cut: bool = False

    def holds(self, text: str) -> bool:
        """Whether tag, name or value hold the text, without regard to case; a tag also as eight digits."""
        wanted = text.casefold()
        plain = self.tag.strip("()").replace(",", "")
        return any(wanted in place.casefold() for place in (self.tag, plain, self.name, self.value))


def listing(instance: dict[str, Any], depth: int = 0) -> Iterator[Line]:
    """Lines in order of tags, sequences opened in place. What is not DICOM JSON is left out, never an error."""
    creators: dict[str, str] = {}
    for tag in sorted(instance):
        element = instance[tag]
        if len(tag) != 8 or not isinstance(element, dict):
            continue
        vr = str(element.get("vr", ""))[:2]
        items = element.get("Value") or []
        if tag[4:6] == "00" and _is_private(tag) and items:
            creators[tag[:4] + tag[6:]] = str(items[0])  # (gggg,00bb) names the block (gggg,bbxx)
        name, private = _name(tag, creators)
        if vr == "SQ":
            yield Line(_written(tag), name, vr, "", depth, private)
            yield from _items(items, depth)
        else:
            value = _value(element)
            yield Line(_written(tag), name, vr, value[:LONGEST_VALUE], depth, private, len(value) > LONGEST_VALUE)


def _items(items: Any, depth: int) -> Iterator[Line]:
    if depth >= _DEEPEST or not isinstance(items, list):
        return
    for number, item in enumerate(items, 1):
        yield Line("", f"#{number}", "", "", depth + 1)
        if isinstance(item, dict):
            yield from listing(item, depth + 1)


def _is_private(tag: str) -> bool:
    return tag[3] in "13579BbDdFf"


def _written(tag: str) -> str:
    return f"({tag[:4]},{tag[4:]})"


def _name(tag: str, creators: dict[str, str]) -> tuple[str, bool]:
    """Name of the attribute and whether it is private; a private one is named by its creator where that is known."""
    try:
        number = int(tag, 16)
    except ValueError:
        return "", False
    if not _is_private(tag):
        try:
            return datadict.dictionary_description(number), False
        except KeyError:
            return "", False
    if tag[4:6] == "00":
        return "Private Creator", True
    creator = creators.get(tag[:6], "")
    try:
        return f"{creator}: {datadict.private_dictionary_description(number, creator)}", True
    except KeyError:
        return creator, True


def _value(element: dict[str, Any]) -> str:
    if "BulkDataURI" in element or "InlineBinary" in element:
        inline = element.get("InlineBinary")
        return f"[{len(inline) * 3 // 4} bytes]" if isinstance(inline, str) else "[…]"
    values = element.get("Value")
    if not isinstance(values, list):
        return ""
    text = " \\ ".join(_one(value) for value in values[:_MOST_VALUES])
    return f"{text} \\ …" if len(values) > _MOST_VALUES else text


def _one(value: Any) -> str:
    if isinstance(value, dict):
        groups = [str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)
