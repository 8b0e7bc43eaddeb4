"""The name that a download has in a browser: whatever people called what they take home, accents and all."""

import unicodedata
from typing import Final
from urllib.parse import quote

_LONGEST: Final = 120
_REFUSED: Final = frozenset('\\/:*?"<>|')
#: What may stand unescaped in the extended form (RFC 8187 section 3.2.1, attr-char).
_UNESCAPED: Final = "!#$&+-.^_`|~"


def attachment(name: str, ending: str, *, otherwise: str) -> str:
    """The header ``Content-Disposition`` of a file that is to be kept (RFC 6266): ``name`` as somebody wrote it.

    What no file name can hold is left out; ``otherwise`` is the name when nothing remains. A reader that does not know the
    extended form (RFC 8187) gets the name without its accents.
    """
    safe = _safe(name) or _safe(otherwise)
    plain = _safe(_ascii(safe)) or _safe(_ascii(otherwise)) or "download"
    found = f'attachment; filename="{plain}.{ending}"'
    if safe != plain:
        found += f"; filename*=UTF-8''{quote(f'{safe}.{ending}', safe=_UNESCAPED)}"
    return found


def _safe(name: str) -> str:
    """The name without signs that steer, lead to another folder or are refused by a system; no more than so many."""
    kept = (
        " " if sign in _REFUSED or unicodedata.category(sign)[0] in "CZ" else sign
        for sign in unicodedata.normalize("NFC", name)
    )
    return " ".join("".join(kept).split())[:_LONGEST].strip(". ")


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
