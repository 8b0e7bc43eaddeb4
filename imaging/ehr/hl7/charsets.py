"""The character set that a message declares, and the text that its bytes are (HL7 v2.5.1 section 2.15.9.18, table 0211)."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Python's names of table 0211's sets that are written in hospitals of Europe and the Americas, and UTF-8.
CODECS: Final = {
    "ASCII": "ascii",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    **{f"8859/{number}": f"iso8859-{number}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}


class NotDecodable(ValueError):
    """The bytes are no text in the declared set, nor in the one that is configured for the sender."""


def codec_of(declared: str) -> str | None:
    """Python's codec for one value of MSH-18; None for a set that we do not read."""
    return CODECS.get(declared.strip().upper().replace("ISO IR", "").strip())


def decoded(raw: bytes, declared: str, fallback: str) -> tuple[str, str]:
    """The text, composed (NFC), and the codec that read it: the declared one, else ``fallback``.

    Nothing is replaced: a name with a question mark in it would be kept for decades. Raises ``NotDecodable``.
    """
    for codec in dict.fromkeys(filter(None, (codec_of(declared) if declared else None, fallback))):
        try:
            return unicodedata.normalize("NFC", raw.decode(codec)), codec
        except UnicodeDecodeError:
            continue
    raise NotDecodable
