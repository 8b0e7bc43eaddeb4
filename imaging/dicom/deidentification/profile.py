"""Which profile and which of its options a copy is made with (PS3.15 annex E, CID 7050)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final

#: The scheme of every code below.
CODING_SCHEME: Final = "DCM"


class Option(StrEnum):
    """Columns of Table E.1-1 that change what is done with an attribute, in the order of ``confidentiality.tsv``."""

    SAFE_PRIVATE = "retain_safe_private"
    UIDS = "retain_uids"
    DEVICE = "retain_device_identity"
    INSTITUTION = "retain_institution_identity"
    PATIENT = "retain_patient_characteristics"
    FULL_DATES = "retain_full_dates"
    MODIFIED_DATES = "retain_modified_dates"
    DESCRIPTORS = "clean_descriptors"
    STRUCTURED_CONTENT = "clean_structured_content"
    GRAPHICS = "clean_graphics"


@dataclass(frozen=True, slots=True)
class MethodCode:
    """One value of De-identification Method Code Sequence (0012,0064), CID 7050."""

    value: str
    meaning: str


_BASIC: Final = MethodCode("113100", "Basic Application Confidentiality Profile")
_CODES: Final = {
    "clean_pixel_data": MethodCode("113101", "Clean Pixel Data Option"),
    "clean_recognizable_visual_features": MethodCode("113102", "Clean Recognizable Visual Features Option"),
    Option.GRAPHICS: MethodCode("113103", "Clean Graphics Option"),
    Option.STRUCTURED_CONTENT: MethodCode("113104", "Clean Structured Content Option"),
    Option.DESCRIPTORS: MethodCode("113105", "Clean Descriptors Option"),
    Option.FULL_DATES: MethodCode("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    Option.MODIFIED_DATES: MethodCode("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    Option.PATIENT: MethodCode("113108", "Retain Patient Characteristics Option"),
    Option.DEVICE: MethodCode("113109", "Retain Device Identity Option"),
    Option.UIDS: MethodCode("113110", "Retain UIDs Option"),
    Option.SAFE_PRIVATE: MethodCode("113111", "Retain Safe Private Option"),
    Option.INSTITUTION: MethodCode("113112", "Retain Institution Identity Option"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The Basic Application Level Confidentiality Profile with its options; without any, as much goes as can go.

    ``clean_pixel_data`` and ``clean_recognizable_visual_features`` are promises of the caller, who has had the pixels
    cleaned and looked at: nothing here touches pixels, these two only say so in the header.
    """

    clean_pixel_data: bool = False
    clean_recognizable_visual_features: bool = False
    clean_graphics: bool = False
    clean_structured_content: bool = False
    clean_descriptors: bool = False
    retain_full_dates: bool = False
    retain_modified_dates: bool = False
    retain_patient_characteristics: bool = False
    retain_device_identity: bool = False
    retain_institution_identity: bool = False
    retain_uids: bool = False
    retain_safe_private: bool = False

    def __post_init__(self) -> None:
        """Dates cannot be both as they were and moved."""
        if self.retain_full_dates and self.retain_modified_dates:
            raise ValueError("full dates and modified dates exclude each other (PS3.15 section E.3.6)")

    @property
    def options(self) -> frozenset[Option]:
        """The options that are on and that Table E.1-1 has a column for."""
        return frozenset(option for option in Option if getattr(self, option.value))

    @property
    def methods(self) -> tuple[MethodCode, ...]:
        """What was done, as codes, the profile first and the options in order of their codes."""
        on = [_CODES[field.name] for field in fields(self) if getattr(self, field.name)]
        return (_BASIC, *sorted(on, key=lambda code: code.value))

    @property
    def temporal_information(self) -> str:
        """Longitudinal Temporal Information Modified (0028,0303)."""
        if self.retain_full_dates:
            return "UNMODIFIED"
        return "MODIFIED" if self.retain_modified_dates else "REMOVED"
