"""Which attributes may be corrected, at which level, and what a corrected value must look like (PS3.5 section 6.2).

Only what identifies or describes: nothing that says how pixels are to be read, and no sequence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final

from pydicom import datadict

from imaging.dicom import element_text, json_values, uids
from imaging.dicom.errors import DicomError

#: A DICOM JSON object (PS3.18 annex F): tag of eight hexadecimal digits to ``{"vr": …, "Value": […]}``.
Attributes = Mapping[str, Mapping[str, Any]]


class CorrectionInvalid(DicomError):
    """An attribute that may not be corrected, or a value that it cannot have; ``tag`` says which."""

    default_code = "invalid_correction"

    def __init__(self, tag: str, detail: str, *, code: str | None = None) -> None:
        """Keep the tag beside the reason."""
        super().__init__(f"{tag} {detail}", code=code)
        self.tag = tag


class Level(IntEnum):
    """Of what an attribute speaks (PS3.3 A.1.2); the wider, the lower the number."""

    PATIENT = 1
    STUDY = 2
    SERIES = 3
    INSTANCE = 4


def _levels(table: Mapping[Level, str]) -> Mapping[str, Level]:
    return MappingProxyType({tag: level for level, tags in table.items() for tag in tags.split()})


#: The attributes that may be corrected, and of what they speak.
LEVELS: Final = _levels(
    {
        # Patient's Name, ID, issuer, birth date and time, sex; other IDs and names, age, size, weight, comments
        Level.PATIENT: "00100010 00100020 00100021 00100030 00100032 00100040 00101000 00101001 00104000",
        # Date, time, accession, referring physician, description, age, size, weight, requests, institution, study ID, UID
        Level.STUDY: "00080020 00080030 00080050 00080080 00080081 00080090 00081030 00081048 00081060 00101010 00101020 "
        "00101030 00200010 0020000D 00321032 00321033 00321060 00080201",
        # Date, time, modality, station, department, description, physician, operators, body part, protocol, side, number
        Level.SERIES: "00080021 00080031 00080060 00081010 00081040 0008103E 00081050 00081070 00180015 00181030 00185100 "
        "00185101 0020000E 00200011 00200060",
        # SOP instance, dates and times, number, orientation, image laterality and comments
        Level.INSTANCE: "00080018 00080022 00080023 00080032 00080033 00200013 00200020 00200062 00204000",
    }
)
#: Who the patient is: what must agree before a later object of a study is corrected as its others were.
IDENTITY: Final = ("00100010", "00100020", "00100021", "00100030", "00100040")
STUDY_UID: Final = "0020000D"
SERIES_UID: Final = "0020000E"
SOP_UID: Final = "00080018"
UIDS: Final = frozenset({STUDY_UID, SERIES_UID, SOP_UID})
_NEVER_EMPTY: Final = UIDS | {"00080060"}

_MOST_VALUES = 10
#: Characters of one value (PS3.5 table 6.2-1), text VRs well below what the standard allows.
_LONGEST: Final = {"AS": 4, "CS": 16, "DA": 8, "DS": 16, "IS": 12, "LO": 64, "LT": 2048, "SH": 16, "ST": 1024, "TM": 16}
_LONGEST_NAME_GROUP = 64
_PATTERNS: Final = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]*"),
    "IS": re.compile(r"[+-]?\d{1,10}"),
    "DS": re.compile(r"[+-]?\d+(\.\d+)?([Ee][+-]?\d+)?"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?"),
}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_LINES = re.compile("[\r\n\t\f]")
_OF_LINES: Final = frozenset({"LT", "ST"})
_TURNING = re.compile("[\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]")


def level_of(attributes: Attributes) -> Level:
    """The widest level that these attributes speak of. Raises ``CorrectionInvalid`` for one that may not be corrected."""
    if not attributes:
        raise CorrectionInvalid("", "nothing is corrected", code="nothing_to_correct")
    unknown = next((tag for tag in attributes if tag.upper() not in LEVELS), None)
    if unknown is not None:
        raise CorrectionInvalid(str(unknown)[:8], "may not be corrected", code="not_correctable")
    return min(LEVELS[tag.upper()] for tag in attributes)


def normalised(attributes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The same attributes in the one form in which they are kept: in order of tags, values as ``json_model`` gives them.

    An attribute without value is emptied. Values may be texts, numbers, or names as objects of their groups. Raises
    ``CorrectionInvalid``.
    """
    level_of(attributes)
    return {tag: _element(tag, element) for tag, element in sorted((str(k).upper(), v) for k, v in attributes.items())}


def _element(tag: str, element: Any) -> dict[str, Any]:
    vr = datadict.dictionary_VR(int(tag, 16))
    if not isinstance(element, Mapping) or element.get("vr", vr) != vr:
        raise CorrectionInvalid(tag, f"must be of VR {vr}", code="wrong_vr")
    given = element.get("Value") or []
    if not isinstance(given, (list, tuple)):
        raise CorrectionInvalid(tag, "must be a list of values", code="wrong_form")
    texts = [_text(tag, vr, value) for value in given]
    if not any(texts):
        if tag in _NEVER_EMPTY:
            raise CorrectionInvalid(tag, "may not be empty", code="may_not_be_empty")
        return {"vr": vr}
    if len(texts) > (1 if datadict.dictionary_VM(int(tag, 16)) == "1" else _MOST_VALUES):
        raise CorrectionInvalid(tag, "has too many values", code="too_many_values")
    for text in texts:
        _check(tag, vr, text)
    return {"vr": vr, "Value": json_values.text("\\".join(texts).encode(), vr, ("utf8",))}


def text_of(element: Mapping[str, Any]) -> str:
    """All values of a DICOM JSON element as DICOM writes them, with backslashes between."""
    return "\\".join(_written(value) for value in element.get("Value") or [])


def _text(tag: str, vr: str, value: Any) -> str:
    if isinstance(value, Mapping):
        if vr != "PN" or not all(isinstance(part, str | None) for part in value.values()):
            raise CorrectionInvalid(tag, "is no text", code="wrong_form")
    elif isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise CorrectionInvalid(tag, "is no text", code="wrong_form")
    return _written(value).rstrip(" ") if vr in _OF_LINES else _written(value).strip(" ")


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        groups = [str(value.get(group) or "") for group in ("Alphabetic", "Ideographic", "Phonetic")]
        return "=".join(groups).rstrip("=")
    return "" if value is None else str(value)


def _check(tag: str, vr: str, text: str) -> None:
    """Whether one value is one of its VR. Nothing that turns text around or breaks lines gets into a header by us."""
    plain = _LINES.sub("", text) if vr in _OF_LINES else text
    if _CONTROL.search(plain) or _TURNING.search(plain) or "\\" in plain:
        raise CorrectionInvalid(tag, "holds characters that may not be written", code="forbidden_characters")
    if vr == "PN":
        groups = text.split("=")
        sound = len(groups) <= 3 and all(len(g) <= _LONGEST_NAME_GROUP and g.count("^") <= 4 for g in groups)
    elif vr == "UI":
        sound = uids.is_valid_uid(text) and not text.startswith(".") and not text.endswith(".") and ".." not in text
    elif vr == "DA":
        sound = len(text) == 8 and text.isascii() and element_text.parse_date(text) is not None
    else:
        pattern = _PATTERNS.get(vr)
        sound = text.isascii() and pattern.fullmatch(text) is not None if pattern and text else True
        sound = sound and len(text) <= _LONGEST.get(vr, 64)
    if not sound:
        raise CorrectionInvalid(tag, f"is no value of VR {vr}", code="invalid_value")
