"""The name of a file as its sender's computer calls it: shown to people, never opened. Pure."""

import re
from typing import Final

from imaging.ingest.media.names import LONGEST, visible

_SEPARATORS: Final = re.compile(r"[/\\]+")
_MEANINGLESS: Final = frozenset({"", ".", ".."})


def shown(text: str) -> str:
    """A name that can be shown and stored: relative, without characters that deceive the eye, at most 500 long.

    Of a longer one the end is kept, for that tells files apart. Never empty.
    """
    parts = [part for part in _SEPARATORS.split(visible(text[-4 * LONGEST :])) if part.strip() not in _MEANINGLESS]
    name = "/".join(part.strip() for part in parts) or "-"
    return name if len(name) <= LONGEST else "…" + name[-(LONGEST - 1) :]


def title(text: str) -> str:
    """What a person calls a delivery, on one line."""
    return " ".join(visible(text).split())[:200]
