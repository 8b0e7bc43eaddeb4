"""What a machine may report of an exam: the rules of the modality performed procedure step (PS3.4 annex F), without a database.

Data sets are DICOM JSON objects, as they were told. What is asked of them is what the standard asks of every machine (type 1 in
PS3.4 table F.7.2-1); what it lets be empty may be missing as well, because many machines in use leave it out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from typing import Any, Final

from imaging.dicom import correctable, temporal_matching, uids
from imaging.dicom.matching import name_of
from imaging.dicom.temporal_matching import Days, Times

Record = Mapping[str, Any]

_STATUS: Final = "00400252"
_SCHEDULED: Final = "00400270"
_SERIES: Final = "00400340"
_STUDY_UID, _ACCESSION, _STEP_ID, _REQUESTED_ID = "0020000D", "00080050", "00400009", "00401001"
_START: Final = ("00400244", "00400245")
_END: Final = ("00400250", "00400251")
_REASON: Final = "00400281"
_CODE, _MEANING = "00080100", "00080104"
_MODALITY, _PATIENT_ID = "00080060", "00100020"
_PERFORMED_ID, _STATION = "00400253", "00400241"
_IMAGES, _OTHERS, _INSTANCE_UID = "00081140", "00400220", "00081155"
_SERIES_UID: Final = "0020000E"

_ALWAYS_TOLD: Final = (_SCHEDULED, _PERFORMED_ID, _STATION, *_START, _STATUS, _MODALITY)
#: What N-SET may not change (PS3.4 table F.7.2-1): who, for which order, where and when it began.
_FIXED: Final = frozenset({
    "00080005", _MODALITY, "00081120", "00100010", _PATIENT_ID, "00100021", "00100030", "00100040", "00200010", _STATION, *_START,
    _PERFORMED_ID, _SCHEDULED,
})  # fmt: skip

#: More scheduled steps than one report may stand for (the group case, IHE RAD TF-1, section 6).
_MOST_STEPS: Final = 32
#: DCM 110514: the machine's user had picked somebody else's line of the worklist (PS3.16 CID 9300).
WRONG_ENTRY: Final = "110514"


class State(StrEnum):
    """The values of ``PerformedStep.State``."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DISCONTINUED = "discontinued"


_STATES: Final = {
    "IN PROGRESS": State.IN_PROGRESS,
    "COMPLETED": State.COMPLETED,
    "DISCONTINUED": State.DISCONTINUED,
}


class Fault(StrEnum):
    """What is wrong with an attribute."""

    MISSING = "missing"
    EMPTY = "empty"
    INVALID = "invalid"


class NotAcceptable(Exception):
    """An attribute is missing, empty or no valid one; ``keyword`` says which, ``words`` say it to a technician."""

    def __init__(self, fault: Fault, tag: str, words: str = "") -> None:
        """Keep both for the answer."""
        self.fault = fault
        self.tag = int(tag, 16)
        self.words = f"{name_of(self.tag)} {words or _WORDS[fault]}"
        super().__init__(self.words)


_WORDS: Final = {Fault.MISSING: "is missing", Fault.EMPTY: "has no value", Fault.INVALID: "is not valid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One scheduled step as a report names it."""

    study_instance_uid: str
    accession_number: str
    step_id: str
    requested_procedure_id: str


def check_creation(record: Record) -> None:
    """Whether a machine may begin with this. Raises ``NotAcceptable``."""
    for tag in _ALWAYS_TOLD:
        _require(record, tag)
    if state_of(record) is not State.IN_PROGRESS:
        raise NotAcceptable(Fault.INVALID, _STATUS, "must be IN PROGRESS")
    for item in _items(record, _SCHEDULED):
        _require(item, _STUDY_UID)
        if not uids.is_valid_uid(_text(item, _STUDY_UID)):
            raise NotAcceptable(Fault.INVALID, _STUDY_UID)
    if len(_items(record, _SCHEDULED)) > _MOST_STEPS:
        raise NotAcceptable(Fault.INVALID, _SCHEDULED, f"has more than {_MOST_STEPS} items")
    _check_moment(record, _START)
    _check_series(record)


def check_change(record: Record, kept: Record, *, has_images: bool) -> dict[str, Any]:
    """What is kept after a change, of what was kept before it and of what is said now.

    ``has_images`` tells that images of the study have come. What a change may not touch stays as it was: ``refused`` says so.
    Raises ``NotAcceptable``.
    """
    merged = {**kept, **{tag: element for tag, element in record.items() if tag not in _FIXED}}
    if _STATUS in record:
        _require(record, _STATUS)
    state = state_of(merged)
    _check_series(merged)
    if state is State.IN_PROGRESS:
        return merged
    for tag in _END:
        _require(merged, tag)
    _check_moment(merged, _END)
    if state is State.COMPLETED and has_images and not _items(merged, _SERIES):
        raise NotAcceptable(Fault.EMPTY if _SERIES in merged else Fault.MISSING, _SERIES)
    return merged


def refused(record: Record, kept: Record) -> list[int]:
    """The attributes that a change says otherwise than before and that it may not change."""
    return [
        int(tag, 16)
        for tag, element in record.items()
        if tag in _FIXED and correctable.text_of(_plain(element)) != correctable.text_of(_plain(kept.get(tag) or {}))
    ]


def state_of(record: Record) -> State:
    """Performed Procedure Step Status (0040,0252). Raises ``NotAcceptable`` for what is none."""
    state = _STATES.get(_text(record, _STATUS))
    if state is None:
        raise NotAcceptable(Fault.INVALID, _STATUS, "is none of its terms")
    return state


def named(record: Record) -> list[Named]:
    """The scheduled steps that a report names."""
    return [
        Named(
            study_instance_uid=_text(item, _STUDY_UID)[:64],
            accession_number=_text(item, _ACCESSION)[:16],
            step_id=_text(item, _STEP_ID)[:16],
            requested_procedure_id=_text(item, _REQUESTED_ID)[:16],
        )
        for item in _items(record, _SCHEDULED)[:_MOST_STEPS]
    ]


def modality(record: Record) -> str:
    """Modality (0008,0060)."""
    return _text(record, _MODALITY)[:16]


def patient_id(record: Record) -> str:
    """Patient ID (0010,0020)."""
    return _text(record, _PATIENT_ID)[:64]


def started(record: Record, zone: tzinfo) -> datetime | None:
    """When it began; told in the machine's local time."""
    return _moment(record, _START, zone)


def ended(record: Record, zone: tzinfo) -> datetime | None:
    """When it ended."""
    return _moment(record, _END, zone)


def discontinuation(record: Record) -> tuple[str, str]:
    """Code and words of why it was broken off (PS3.16 CID 9300); empty where it is not said."""
    item = next(iter(_items(record, _REASON)), {})
    return _text(item, _CODE)[:16], _text(item, _MEANING)[:200]


def instances(record: Record) -> frozenset[str]:
    """The SOP Instance UIDs of everything that was made."""
    return frozenset(_instances(record))


def _instances(record: Record) -> Iterator[str]:
    for series in _items(record, _SERIES):
        for tag in (_IMAGES, _OTHERS):
            for item in _items(series, tag):
                if uid := _text(item, _INSTANCE_UID):
                    yield uid


def cleaned(value: Any) -> Any:
    """The same as a database can keep it: without NUL, and without halves of characters."""
    if isinstance(value, dict):
        return {tag: cleaned(inner) for tag, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner) for inner in value]
    return value.replace("\0", "").encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _check_series(record: Record) -> None:
    """A series without its UID could be found by nobody."""
    for series in _items(record, _SERIES):
        if not uids.is_valid_uid(_text(series, _SERIES_UID)):
            raise NotAcceptable(Fault.INVALID if _text(series, _SERIES_UID) else Fault.MISSING, _SERIES_UID)


def _require(record: Record, tag: str) -> None:
    if tag not in record:
        raise NotAcceptable(Fault.MISSING, tag)
    is_there = _items(record, tag) if _plain(record[tag]).get("vr") == "SQ" else _text(record, tag)
    if not is_there:
        raise NotAcceptable(Fault.EMPTY, tag)


def _check_moment(record: Record, tags: tuple[str, str]) -> None:
    for tag, kind in zip(tags, ("DA", "TM"), strict=True):
        text = _text(record, tag)
        try:
            found = temporal_matching.parse(kind, text)
        except ValueError as error:
            raise NotAcceptable(Fault.INVALID, tag) from error
        if "-" in text or not isinstance(found, Days | Times):
            raise NotAcceptable(Fault.INVALID, tag)


def _moment(record: Record, tags: tuple[str, str], zone: tzinfo) -> datetime | None:
    try:
        day, time = (
            temporal_matching.parse(kind, _text(record, tag)) for tag, kind in zip(tags, ("DA", "TM"), strict=True)
        )
    except ValueError:
        return None
    if not isinstance(day, Days) or not isinstance(time, Times) or day.first is None or time.first is None:
        return None
    return datetime.combine(day.first, time.first, zone)


def _items(record: Record, tag: str) -> list[Record]:
    values = _plain(record.get(tag)).get("Value")
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _text(record: Record, tag: str) -> str:
    """The first value of an attribute."""
    values = _plain(record.get(tag)).get("Value")
    first = values[0] if isinstance(values, list) and values else None
    return "" if first is None else correctable.text_of({"Value": [first]}).strip()


def _plain(element: Any) -> dict[str, Any]:
    return element if isinstance(element, dict) else {}
