"""Cleaned text and numbers of single elements, without pydicom's conversions (which warn, raise and cost)."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from imaging.dicom import charset

_SPECIFIC_CHARACTER_SET = BaseTag(0x00080005)
#: Control characters (tab, line feed and carriage return too), surrogates and the characters that turn text around.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")
_DATE = re.compile(r"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6})\d*)?")
_EARLIEST_YEAR = 1850


def stored(dataset: Dataset, tag: int) -> DataElement | RawDataElement | None:
    """The element as it lies in the data set, unconverted if it was only read; None if absent."""
    base = BaseTag(tag)
    return cast("DataElement | RawDataElement", dataset.get_item(base)) if base in dataset else None


class ElementText:
    """Reads top-level elements of one data set by tag."""

    def __init__(self, dataset: Dataset) -> None:
        """Find the character set once."""
        self._dataset = dataset
        self.character_set = clean(self._plain(_SPECIFIC_CHARACTER_SET), 64)
        self._encodings = charset.encodings(self.character_set.split("\\"))

    def _plain(self, tag: int) -> str:
        """Text before cleaning, values separated by backslashes."""
        element = stored(self._dataset, tag)
        if element is None:
            return ""
        if isinstance(element, RawDataElement):
            return "" if not element.value else charset.decode(element.value, self._codecs)
        value = element.value
        if value is None:
            return ""
        if isinstance(value, bytes):
            return charset.decode(value, self._codecs)
        return "\\".join(str(part) for part in value) if isinstance(value, (list, MultiValue)) else str(value)

    @property
    def _codecs(self) -> charset.Encodings:
        return getattr(self, "_encodings", charset.UNDECLARED)

    def text(self, tag: int, limit: int) -> str:
        """First value, cleaned and cut to ``limit`` characters."""
        return clean(self._plain(tag).split("\\", 1)[0], limit)

    def whole(self, tag: int, limit: int) -> str:
        """All values as they stand, for VRs in which a backslash separates nothing."""
        return clean(self._plain(tag), limit)

    def integer(self, tag: int) -> int | None:
        """First value of an IS, or of a binary US, SS, UL or SL."""
        return self._number(tag)

    def _number(self, tag: int) -> int | None:
        element = stored(self._dataset, tag)
        if element is None:
            return None
        if isinstance(element, RawDataElement) and element.VR in _BINARY:
            size, signed = _BINARY[element.VR]
            raw = (element.value or b"")[:size]
            return (
                int.from_bytes(raw, "little" if element.is_little_endian else "big", signed=signed)
                if len(raw) == size
                else None
            )
        return parse_integer(self.text(tag, 64))

    def floats(self, tag: int, count: int) -> list[float]:
        """Exactly ``count`` finite numbers of a DS, or none."""
        parts = self._plain(tag).split("\\")
        if len(parts) != count:
            return []
        try:
            numbers = [float(part.strip("\0 ")) for part in parts]
        except ValueError:
            return []
        return numbers if all(math.isfinite(number) for number in numbers) else []

    def number(self, tag: int) -> float | None:
        """First value of a DS, finite, or None."""
        try:
            value = float(self.text(tag, 64))
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    def date(self, tag: int) -> date | None:
        """A DA value, or None."""
        return parse_date(self.text(tag, 32))

    def moment(self, date_tag: int, time_tag: int) -> datetime | None:
        """A DA and a TM joined, naive; midnight when the time is missing or wrong."""
        day = self.date(date_tag)
        if day is None:
            return None
        return datetime.combine(day, parse_time(self.text(time_tag, 32)) or time())


_BINARY = {"US": (2, False), "SS": (2, True), "UL": (4, False), "SL": (4, True)}


def clean(value: str, limit: int) -> str:
    """Without control and direction characters, without padding, cut to ``limit``."""
    return _UNWANTED.sub(" ", value.rstrip("\0 ")).strip()[:limit].rstrip()


def parse_integer(value: str) -> int | None:
    """A signed 32-bit integer out of an IS (``12``, ``+3``, ``4.0``), or None."""
    try:
        number = float(value) if len(value) <= 24 else math.nan
    except ValueError:
        return None
    if not math.isfinite(number) or not -(2**31) <= number < 2**31:
        return None
    return int(number)


def parse_date(value: str) -> date | None:
    """A DA, also in the separators of old writers (``2004.01.19``); None for impossible or implausible days."""
    match = _DATE.fullmatch(value)
    if not match:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return day if day.year >= _EARLIEST_YEAR else None


def parse_time(value: str) -> time | None:
    """A TM of any precision, also ``hh:mm:ss``; a leap second counts as second 59."""
    match = _TIME.fullmatch(value)
    if not match:
        return None
    try:
        return time(
            int(match[1]), int(match[2] or 0), min(int(match[3] or 0), 59), int((match[4] or "0").ljust(6, "0"))
        )
    except ValueError:
        return None
