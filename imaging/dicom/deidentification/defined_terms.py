"""Terms that say how an object is to be read: what has one of them is kept for a likeness to a name, too (PS3.3)."""

from __future__ import annotations

from typing import Final

from imaging.dicom import charset
from imaging.dicom.deidentification import values

_MODALITIES: Final = frozenset(
    b"AR ASMT AU BDUS BI BMD CFM CR CT CTPROTOCOL DG DMS DOC DX ECG EEG EMG EOG EPS ES FID GM HC HD IO IVOCT IVUS KER KO LEN LS "
    b"M3D MG MR NM OAM OCT OP OPM OPT OPTBSV OPTENF OPV OSS OT PA PLAN POS PR PT PX REG RESP RF RG RTDOSE RTIMAGE RTINTENT "
    b"RTPLAN RTRAD RTRECORD RTSEGANN RTSTRUCT RWV SC SEG SM SMR SR SRF STAIN TEXTUREMAP TG US VA XA XAPROTOCOL XC "
    b"CF DD DF DS EC FS MA MS OPR VF".split()
)
_PHOTOMETRIC: Final = frozenset(
    b"MONOCHROME1 MONOCHROME2 RGB XYB HSV ARGB CMYK YBR_FULL YBR_FULL_422 YBR_PARTIAL_422 YBR_PARTIAL_420 YBR_ICT YBR_RCT "
    b"YBR_RCT_422".split()
) | {b"PALETTE COLOR"}
_VALUE_TYPES: Final = frozenset(
    b"CONTAINER TEXT CODE NUM PNAME DATE TIME DATETIME UIDREF COMPOSITE IMAGE WAVEFORM SCOORD SCOORD3D TCOORD TABLE".split()
)
_LOSSY: Final = frozenset({b"00", b"01"})

_TERMS: Final = {0x00080060: _MODALITIES, 0x00280004: _PHOTOMETRIC, 0x0040A040: _VALUE_TYPES, 0x00282110: _LOSSY}
_CHARACTER_SET: Final = 0x00080005


def is_defined(tag: int, value: bytes) -> bool:
    """Whether this is one of the terms that the standard defines for an attribute without which nothing can be read."""
    if tag == _CHARACTER_SET:
        terms = value.decode("ascii", "replace").strip("\0 ").split("\\")
        return all(
            not term.strip() or charset.encodings([term]) != charset.UNDECLARED or _is_ascii(term) for term in terms
        )
    return tag in _TERMS and values.split(value)[0] in _TERMS[tag] and b"\\" not in value


def _is_ascii(term: str) -> bool:
    return charset.defined_term(term) in {"ISO_IR 6", "ISO 2022 IR 6"}
