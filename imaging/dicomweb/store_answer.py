"""What a store request is answered: the Store Instances Response Module (PS3.18 annex I.2), in the JSON model. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

_RETRIEVE_URL: Final = "00081190"
_WARNING_REASON: Final = "00081196"
_FAILURE_REASON: Final = "00081197"
_FAILED_SOP_SEQUENCE: Final = "00081198"
_REFERENCED_SOP_SEQUENCE: Final = "00081199"
_OTHER_FAILURES_SEQUENCE: Final = "0008119A"
_REFERENCED_SOP_CLASS_UID: Final = "00081150"
_REFERENCED_SOP_INSTANCE_UID: Final = "00081155"
#: The words to the code, where DIMSE has them (PS3.7 annex C) and other archives put them too.
_ERROR_COMMENT: Final = "00000902"
_COMMENT_LENGTH: Final = 64


class Failure(IntEnum):
    """Failure Reason (PS3.18 section I.2.2); the last two hexadecimal digits of `Axxx` and `Cxxx` are ours to choose."""

    PROCESSING_FAILURE = 0x0110
    OUT_OF_RESOURCES = 0xA700
    ANOTHER_STUDY = 0xA901
    CANNOT_UNDERSTAND = 0xC000
    BULK_DATA_MISSING = 0xC001
    PART_NOT_UNDERSTOOD = 0xC002
    TRANSFER_SYNTAX_NOT_SUPPORTED = 0xC122


class Warned(IntEnum):
    """Warning Reason (PS3.18 section I.2.2)."""

    COERCED = 0xB000
    ELEMENTS_DISCARDED = 0xB006
    DOES_NOT_MATCH_SOP_CLASS = 0xB007


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of one object. Without its UIDs it is a failure of the request, not of an instance.

    ``comment`` is English, has no patient data, and says nothing of what the archive holds.
    """

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    retrieve_url: str = ""
    failure: Failure | None = None
    warning: Warned | None = None
    comment: str = ""


Dataset = dict[str, dict[str, Any]]


def status_of(told: Sequence[Told]) -> int:
    """200, 202 or 409, as PS3.18 table 10.5.3-1 gives them to a request that could be read to its end."""
    failures = sum(item.failure is not None for item in told)
    if failures == len(told):
        return 409
    return 202 if failures or any(item.warning for item in told) else 200


def module(told: Sequence[Told], *, study_url: str = "") -> Dataset:
    """The response module as a DICOM JSON object (PS3.18 annex F)."""
    stored = [_stored(item) for item in told if item.failure is None]
    failed = [_failed(item) for item in told if item.failure is not None and item.sop_instance_uid]
    other = [_failed(item) for item in told if item.failure is not None and not item.sop_instance_uid]
    found: Dataset = {_RETRIEVE_URL: _element("UR", study_url if stored else "")}
    for tag, items in (
        (_FAILED_SOP_SEQUENCE, failed),
        (_REFERENCED_SOP_SEQUENCE, stored),
        (_OTHER_FAILURES_SEQUENCE, other),
    ):
        if items:
            found[tag] = {"vr": "SQ", "Value": items}
    return found


def to_json(found: Dataset) -> bytes:
    """As `application/dicom+json`: one object, not an array, because it is one."""
    return json.dumps(found, separators=(",", ":")).encode()


def _element(vr: str, *values: str | int) -> dict[str, Any]:
    filled = [value for value in values if value != ""]
    return {"vr": vr, "Value": filled} if filled else {"vr": vr}


def _reference(item: Told) -> Dataset:
    return {
        _REFERENCED_SOP_CLASS_UID: _element("UI", item.sop_class_uid),
        _REFERENCED_SOP_INSTANCE_UID: _element("UI", item.sop_instance_uid),
    }


def _stored(item: Told) -> Dataset:
    found = {**_reference(item), _RETRIEVE_URL: _element("UR", item.retrieve_url)}
    if item.warning is not None:
        found[_WARNING_REASON] = _element("US", int(item.warning))
    return found | _comment(item)


def _failed(item: Told) -> Dataset:
    found = _reference(item) if item.sop_instance_uid else {}
    found[_FAILURE_REASON] = _element("US", int(item.failure or Failure.PROCESSING_FAILURE))
    return found | _comment(item)


def _comment(item: Told) -> Dataset:
    return {_ERROR_COMMENT: _element("LO", _plain(item.comment))} if item.comment else {}


def _plain(comment: str) -> str:
    """A value of LO: no backslash, no control character, 64 at most (PS3.5 table 6.2-1)."""
    return "".join(char for char in comment if char.isprintable() and char != "\\")[:_COMMENT_LENGTH]
