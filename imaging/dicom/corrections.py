"""Attributes put over a received data set: the bytes stay, what is read and what goes out is corrected (DESIGN 5.2).

Each change leaves an item in Original Attributes Sequence (0400,0561) with the values before it, so that a reader of the
output can see what was received (PS3.3 C.12.1.1.9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imaging.dicom.correctable import UIDS, Attributes, CorrectionInvalid, Level, level_of, normalised, text_of

__all__ = [
    "COERCE",
    "CORRECT",
    "Attributes",
    "Change",
    "CorrectionInvalid",
    "Level",
    "level_of",
    "merged",
    "normalised",
    "overlay",
    "put_over",
    "stamp",
]

#: Reasons for the Attribute Modification (0400,0565): brought into line with another issuer's, or plainly wrong.
COERCE: Final = "COERCE"
CORRECT: Final = "CORRECT"
MODIFYING_SYSTEM: Final = "NEGATOSCOPE"

ORIGINAL_ATTRIBUTES: Final = "04000561"
MODIFIED_ATTRIBUTES: Final = "04000550"
CHARACTER_SET: Final = "00080005"
_UTF_8: Final = {"vr": "CS", "Value": ["ISO_IR 192"]}
_LENGTH_TO_END: Final = "00080001"


@dataclass(frozen=True, slots=True)
class Change:
    """One correction as it goes out. ``made_at`` is aware; ``source`` is who gave the previous values.

    Without ``keeps_before`` those do not go out beside it: they may name another patient, whose they first were thought to be.
    """

    attributes: Attributes
    made_at: datetime
    reason: str = CORRECT
    source: str = ""
    system: str = MODIFYING_SYSTEM
    keeps_before: bool = True


def put_over(dataset: Dataset, attributes: Attributes) -> Dataset:
    """A shallow copy of ``dataset`` with ``attributes`` in the place of its own, to read a header from; it stays as it is.

    Raises KeyError or TypeError for what is no DICOM JSON.
    """
    # As they lie there: pydicom would convert private elements on the way, and fail on those that are broken.
    corrected = Dataset({tag: dataset.get_item(tag) for tag in dataset.keys()})  # noqa: SIM118
    for tag, element in attributes.items():
        base, name = BaseTag(int(tag, 16)), str(element["vr"])
        corrected[base] = DataElement(base, name, text_of(element), already_converted=True)
    return corrected


def merged(changes: Sequence[Change]) -> dict[str, Mapping[str, Any]]:
    """What the changes come to: the later over the earlier, in order of tags."""
    together: dict[str, Mapping[str, Any]] = {}
    for change in changes:
        together.update(change.attributes)
    return dict(sorted(together.items()))


def overlay(record: Mapping[str, Any], changes: Sequence[Change]) -> dict[str, Any]:
    """A DICOM JSON object with the changes put over it, one after the other; ``record`` stays as it is.

    What ``json_model.to_json`` gives for the file that ``corrected_file`` writes.
    """
    if not changes:
        return dict(record)
    corrected = dict(record)
    items = list(_items_of(corrected.get(ORIGINAL_ATTRIBUTES)))
    for change in changes:
        before = {tag: _before(corrected.get(tag), element) for tag, element in change.attributes.items()}
        corrected.update({tag: dict(element) for tag, element in change.attributes.items()})
        if change.keeps_before:
            items.append({MODIFIED_ATTRIBUTES: {"vr": "SQ", "Value": [dict(sorted(before.items()))]}, **stamp(change)})
    if tells_before(changes):
        corrected[ORIGINAL_ATTRIBUTES] = {"vr": "SQ", "Value": items}
    if not all(text.isascii() for text in texts(changes)):
        corrected[CHARACTER_SET] = _UTF_8
    touched = touched_groups(changes)
    return {tag: element for tag, element in sorted(corrected.items()) if not is_length(tag, touched)}


def tells_before(changes: Sequence[Change]) -> bool:
    """Whether an Original Attributes Sequence is written."""
    return any(change.keeps_before for change in changes)


def stamp(change: Change) -> dict[str, dict[str, Any]]:
    """When, by which system, whose values and why: the attributes of an item beside the previous values."""
    moment = change.made_at.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f+0000")
    source = plain(change.source)
    return {
        "04000562": {"vr": "DT", "Value": [moment]},
        "04000563": {"vr": "LO", "Value": [plain(change.system) or MODIFYING_SYSTEM]},
        "04000564": {"vr": "LO", "Value": [source]} if source else {"vr": "LO"},
        "04000565": {"vr": "CS", "Value": [change.reason]},
    }


def plain(text: str) -> str:
    """Text that an LO can hold."""
    return "".join(char for char in text.replace("\\", "/") if char.isprintable()).strip()[:64].rstrip()


def texts(changes: Sequence[Change]) -> list[str]:
    """Every text that the changes write: the character set must hold them all."""
    return [
        text
        for change in changes
        for text in (plain(change.source), *(text_of(element) for element in change.attributes.values()))
    ]


def touched_groups(changes: Sequence[Change]) -> frozenset[str]:
    """The groups, as four digits, in which the length of something changes."""
    return frozenset({"0400", "0008", *(tag[:4] for change in changes for tag in change.attributes)})


def is_length(tag: str, groups: frozenset[str]) -> bool:
    """Whether this is a retired group length (gggg,0000) that would be wrong now (PS3.5 section 7.2)."""
    return tag == _LENGTH_TO_END or (tag.endswith("0000") and tag[:4] in groups)


def changes_uids(attributes: Attributes) -> bool:
    """Whether the object itself gets another identity, or another place in the hierarchy."""
    return not UIDS.isdisjoint(attributes)


def is_kept_as_before(element: Mapping[str, Any] | None) -> bool:
    """Whether a received value can be repeated as a previous value: there, and neither a sequence nor too big to be inline."""
    return element is not None and element.get("vr") != "SQ" and "BulkDataURI" not in element


def _before(element: Mapping[str, Any] | None, corrected: Mapping[str, Any]) -> dict[str, Any]:
    """The previous value; an attribute that was absent counts as empty."""
    if element is None or not is_kept_as_before(element):
        return {"vr": str(corrected["vr"])}
    return dict(element)


def _items_of(element: Mapping[str, Any] | None) -> list[Any]:
    return list(element.get("Value") or []) if element is not None and element.get("vr") == "SQ" else []
