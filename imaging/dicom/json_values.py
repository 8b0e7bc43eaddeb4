"""Undecoded element values to the values of DICOM JSON (PS3.18 table F.2.3-1)."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final

from imaging.dicom import charset

#: Largest integer that every JSON reader keeps exactly.
_SAFE_INTEGER = 2**53
_INTEGER = re.compile(r"[+-]?\d{1,18}")

#: VR to struct code and size of one value.
NUMBERS: Final = {
    "US": ("H", 2), "SS": ("h", 2), "UL": ("L", 4), "SL": ("l", 4), "UV": ("Q", 8), "SV": ("q", 8), "FL": ("f", 4), "FD": ("d", 8)
}  # fmt: skip
#: Binary VRs and the bytes of one word, for byte order.
WORDS: Final = {"OB": 1, "UN": 1, "OW": 2, "OL": 4, "OF": 4, "OD": 8, "OV": 8}
_TRANSLATED: Final = frozenset({"LO", "SH", "UC", "PN"})
_SINGLE: Final = frozenset({"LT", "ST", "UT", "UR"})

Values = list[Any]


def numbers(value: bytes, name: str, little_endian: bool) -> Values | None:
    """Binary numbers; not-a-number and infinities become null. None when the length does not fit the VR."""
    code, size = NUMBERS[name]
    if len(value) % size:
        return None
    found = struct.unpack(f"{'<' if little_endian else '>'}{len(value) // size}{code}", value)
    if code in "fd":
        return [number if math.isfinite(number) else None for number in found]
    if size == 8:
        return [number if -_SAFE_INTEGER <= number <= _SAFE_INTEGER else str(number) for number in found]
    return list(found)


def tags(value: bytes, little_endian: bool) -> Values | None:
    """AT values as eight hexadecimal digits."""
    if len(value) % 4:
        return None
    words = struct.unpack(f"{'<' if little_endian else '>'}{len(value) // 2}H", value)
    return [f"{group:04X}{element:04X}" for group, element in zip(words[::2], words[1::2], strict=True)]


def text(value: bytes, name: str, encodings: charset.Encodings) -> Values:
    """Values of a textual VR; empty ones are null (PS3.18 F.2.5)."""
    decoded = charset.decode(value, encodings if name in _TRANSLATED or name in _SINGLE else charset.UNDECLARED)
    if name in _SINGLE:
        stripped = decoded.rstrip("\0 ")
        return [stripped] if stripped else []
    parts = decoded.rstrip("\0 ").split("\\")
    convert = _CONVERSIONS.get(name, _plain)
    values = [convert(part.strip("\0 ")) for part in parts]
    return values if any(part is not None for part in values) else []


def _plain(part: str) -> str | None:
    return part or None


def _decimal(part: str) -> float | int | str | None:
    """A DS as a number, the text itself where it is none."""
    if not part:
        return None
    if _INTEGER.fullmatch(part):
        return int(part)
    try:
        number = float(part)
    except ValueError:
        return part
    return number if math.isfinite(number) and "_" not in part else part


def _integer(part: str) -> int | str | None:
    """An IS as a number, also when written as ``4.0``; the text itself where it is none."""
    number = _decimal(part)
    if isinstance(number, float):
        return int(number) if number.is_integer() and abs(number) < _SAFE_INTEGER else part
    return number


def name(part: str) -> dict[str, str] | None:
    """A PN by its component groups; None for an empty one."""
    groups = part.split("=", 2)
    named = zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=False)
    return {group: written.rstrip() for group, written in named if written.strip()} or None


_CONVERSIONS: Final[dict[str, Callable[[str], Any]]] = {"DS": _decimal, "IS": _integer, "PN": name}
