"""Value representations: which one an element has, and how its length is written (PS3.5 sections 6.2 and 7.1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from pydicom import datadict

#: VRs with a 16-bit length in Explicit VR; all others, future ones included, have 32 bits (PS3.5 section 7.1.2).
SHORT_LENGTH: Final = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
KNOWN: Final = SHORT_LENGTH | frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
NAMES: Final = {code: code.decode() for code in KNOWN}

_AMBIGUOUS_WORDS = frozenset({"US or OW", "US or SS or OW", "OB or OW"})
_UNKNOWN_LIMIT = 0xFFFF


@lru_cache(maxsize=65536)
def _public(tag: int) -> str:
    try:
        return datadict.dictionary_VR(tag)
    except KeyError:
        return "UL" if tag & 0xFFFF == 0 else "UN"


@lru_cache(maxsize=65536)
def _private(tag: int, creator: str) -> str:
    try:
        return datadict.private_dictionary_VR(tag, creator)
    except KeyError:
        return "UN"


def lookup(tag: int, creator: str = "") -> str:
    """VR from the dictionaries for Implicit VR and UN, possibly ambiguous (``US or SS``); ``UN`` if unknown."""
    if not tag & 0x10000:
        return _public(tag)
    element = tag & 0xFFFF
    if element == 0:
        return "UL"
    if 0x0010 <= element <= 0x00FF:
        return "LO"
    return _private(tag, creator) if creator else "UN"


def resolve_unknown(tag: int, length: int, creator: str = "") -> str:
    """VR for an explicit ``UN``: that of the dictionary, unless the value is too long to have had another VR."""
    found = lookup(tag, creator)
    return found if length < _UNKNOWN_LIMIT or found == "SQ" else "UN"


def disambiguate(vr: str, pixel_representation: int, single_entry: bool) -> str:
    """One VR for the dictionary's ambiguous ones (PS3.5 annex A): signed by Pixel Representation, words otherwise."""
    if vr == "US or SS":
        return "SS" if pixel_representation == 1 else "US"
    if vr in _AMBIGUOUS_WORDS:
        return "US" if single_entry and vr != "OB or OW" else "OW"
    return vr
