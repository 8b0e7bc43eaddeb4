"""Values of single elements: which are well formed, what stands for a removed one, and how dates move (PS3.5 section 6.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final

#: What stands where a text had to stay.
REMOVED: Final = "REMOVED"
#: The day that stands for a removed one.
NO_DAY: Final = "19000101"

_DUMMIES: Final = {
    "AE": REMOVED, "AS": "000Y", "CS": REMOVED, "DA": NO_DAY, "DS": "0", "DT": f"{NO_DAY}000000", "IS": "0", "LO": REMOVED,
    "LT": REMOVED, "PN": REMOVED, "SH": REMOVED, "ST": REMOVED, "TM": "000000", "UC": REMOVED, "UR": "about:blank",
    "UT": REMOVED,
}  # fmt: skip

#: VRs whose values are characters of the default repertoire in a fixed form. What has another form is something else.
_FORMS: Final = {
    "AS": re.compile(rb"\d{3}[DWMY]"),
    "CS": re.compile(rb"[A-Z0-9 _]{0,16}"),
    "DA": re.compile(rb"\d{4}[.]?\d\d[.]?\d\d"),
    "DS": re.compile(rb" *[+-]?(\d+\.?\d*|\.\d+)([Ee][+-]?\d+)? *"),
    "DT": re.compile(rb"\d{4,14}(\.\d{1,6})?([+-]\d{4})?"),
    "IS": re.compile(rb" *[+-]?\d{1,12} *"),
    "TM": re.compile(rb"\d\d:?(\d\d)?:?(\d\d)?(\.\d{1,6})?"),
    "UI": re.compile(rb"[0-9.]{1,64}"),
}
_OLDEST_TOLD: Final = 89
_AGE_OF_THE_OLD: Final = b"090Y"

#: VRs in which backslashes separate values.
MULTIPLE: Final = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "PN", "SH", "TM", "UC", "UI"])
#: VRs that hold text in the data set's character set.
TEXTS: Final = frozenset(["LO", "LT", "PN", "SH", "ST", "UC", "UT"])


def dummy(vr: str, length: int) -> bytes | None:
    """A value that tells nothing; None for a VR that has none (sequences). Numbers and bytes become as many zeros."""
    if vr in {"SQ", "UN", "UI"}:
        return None
    text = _DUMMIES.get(vr)
    return bytes(length) if text is None else padded(text.encode("ascii"), vr)


def split(value: bytes) -> list[bytes]:
    """The single values without their padding."""
    return [part.strip(b" \0") for part in value.split(b"\\")]


def padded(value: bytes, vr: str) -> bytes:
    """The value at an even length."""
    return value + (b"\0" if vr in {"UI", "OB", "UN"} else b" ") * (len(value) % 2)


def is_well_formed(value: bytes, vr: str) -> bool:
    """Whether each value has the form of its VR, for those VRs that have one; empty values are."""
    form = _FORMS.get(vr)
    if form is None:
        return True
    return all(not part.strip(b" \0") or form.fullmatch(part.rstrip(b" \0")) for part in value.split(b"\\"))


def capped_age(value: bytes) -> bytes:
    """An age in years, those above 89 as 90: so few are older that the age would name them."""
    text = value.strip(b" \0")
    return _AGE_OF_THE_OLD if text.endswith(b"Y") and text[:3].isdigit() and int(text[:3]) > _OLDEST_TOLD else value


def moved(value: bytes, vr: str, move: Callable[[date], date]) -> bytes | None:
    """Each date moved, times of day and offsets as they are; None when a value is no date that can be moved."""
    if vr == "TM":
        return value if is_well_formed(value, vr) else None
    if vr not in {"DA", "DT"}:
        # Timezone Offset From UTC (0008,0201) is an SH: an offset, which whole days do not change.
        return value if re.fullmatch(rb"[+-]\d{4} *", value) else None
    parts = [_moved(part.strip(b" \0"), vr, move) for part in value.split(b"\\")]
    return None if None in parts else padded(b"\\".join(part or b"" for part in parts), vr)


def _moved(value: bytes, vr: str, move: Callable[[date], date]) -> bytes | None:
    if not value:
        return value
    plain = value.replace(b".", b"", 2) if vr == "DA" else value
    if not is_well_formed(value, vr) or not plain[:8].isdigit() or len(plain) < 8:
        return None
    try:
        day = move(date(int(plain[:4]), int(plain[4:6]), int(plain[6:8])))
    except (ValueError, OverflowError):
        return None
    return day.strftime("%Y%m%d").rjust(8, "0").encode("ascii") + plain[8:]
