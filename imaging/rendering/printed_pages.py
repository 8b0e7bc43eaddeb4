"""Pages of an encapsulated PDF as pictures, by PDFium. Runs in the decoder pool only: scripts, links and forms are never run."""

from __future__ import annotations

import PIL.Image
import pypdfium2

from imaging.dicom.errors import DecodeFailed, UnsupportedPixels
from imaging.rendering.pictures import Image

#: Longest edge of a page in pixels.
MAX_EDGE = 2048
_MAX_POINTS = 20_000.0


def page(document: bytes, number: int, size: int) -> tuple[Image, int]:
    """Page ``number`` (from 1) on white, its longest edge ``size`` pixels, and how many pages there are. Raises ``DicomError``."""
    if b"%PDF-" not in document[:1024]:
        raise DecodeFailed("no PDF", code="not_a_pdf")
    try:
        opened = pypdfium2.PdfDocument(document)
    except pypdfium2.PdfiumError as error:
        # A password is asked for, or the file is broken: PDFium tells both by this.
        raise DecodeFailed("the PDF cannot be opened", code="broken_document") from error
    count = len(opened)
    if not 1 <= number <= count:
        raise UnsupportedPixels(f"page {number} of {count}", code="no_such_page")
    try:
        leaf = opened[number - 1]
        width, height = leaf.get_size()
        if not (0 < width <= _MAX_POINTS and 0 < height <= _MAX_POINTS):
            raise UnsupportedPixels("a page of an absurd size", code="too_large")
        scale = min(size, MAX_EDGE) / max(width, height)
        drawn = leaf.render(scale=scale, may_draw_forms=False, rev_byteorder=True).to_pil()
    except pypdfium2.PdfiumError as error:
        raise DecodeFailed("the page cannot be drawn", code="broken_document") from error
    image: PIL.Image.Image = drawn.convert("RGB")
    return image, count
