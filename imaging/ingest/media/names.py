"""Names of untrusted files, made fit to be shown. They are never used to open anything."""

import unicodedata
from typing import Final

#: As ``ImportedFile.path``.
LONGEST: Final = 500
#: Control characters, invisible ones (bidirectional marks among them), halves of characters, private ones.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text with a replacement character for each that shows nothing, or something else than there is."""
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in _HIDDEN else char for char in text)


def shown(path: str) -> str:
    """The name with ``/`` between its parts, without what would disturb a page or a terminal; its end when it is too long.

    What leads out of its folder stays to be seen. Never empty.
    """
    text = visible(path.replace("\\", "/")) or "-"
    return text if len(text) <= LONGEST else "…" + text[-LONGEST + 1 :]


def is_unsafe(name: str) -> bool:
    """Whether a name in an archive is absolute, names a drive or climbs out."""
    parts = name.replace("\\", "/").split("/")
    return name[:1] in {"/", "\\"} or ".." in parts or (len(name) > 1 and name[1] == ":")
