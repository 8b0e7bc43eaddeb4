"""A header as lines to read: tag, name, VR and value of every attribute of a DICOM JSON object (PS3.18 annex F)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydicom import datadict

#: A header can be built to be endless: beyond these, the rest is cut.
MOST_LINES: Final = 5000
LONGEST_VALUE: Final = 512
#: What "show all" shows of one long value, and of all of them together, in characters.
LONGEST_WHOLE: Final = 16_384
_WHOLE_TOGETHER: Final = 256 * 1024
_MOST_VALUES = 64
_MOST_VALUES_WHOLE = 2048
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One attribute. ``depth`` counts the sequences around it; ``value`` is plain text, cut when ``is_cut``.

    ``path`` leads to it as dcmtk writes it, ``(0040,0275)[0].(0040,0007)``; an item's ends in its number. ``whole`` is what
    there is of a cut value, which may be cut too.
    """

    tag: str
    name: str
    vr: str
    value: str
    depth: int = 0
    is_private: bool = False
    is_cut: bool = False
    keyword: str = ""
    path: str = ""
    whole: str = ""

    @property
    def is_sequence(self) -> bool:
        """Whether other lines lie within it."""
        return self.vr == "SQ" or not self.tag

    def holds(self, text: str) -> bool:
        """Whether tag, keyword, name or value hold the text, without regard to case; a tag also as eight digits."""
        wanted = text.casefold()
        plain = self.tag.strip("()").replace(",", "")
        places = (self.tag, plain, self.keyword, self.name, self.whole or self.value)
        return any(wanted in place.casefold() for place in places)


@dataclass(slots=True)
class _Budget:
    """Characters that long values may still take."""

    left: int = _WHOLE_TOGETHER

    def take(self, text: str) -> str:
        """The text, or nothing when there is no room for it."""
        if len(text) > self.left:
            return ""
        self.left -= len(text)
        return text


def listing(instance: dict[str, Any]) -> Iterator[Line]:
    """Lines in order of tags, sequences opened in place. What is not DICOM JSON is left out, never an error."""
    return _lines(instance, 0, "", _Budget())


def _lines(instance: dict[str, Any], depth: int, prefix: str, budget: _Budget) -> Iterator[Line]:
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
        path = prefix + _written(tag)
        place: dict[str, Any] = {"keyword": _keyword(tag), "path": path}
        if vr == "SQ":
            yield Line(_written(tag), name, vr, "", depth, private, **place)
            yield from _items(items, depth, path, budget)
        else:
            value = _value(element)
            is_cut = len(value) > LONGEST_VALUE
            whole = budget.take(value[:LONGEST_WHOLE]) if is_cut else ""
            yield Line(_written(tag), name, vr, value[:LONGEST_VALUE], depth, private, is_cut, whole=whole, **place)


def _items(items: Any, depth: int, path: str, budget: _Budget) -> Iterator[Line]:
    if depth >= _DEEPEST or not isinstance(items, list):
        return
    for number, item in enumerate(items):
        place = f"{path}[{number}]"
        yield Line("", f"#{number + 1}", "", "", depth + 1, path=place)
        if isinstance(item, dict):
            yield from _lines(item, depth + 1, f"{place}.", budget)


def _is_private(tag: str) -> bool:
    return tag[3] in "13579BbDdFf"


def _written(tag: str) -> str:
    return f"({tag[:4]},{tag[4:]})"


def _keyword(tag: str) -> str:
    """Keyword of PS3.6, by which programs know the attribute; empty for what has none."""
    try:
        return datadict.keyword_for_tag(int(tag, 16))
    except ValueError:
        return ""


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
    most = _MOST_VALUES_WHOLE if len(values) > _MOST_VALUES else _MOST_VALUES
    text = " \\ ".join(_one(value) for value in values[:most])
    return f"{text} \\ …" if len(values) > most else text


def _one(value: Any) -> str:
    if isinstance(value, dict):
        groups = [str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)
