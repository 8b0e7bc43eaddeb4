"""Specific Character Set (0008,0005) to text, tolerant of what modalities really write (PS3.5 section 6.1, PS3.3 C.12.1.1.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from pydicom import charset as pydicom_charset

ESCAPE = b"\x1b"

#: Used where no character set is declared but bytes are not ASCII: never fails.
_LAST_RESORT = "latin_1"

_CODES = dict(pydicom_charset.CODES_TO_ENCODINGS)
_ESCAPES = {codec: code for code, codec in _CODES.items()}
_KEEPS_ESCAPES = frozenset(pydicom_charset.handled_encodings)
_DELIMITERS = re.compile(r"([\\\\^=\r\n\t\f])")
_MISSPELT = re.compile(r"^ISO[ _-]?(?:IR[ _-]?)?(\d+)$")
_MISSPELT_EXTENSION = re.compile(r"^ISO[ _-]?2022[ _-]?(?:IR[ _-]?)?(\w+)$")

Encodings = tuple[str, ...]

#: What a data set without Specific Character Set uses; an empty name means "undeclared".
UNDECLARED: Encodings = ("",)


def defined_term(term: str) -> str:
    """The defined term that a modality meant: ``ISO-IR 100`` and ``iso_ir100`` are ``ISO_IR 100``; unknown terms as they are."""
    cleaned = term.strip().upper()
    if cleaned in pydicom_charset.python_encoding:
        return cleaned
    if match := _MISSPELT_EXTENSION.match(cleaned):
        candidate = f"ISO 2022 IR {match[1]}"
    elif match := _MISSPELT.match(cleaned):
        candidate = f"ISO_IR {match[1]}"
    elif cleaned in {"UTF8", "UTF-8", "UTF_8"}:
        candidate = "ISO_IR 192"
    elif cleaned in {"GB 18030", "GB-18030", "GB_18030"}:
        candidate = "GB18030"
    else:
        candidate = cleaned
    return candidate if candidate in pydicom_charset.python_encoding else cleaned


def encodings(terms: Sequence[str]) -> Encodings:
    """Python codec names for the values of Specific Character Set; unknown terms count as undeclared."""
    found: list[str] = []
    for term in terms:
        known = defined_term(term)
        codec = pydicom_charset.python_encoding.get(known, "") if known not in {"", "ISO_IR 6", "ISO 2022 IR 6"} else ""
        found.append(codec)
    return tuple(found) or UNDECLARED


def encodings_of(raw: bytes | None) -> Encodings:
    """Codecs for the undecoded value of (0008,0005)."""
    text = (raw or b"").decode("ascii", "replace").rstrip("\0 ")
    return encodings(text.split("\\"))


def decode(value: bytes, codecs: Encodings = UNDECLARED) -> str:
    """Text of ``value``; what cannot be decoded becomes U+FFFD, never an error. Padding stays."""
    if value.isascii() and ESCAPE not in value:
        return value.decode("ascii")
    if ESCAPE in value:
        return _decode_escaped(value, codecs)
    return _decode_plain(value, codecs[0] if codecs else "")


def _decode_plain(value: bytes, codec: str) -> str:
    if codec:
        return value.decode(codec, "replace")
    # Nothing declared: UTF-8 is hardly ever valid by accident, so that it is tried before Latin 1.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode(_LAST_RESORT)


def _decode_escaped(value: bytes, codecs: Encodings) -> str:
    """ISO 2022 code extensions (PS3.5 section 6.1.2.5): each escape sequence names the set of what follows."""
    first, *rest = value.split(ESCAPE)
    parts = [_decode_plain(first, codecs[0] if codecs else "")]
    for piece in rest:
        fragment = ESCAPE + piece
        # Longest first: ESC $ ) C before ESC $ B.
        size = next((n for n in (4, 3) if fragment[:n] in _CODES), 0)
        if not size:
            parts.append(_decode_plain(piece, codecs[0] if codecs else ""))
            continue
        codec = _CODES[fragment[:size]]
        parts.append(
            fragment.decode(codec, "replace") if codec in _KEEPS_ESCAPES else fragment[size:].decode(codec, "replace")
        )
    return "".join(parts)


def encode(text: str, codecs: Encodings = UNDECLARED) -> bytes | None:
    """``text`` in these character sets, or None when they do not hold it. What is given is read back as the same text.

    With code extensions each component returns to the first set at its delimiter (PS3.5 section 6.1.2.5.3).
    """
    if len(codecs) < 2:
        found = _encode_piece(text, codecs)
    else:
        pieces = [_encode_piece(piece, codecs) for piece in _DELIMITERS.split(text)]
        found = None if None in pieces else b"".join(piece or b"" for piece in pieces)
    return found if found is not None and decode(found, codecs) == text else None


def _encode_piece(text: str, codecs: Encodings) -> bytes | None:
    """One component in the first of the sets that holds it whole."""
    for number, codec in enumerate(codecs or UNDECLARED):
        try:
            encoded = text.encode(codec or "ascii")
        except UnicodeEncodeError:
            continue
        if codec == "shift_jis" and len(encoded) != len(text):
            continue  # JIS X 0201 is one byte a character; what Python's codec adds to it is not of the standard
        if number == 0 or codec in _KEEPS_ESCAPES or not codec:
            return encoded
        return _ESCAPES.get(codec, ESCAPE) + encoded
    return None


#: Letters that Unicode does not take apart, as they are written where they are missing.
_WRITTEN_OUT: Final = {
    "Œ": "OE", "œ": "oe", "Æ": "AE", "æ": "ae", "ß": "ss", "ẞ": "SS", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l", "Đ": "D",
    "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "ı": "i", "’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-",
    "…": "...", "€": "EUR", "\u00a0": " ", "\u2002": " ", "\u2003": " ", "\u2009": " ", "\u202f": " ", "‚": "'", "′": "'",
    "„": '"', "″": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-", "−": "-", "•": "-", "≤": "<=", "≥": ">=", "≠": "!=",
    "≈": "~", "×": "x", "→": "->", "←": "<-", "μ": "µ",
}  # fmt: skip
_MISSING: Final = "?"


def written_out(char: str) -> str:
    """A letter as it is written where it is missing: in several others, or without its accents."""
    return _WRITTEN_OUT.get(char) or "".join(
        part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part)
    )


def reduced(text: str, codecs: Encodings = UNDECLARED) -> str:
    """``text`` in letters that these character sets hold: without the accents they lack, and with ``?`` for what is left.

    For a reader who takes no other set than the one asked for: what it shows is less, never something else.
    """
    if encode(text, codecs) is not None:
        return text
    kept = "".join(_reduced(char, codecs) for char in unicodedata.normalize("NFC", text))
    # Sets that hold every letter alone may not hold them in one component.
    return kept if encode(kept, codecs) is not None else "".join(_reduced(char, UNDECLARED) for char in kept)


@lru_cache(maxsize=4096)
def _reduced(char: str, codecs: Encodings) -> str:
    if encode(char, codecs) is not None:
        return char
    plain = written_out(char)
    if plain and encode(plain, codecs) is not None:
        return plain
    return "" if unicodedata.combining(char) else _MISSING
