"""Private attributes that the standard lists as safe (PS3.15 Table E.3.10-1), as far as their values are numbers or defined terms.

Listed texts, bytes and sequences are not kept: whatever their maker puts there, someone else may have put a name.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

_TABLE: Final = Path(__file__).with_name("safe_private.tsv")
_SAFE_VRS: Final = frozenset({"US", "SS", "UL", "SL", "FL", "FD", "DS", "IS", "CS"})


@cache
def _listed() -> dict[tuple[int, str, int], str]:
    rows = (line.split("\t") for line in _TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {(int(group, 16), creator, int(element, 16)): vr for group, creator, element, vr, _name in rows}


def is_safe(tag: int, creator: str, vr: str) -> bool:
    """Whether a private data element of this creator is listed, with this VR, and holds numbers or defined terms only."""
    return vr in _SAFE_VRS and _listed().get((tag >> 16, creator, tag & 0xFF)) == vr
