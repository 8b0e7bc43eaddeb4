"""Names and families of SOP classes and transfer syntaxes (PS3.4 annex B, PS3.6 annex A)."""

from __future__ import annotations

import re
import uuid
from functools import cache
from typing import Final

from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

# Dots alone would be a path: in an address, browsers take `.` and `..` for folders.
_UID_PATTERN = re.compile(r"(?=\.*[0-9])[0-9.]{1,64}")

IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1.99"
EXPLICIT_VR_BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"
ENCAPSULATED_UNCOMPRESSED: Final = "1.2.840.10008.1.2.1.98"
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS: Final = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1: Final = "1.2.840.10008.1.2.4.70"
JPEG_LS_LOSSLESS: Final = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR_LOSSLESS: Final = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS: Final = "1.2.840.10008.1.2.4.90"
JPEG_2000: Final = "1.2.840.10008.1.2.4.91"
JPEG_2000_PART_2_LOSSLESS: Final = "1.2.840.10008.1.2.4.92"
JPEG_2000_PART_2: Final = "1.2.840.10008.1.2.4.93"
JPEG_XL_LOSSLESS: Final = "1.2.840.10008.1.2.4.110"
JPEG_XL_RECOMPRESSION: Final = "1.2.840.10008.1.2.4.111"
JPEG_XL: Final = "1.2.840.10008.1.2.4.112"
HTJ2K_LOSSLESS: Final = "1.2.840.10008.1.2.4.201"
HTJ2K_LOSSLESS_RPCL: Final = "1.2.840.10008.1.2.4.202"
HTJ2K: Final = "1.2.840.10008.1.2.4.203"
RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"
DEFLATED_IMAGE_FRAME: Final = "1.2.840.10008.1.2.8.1"

JPEG_DCT: Final = frozenset({JPEG_BASELINE, JPEG_EXTENDED})
JPEG_PREDICTIVE: Final = frozenset({JPEG_LOSSLESS, JPEG_LOSSLESS_SV1})
JPEG_LS: Final = frozenset({JPEG_LS_LOSSLESS, JPEG_LS_NEAR_LOSSLESS})
JPEG_2000_FAMILY: Final = frozenset({JPEG_2000_LOSSLESS, JPEG_2000, JPEG_2000_PART_2_LOSSLESS, JPEG_2000_PART_2})
HTJ2K_FAMILY: Final = frozenset({HTJ2K_LOSSLESS, HTJ2K_LOSSLESS_RPCL, HTJ2K})
JPEG_XL_FAMILY: Final = frozenset({JPEG_XL_LOSSLESS, JPEG_XL_RECOMPRESSION, JPEG_XL})

NATIVE: Final = frozenset(
    {
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
    }
)

#: Registered after the dictionary that pydicom carries.
_NEWER_TRANSFER_SYNTAXES: Final = {
    DEFLATED_IMAGE_FRAME: "Deflated Image Frame Compression",
    JPEG_XL_LOSSLESS: "JPEG XL Lossless",
    JPEG_XL_RECOMPRESSION: "JPEG XL JPEG Recompression",
    JPEG_XL: "JPEG XL",
}

MPEG2 = frozenset({f"1.2.840.10008.1.2.4.{suffix}" for suffix in ("100", "100.1", "101", "101.1")})
MPEG4 = frozenset(
    {
        f"1.2.840.10008.1.2.4.{suffix}"
        for suffix in ("102", "102.1", "103", "103.1", "104", "104.1", "105", "105.1", "106", "106.1")
    }
)
HEVC = frozenset({"1.2.840.10008.1.2.4.107", "1.2.840.10008.1.2.4.108"})
VIDEO: Final = MPEG2 | MPEG4 | HEVC
_SMPTE = frozenset({f"1.2.840.10008.1.2.7.{number}" for number in (1, 2, 3)})

MEDIA_STORAGE_DIRECTORY: Final = "1.2.840.10008.1.3.10"
SEGMENTATION: Final = frozenset({"1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"})
SINGLE_BIT_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7.1"
KEY_OBJECT_SELECTION: Final = "1.2.840.10008.5.1.4.1.1.88.59"
ENCAPSULATED_PDF: Final = "1.2.840.10008.5.1.4.1.1.104.1"
ENCAPSULATED_CDA: Final = "1.2.840.10008.5.1.4.1.1.104.2"

_PREFIX = "1.2.840.10008.5.1.4.1.1."
_PRESENTATION_STATE_PREFIX = f"{_PREFIX}11."
_STRUCTURED_REPORT_PREFIX = f"{_PREFIX}88."
_ENCAPSULATED_PREFIX = f"{_PREFIX}104."
_WAVEFORM_PREFIX = f"{_PREFIX}9."
_RT_PREFIX = f"{_PREFIX}481."
_RT_IMAGE = f"{_PREFIX}481.1"
_RT_DOSE = f"{_PREFIX}481.2"
#: Under the image root, yet without pixels of their own: registrations, fiducials, maps, raw data, surfaces, measurements.
_NO_PIXELS = frozenset(
    f"{_PREFIX}{suffix}" for suffix in ("66", "66.1", "66.2", "66.3", "66.5", "66.6", "67", "4.2", "12.77", "131")
)
_NO_PIXELS_PREFIXES = tuple(
    f"{_PREFIX}{suffix}" for suffix in ("9.", "11.", "68.", "78.", "79.", "80.", "88.", "104.", "200.", "201.")
)
_VIDEO_CLASSES = frozenset(f"{_PREFIX}77.1.{suffix}" for suffix in ("1.1", "2.1", "4.1"))

#: How the SOP classes begin whose instances may hold what somebody wrote: presentation states, reports, documents.
HOLD_WORDS: Final = (_PRESENTATION_STATE_PREFIX, _STRUCTURED_REPORT_PREFIX, _ENCAPSULATED_PREFIX)

#: How the SOP classes begin whose instances have a page of their own: those, and videos.
HAVE_A_PAGE: Final = (*HOLD_WORDS, *sorted(_VIDEO_CLASSES))

KINDS: Final = (
    "image",
    "video",
    "structured_report",
    "document",
    "waveform",
    "radiotherapy",
    "segmentation",
    "key_objects",
    "presentation_state",
    "directory",
    "other",
)


def new_uid() -> str:
    """A UID that nobody else has made: derived from a random UUID, so that it needs no registered root (PS3.5 annex B.2)."""
    return f"2.25.{uuid.uuid4().int}"


def is_valid_uid(value: str) -> bool:
    """Whether the text can be a UID at all: digits and dots, not dots alone, 1 to 64 characters (PS3.5 section 9.1)."""
    return _UID_PATTERN.fullmatch(value) is not None


@cache
def sop_class_name(sop_class_uid: str) -> str:
    """Registered name without the trailing *Storage*, or the UID itself."""
    name = _registered_name(sop_class_uid)
    return name.removesuffix(" Storage") if name else sop_class_uid


@cache
def transfer_syntax_name(transfer_syntax_uid: str) -> str:
    """Registered name, or the UID itself."""
    return _registered_name(transfer_syntax_uid) or transfer_syntax_uid


def _registered_name(value: str) -> str:
    entry = UID_dictionary.get(value)
    return entry[0] if entry else _NEWER_TRANSFER_SYNTAXES.get(value, "")


@cache
def is_known_transfer_syntax(transfer_syntax_uid: str) -> bool:
    """Whether the standard registers it as a transfer syntax."""
    entry = UID_dictionary.get(transfer_syntax_uid)
    return transfer_syntax_uid in _NEWER_TRANSFER_SYNTAXES or (entry is not None and entry[1] == "Transfer Syntax")


@cache
def is_encapsulated(transfer_syntax_uid: str) -> bool:
    """Whether pixel data lie in fragments (PS3.5 annex A.4); unknown syntaxes count as encapsulated."""
    return transfer_syntax_uid not in NATIVE and transfer_syntax_uid not in _SMPTE


def is_video(transfer_syntax_uid: str) -> bool:
    """Whether the fragments are one MPEG or HEVC stream rather than frames."""
    return transfer_syntax_uid in VIDEO


@cache
def kind_of(sop_class_uid: str) -> str:
    """One of ``KINDS``: what a page can do with instances of this class."""
    if sop_class_uid in SEGMENTATION:
        return "segmentation"
    exact = {KEY_OBJECT_SELECTION: "key_objects", MEDIA_STORAGE_DIRECTORY: "directory", _RT_IMAGE: "image"}
    if sop_class_uid in exact:
        return exact[sop_class_uid]
    if sop_class_uid in _VIDEO_CLASSES:
        return "video"
    families = {
        _STRUCTURED_REPORT_PREFIX: "structured_report",
        _ENCAPSULATED_PREFIX: "document",
        _WAVEFORM_PREFIX: "waveform",
        _RT_PREFIX: "radiotherapy",
        _PRESENTATION_STATE_PREFIX: "presentation_state",
    }
    for prefix, kind in families.items():
        if sop_class_uid.startswith(prefix):
            return kind
    if (
        not sop_class_uid.startswith(_PREFIX)
        or sop_class_uid in _NO_PIXELS
        or sop_class_uid.startswith(_NO_PIXELS_PREFIXES)
    ):
        return "other"
    return "image"


def is_image(sop_class_uid: str) -> bool:
    """Whether instances normally carry frames that can be drawn (RT Dose included)."""
    return kind_of(sop_class_uid) in {"image", "video", "segmentation"} or sop_class_uid == _RT_DOSE


def is_document(sop_class_uid: str) -> bool:
    """Structured reports and encapsulated PDF, CDA and models."""
    return kind_of(sop_class_uid) in {"structured_report", "document"}


def is_waveform(sop_class_uid: str) -> bool:
    """ECG, haemodynamic, audio and other waveforms."""
    return kind_of(sop_class_uid) == "waveform"


def is_radiotherapy(sop_class_uid: str) -> bool:
    """RT plans, structure sets, doses and records; RT images are images."""
    return kind_of(sop_class_uid) == "radiotherapy"


def is_registered_storage_class(sop_class_uid: str) -> bool:
    """Whether the standard registers the UID as a SOP class of the storage service."""
    return sop_class_uid.startswith(_PREFIX) and UID(sop_class_uid).name != sop_class_uid
