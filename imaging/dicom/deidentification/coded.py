"""Coded concepts: those of registered schemes say the same everywhere, those of a hospital's own may say anything (PS3.16 section 8)."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from imaging.dicom.deidentification.elements import assembled, made
from imaging.dicom.deidentification.values import REMOVED
from imaging.dicom.element_text import ElementText

CODE_VALUE: Final = 0x00080100
SCHEME: Final = 0x00080102
MEANING: Final = 0x00080104
LONG_CODE_VALUE: Final = 0x00080119
URN_CODE_VALUE: Final = 0x00080120
#: Attributes that say which concept an item is.
CONCEPT: Final = frozenset({CODE_VALUE, SCHEME, MEANING, LONG_CODE_VALUE, URN_CODE_VALUE, 0x00080103, 0x0008010B})

_REGISTERED: Final = frozenset({
    "ACR",
    "ATC",
    "BARI",
    "BI",
    "C4",
    "C5",
    "CD2",
    "CVX",
    "DC",
    "DCM",
    "FMA",
    "HCPCS",
    "HL7V3",
    "I10",
    "I10C",
    "I10P",
    "I9",
    "I9C",
    "IBSI",
    "ICD-O-3",
    "ICD10",
    "ICDO3",
    "IEC",
    "ISO3166_1",
    "ISO639_1",
    "ISO639_2",
    "ITIS_TSN",
    "LN",
    "MAYOASRG",
    "MDC",
    "MSH",
    "NCIT",
    "NDC",
    "NEU",
    "NICIP",
    "PATHLEX",
    "POS",
    "RADLEX",
    "RXNORM",
    "SCT",
    "SNM3",
    "SRT",
    "UBERON",
    "UCUM",
    "UMLS",
    "UNII",
})  # fmt: skip
_PLACE_OF_ITS_OWN: Final = "99REMOVED"


def is_local(item: Dataset) -> bool:
    """Whether the item is a concept of a scheme that is not registered."""
    read = ElementText(item)
    if not any(tag in item for tag in (CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE)):
        return False
    return read.text(SCHEME, 64).upper() not in _REGISTERED or URN_CODE_VALUE in item


def unspoken(like: Dataset) -> Dataset:
    """An item that keeps the place of a concept and says nothing."""
    texts = ((CODE_VALUE, "SH", REMOVED), (SCHEME, "SH", _PLACE_OF_ITS_OWN), (MEANING, "LO", REMOVED))
    return assembled({tag: made(tag, vr, text.encode("ascii"), like) for tag, vr, text in texts}, like)
