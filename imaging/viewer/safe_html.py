"""Blocks of a clinical document as HTML: every name from our own list, every word escaped, no attribute of the document's."""

from collections.abc import Iterable

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from imaging.dicom.clinical_document import NAMES, Block

_HEADINGS = ("h3", "h4", "h5", "h6")
_EMPTY = frozenset({"br"})


def of_blocks(blocks: Iterable[str | Block], *, level: int = 0) -> SafeString:
    """Return the blocks as markup. ``level`` is how deep the section lies, for its heading."""
    return mark_safe("".join(_written(block, level) for block in blocks))  # noqa: S308 -- names from NAMES, all else escaped


def _written(block: str | Block, level: int) -> str:
    if isinstance(block, str):
        return escape(block)
    if block.name not in NAMES:
        return "".join(_written(part, level) for part in block.parts)
    name = _HEADINGS[min(level, len(_HEADINGS) - 1)] if block.name == "h" else block.name
    if name in _EMPTY:
        return f"<{name}>"
    inside = level + 1 if name == "section" else level
    # A section's own heading has the section's level, its sections the next.
    parts = "".join(_written(part, inside if _is_section(part) else level) for part in block.parts)
    columns, rows = block.spans
    spans = (f' colspan="{columns}"' if columns > 1 else "") + (f' rowspan="{rows}"' if rows > 1 else "")
    return f"<{name}{spans}>{parts}</{name}>"


def _is_section(part: str | Block) -> bool:
    return isinstance(part, Block) and part.name == "section"
