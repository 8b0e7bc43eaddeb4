"""The PDF of a report as an Encapsulated PDF object (PS3.3 A.45.1), made by what makes all documents into objects."""

from __future__ import annotations

import io
from typing import Final

from imaging.dicom.wrapping import documents
from imaging.dicom.wrapping.facts import DocumentFacts, Place
from imaging.reports.documents import sections
from imaging.reports.documents.content import ReportContent

_MOST_SOURCES: Final = 200


def encapsulated(content: ReportContent, pdf: bytes, place: Place) -> bytes:
    """The DICOM file: ``place`` says which patient, study and series it is of. Key images are named as its sources."""
    shown = (*(each.image for each in content.pictures), *(each.image for each in content.measurements if each.image))
    facts = DocumentFacts(
        length=len(pdf),
        title=content.title,
        concept=sections.REPORT,
        is_verified=content.is_verified,
        sources=tuple(dict.fromkeys((image.sop_class_uid, image.sop_instance_uid) for image in shown))[:_MOST_SOURCES],
    )
    out = io.BytesIO()
    documents.write_pdf(out, place, facts, io.BytesIO(pdf))
    return out.getvalue()
