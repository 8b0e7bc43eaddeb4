"""A CDA document's own words about itself: title and identifier (HL7 CDA R2). XML is read without entities (defusedxml)."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from imaging.dicom.errors import DicomError
from imaging.dicom.wrapping.facts import DocumentFacts

_HL7: Final = "{urn:hl7-org:v3}"
LARGEST: Final = 20 * 1024 * 1024


class NotCda(DicomError):
    """The bytes are no CDA document."""

    default_code = "not_cda"


def read(data: bytes) -> DocumentFacts:
    """What the document says. Raises ``NotCda``, also for one with a document type, entities or absurd nesting."""
    if len(data) > LARGEST:
        raise NotCda("the document is too large", code="too_large")
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise NotCda(type(error).__name__) from error
    if root.tag != f"{_HL7}ClinicalDocument":
        raise NotCda("the root is not ClinicalDocument")
    return DocumentFacts(length=len(data), title=_text(root.find(f"{_HL7}title")), hl7_identifier=_identifier(root))


def _text(element: Element | None) -> str:
    return " ".join("".join(element.itertext()).split())[:1024] if element is not None else ""


def _identifier(root: Element) -> str:
    element = root.find(f"{_HL7}id")
    if element is None:
        return ""
    parts = (element.get("root", ""), element.get("extension", ""))
    return "^".join(part for part in parts if part)[:256]
