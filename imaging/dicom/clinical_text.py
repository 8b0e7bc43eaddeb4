"""What a CDA document says as plain text, section by section, and the PDF that stands in it in place of words (nonXMLBody)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from imaging.dicom import clinical_document
from imaging.dicom.clinical_document import Block, ClinicalDocument

#: Blocks that stand on lines of their own; cells of a row stand beside one another.
_LINES: Final = frozenset({"p", "li", "tr", "ul", "ol", "table", "thead", "tbody", "tfoot", "section", "h", "small"})
_CELLS: Final = frozenset({"td", "th"})
_SPACES: Final = re.compile(r"[ \t]+")
_GAPS: Final = re.compile(r"\n{2,}")


def sections(document: ClinicalDocument) -> list[tuple[str, str]]:
    """Title and text of every section that has words; those within another one follow it under their own title."""
    found: list[tuple[str, str]] = []
    for section in document.sections:
        _collect(section, found)
    return [(title, text) for title, text in found if text]


def enclosed_pdf(data: bytes) -> bytes | None:
    """The PDF of a document whose body is one (CDA R2 section 4.3.1.1). Raises as ``clinical_document.read``."""
    body = clinical_document.other_body(data)
    if body is None or body.media_type != "application/pdf":
        return None
    try:
        return base64.b64decode("".join(body.text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _collect(section: Block, found: list[tuple[str, str]]) -> None:
    title, own, within = "", Block("section"), list[Block]()
    for part in section.parts:
        if isinstance(part, Block) and part.name == "section":
            within.append(part)
        elif isinstance(part, Block) and part.name == "h" and not title:
            title = _tidy(_text(part))
        else:
            own.parts.append(part)
    found.append((title, _tidy(_text(own))))
    for inner in within:
        _collect(inner, found)


def _text(block: Block) -> str:
    words = "".join(part if isinstance(part, str) else _text(part) for part in block.parts)
    if block.name == "br":
        return "\n"
    if block.name == "li":
        return f"\n- {words.strip()}\n"
    if block.name in _CELLS:
        return f"{words.strip()} | "
    if block.name == "tr":
        return f"\n{words.strip().removesuffix('|').rstrip()}\n"
    return f"\n{words}\n" if block.name in _LINES else words


def _tidy(text: str) -> str:
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return _GAPS.sub("\n", "\n".join(lines)).strip()
