"""A PDF is opened once before it is kept: pages, password, scripts. Runs in the decoder pool only: PDFium is native code."""

from __future__ import annotations

from typing import BinaryIO, Final

import pypdfium2
import pypdfium2.raw as pdfium

from imaging.dicom.errors import DicomError
from imaging.dicom.wrapping.facts import DocumentFacts

LARGEST: Final = 50 * 1024 * 1024
MAX_PAGES: Final = 5000


class BadDocument(DicomError):
    """The document cannot be kept."""

    default_code = "bad_document"


def inspect(source: BinaryIO) -> DocumentFacts:
    """What the PDF is. Raises ``BadDocument``: ``too_large``, ``protected``, ``no_pages``, ``too_many_pages``, ``bad_document``."""
    data = source.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BadDocument("the document is too large", code="too_large")
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        is_locked = getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD or "password" in str(error).lower()
        raise BadDocument("PDFium", code="protected" if is_locked else None) from error
    try:
        pages = len(document)
        if not pages:
            raise BadDocument("no page", code="no_pages")
        if pages > MAX_PAGES:
            raise BadDocument(f"{pages} pages", code="too_many_pages")
        document[0].close()
        notes = []
        if pdfium.FPDFDoc_GetJavaScriptActionCount(document) > 0:
            notes.append("has_scripts")
        if pdfium.FPDFDoc_GetAttachmentCount(document) > 0:
            notes.append("has_attachments")
    except pypdfium2.PdfiumError as error:
        raise BadDocument("PDFium") from error
    finally:
        document.close()
    return DocumentFacts(length=len(data), pages=pages, notes=tuple(notes))
