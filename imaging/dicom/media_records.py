"""What an index of a disc says of one object: the type of its record and its keys (PS3.3 sections F.5 and F.4, table F.4-1).

Keys that an object must have and does not are given the value that says the least, so that every object can be on a disc.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from imaging.dicom import json_items, uids
from imaging.dicom.media_directory import Elements

Record = Mapping[str, Any]

_CLASSES: Final = "1.2.840.10008.5.1.4.1.1."
#: Types by SOP class, the part after the common root (PS3.3 table F.4-1); what is not here is decided by `uids.kind_of`.
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "481.2": "RT DOSE",
        "481.3": "RT STRUCTURE SET",
        "481.5": "RT PLAN",
        "481.8": "RT PLAN",
        "481.4": "RT TREAT RECORD",
        "481.6": "RT TREAT RECORD",
        "481.7": "RT TREAT RECORD",
        "481.9": "RT TREAT RECORD",
        "66": "RAW DATA",
        "66.1": "REGISTRATION",
        "66.3": "REGISTRATION",
        "66.2": "FIDUCIAL",
        "66.5": "SURFACE",
        "66.6": "TRACT",
        "67": "VALUE MAP",
        "4.2": "SPECTROSCOPY",
        "68.1": "SURFACE SCAN",
        "68.2": "SURFACE SCAN",
        "77.1.5.3": "STEREOMETRIC",
        "90.1": "ASSESSMENT",
    }
)
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "structured_report": "SR DOCUMENT",
        "key_objects": "KEY OBJECT DOC",
        "document": "ENCAP DOC",
        "waveform": "WAVEFORM",
        "presentation_state": "PRESENTATION",
        "radiotherapy": "RADIOTHERAPY",
    }
)
_NO_TIME: Final = "000000"


def record_type(sop_class_uid: str) -> str:
    """Directory Record Type (0004,1430) of an object of this class; ``IMAGE`` for all with pixels."""
    suffix = sop_class_uid.removeprefix(_CLASSES)
    if suffix in _TYPES:
        return _TYPES[suffix]
    if suffix.startswith("78.") and suffix != sop_class_uid:
        return "MEASUREMENT"
    kind = uids.kind_of(sop_class_uid)
    if kind in _KINDS:
        return _KINDS[kind]
    return "PRIVATE" if kind in {"other", "directory"} else "IMAGE"


def image(number: int | None, rows: int, columns: int, frames: int) -> Elements:
    """The keys of an image: its number, and what lets a reader make room for it (PS3.3 table F.5-4)."""
    keys: list[tuple[int, str, Any]] = [(0x00200013, "IS", number if number is not None else 0)]
    if rows and columns:
        keys += [(0x00280010, "US", rows), (0x00280011, "US", columns)]
    if frames > 1:
        keys.append((0x00280008, "IS", frames))
    return keys


def keys(kind: str, record: Record, number: int | None, date: str) -> Elements:
    """The keys of an object that is no image, out of its DICOM JSON. ``date`` is the study's (DA), for what has none."""
    found: list[tuple[int, str, Any]] = [(0x00200013, "IS", number if number is not None else 0)]
    return [*found, *_KEYS.get(kind, _nothing)(record, date)]


def _nothing(_record: Record, _date: str) -> Elements:
    return []


def _content_time(record: Record, date: str) -> Elements:
    return [
        (0x00080023, "DA", json_items.text(record, "00080023") or date),
        (0x00080033, "TM", json_items.text(record, "00080033") or _NO_TIME),
    ]


def _report(record: Record, date: str) -> Elements:
    return [
        (0x0040A491, "CS", json_items.text(record, "0040A491") or "PARTIAL"),
        (0x0040A493, "CS", json_items.text(record, "0040A493") or "UNVERIFIED"),
        *_verified(record),
        *_key_object(record, date),
    ]


def _verified(record: Record) -> Elements:
    moments = [json_items.text(item, "0040A030") for item in json_items.items(record, "0040A073", most=20)]
    return [(0x0040A030, "DT", max(moments))] if any(moments) else []


def _key_object(record: Record, date: str) -> Elements:
    return [*_content_time(record, date), (0x0040A043, "SQ", [_code(json_items.first(record, "0040A043"))])]


def _code(item: Record) -> Elements:
    """A coded entry (PS3.3 table 8.8-1)."""
    value = json_items.text(item, "00080100")
    return [
        (0x00080100, "SH", value or "121181"),
        (0x00080102, "SH", json_items.text(item, "00080102") if value else "DCM"),
        (0x00080104, "LO", json_items.text(item, "00080104") if value else "DICOM Object Catalog"),
    ]


def _document(record: Record, date: str) -> Elements:
    titled = json_items.first(record, "0040A043")
    return [
        *_content_time(record, date),
        (0x00420010, "ST", json_items.text(record, "00420010")),
        (0x0040A043, "SQ", [_code(titled)] if titled else []),
        (0x00420012, "LO", json_items.text(record, "00420012") or "application/octet-stream"),
    ]


def _labelled(record: Record, _date: str) -> Elements:
    """Content Identification (PS3.3 table 10.12-1), without the number."""
    return [
        (0x00700080, "CS", json_items.text(record, "00700080") or "UNLABELLED"),
        (0x00700081, "LO", json_items.text(record, "00700081")),
        (0x00700084, "PN", json_items.text(record, "00700084")),
    ]


def _dated_and_labelled(record: Record, date: str) -> Elements:
    return [*_content_time(record, date), *_labelled(record, date)]


def _presentation(record: Record, date: str) -> Elements:
    return [
        (0x00700082, "DA", json_items.text(record, "00700082") or date),
        (0x00700083, "TM", json_items.text(record, "00700083") or _NO_TIME),
        *_labelled(record, date),
    ]


def _spectroscopy(record: Record, date: str) -> Elements:
    sizes = [(0x00280010, "00280010"), (0x00280011, "00280011")]
    return [
        (0x00080008, "CS", json_items.text(record, "00080008") or "ORIGINAL"),
        *_content_time(record, date),
        (0x00280008, "IS", json_items.integer(record, "00280008") or 1),
        *((tag, "US", json_items.integer(record, name) or 0) for tag, name in sizes),
    ]


def _treatment(label: str, day: str, time: str) -> Callable[[Record, str], Elements]:
    """Plans and structure sets: a label with its date and time."""

    def found(record: Record, _date: str) -> Elements:
        return [
            (int(label, 16), "SH", json_items.text(record, label) or "UNLABELLED"),
            (int(day, 16), "DA", json_items.text(record, day)),
            (int(time, 16), "TM", json_items.text(record, time)),
        ]

    return found


def _treated(record: Record, _date: str) -> Elements:
    return [
        (0x30080250, "DA", json_items.text(record, "30080250")),
        (0x30080251, "TM", json_items.text(record, "30080251")),
    ]


def _dose(record: Record, _date: str) -> Elements:
    return [(0x3004000A, "CS", json_items.text(record, "3004000A") or "PLAN")]


def _assessment(record: Record, date: str) -> Elements:
    return [
        (0x00080012, "DA", json_items.text(record, "00080012") or date),
        (0x00080013, "TM", json_items.text(record, "00080013")),
    ]


_KEYS: Final[Mapping[str, Callable[[Record, str], Elements]]] = MappingProxyType(
    {
        "SR DOCUMENT": _report,
        "KEY OBJECT DOC": _key_object,
        "ENCAP DOC": _document,
        "WAVEFORM": _content_time,
        "RAW DATA": _content_time,
        "PRESENTATION": _presentation,
        "REGISTRATION": _dated_and_labelled,
        "FIDUCIAL": _dated_and_labelled,
        "VALUE MAP": _dated_and_labelled,
        "MEASUREMENT": _dated_and_labelled,
        "SURFACE": _dated_and_labelled,
        "TRACT": _dated_and_labelled,
        "SURFACE SCAN": _content_time,
        "SPECTROSCOPY": _spectroscopy,
        "RT DOSE": _dose,
        "RT STRUCTURE SET": _treatment("30060002", "30060008", "30060009"),
        "RT PLAN": _treatment("300A0002", "300A0006", "300A0007"),
        "RT TREAT RECORD": _treated,
        "ASSESSMENT": _assessment,
    }
)
