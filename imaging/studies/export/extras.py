"""Files that lie beside the images of an export: a page to look at, previews, reports.

PS3.10 section 8 lets a file-set share its folder with other files, as long as none of them takes a name of its own.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 200
#: What Windows, macOS or a shell cannot have in a name.
_REFUSED: Final = frozenset('\\:*?"<>|')
_DEVICES: Final = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(1, 10))}
)
#: Names of the export's own, without regard to capitals.
_TAKEN: Final = frozenset(
    {"DICOM", "DICOMDIR", "README.TXT", "LISEZMOI.TXT", "MISSING.TXT", "RECEIPT.TXT", "RECEIPT.JSON"}
)


@dataclass(frozen=True, slots=True)
class Extra:
    """One further file: ``name`` with ``/`` between its parts, ``length`` in bytes; ``tag`` changes whenever they do.

    ``read`` is called when its turn comes, and may be called again when a download goes on.
    """

    name: str
    length: int
    tag: str
    read: Callable[[], Iterable[bytes]]

    def __post_init__(self) -> None:
        """Refuse a name that would lead out of the folder, or that another file has. Raises ``ValueError``."""
        parts = self.name.split("/")
        if len(self.name) > _LONGEST or not all(_is_sound(part) for part in parts) or parts[0].upper() in _TAKEN:
            raise ValueError(f"no name for a file of an export: {self.name[:_LONGEST]!r}")


def given(name: str, content: bytes) -> Extra:
    """A file that is at hand."""
    return Extra(name, len(content), hashlib.sha256(content).hexdigest(), lambda: (content,))


def _is_sound(part: str) -> bool:
    return (
        bool(part.strip(". "))
        and part == part.strip(" ").rstrip(".")
        and part.split(".", maxsplit=1)[0].upper() not in _DEVICES
        and not any(sign in _REFUSED or unicodedata.category(sign) in {"Cc", "Cf", "Cs"} for sign in part)
    )
