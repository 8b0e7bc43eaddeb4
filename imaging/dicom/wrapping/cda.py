"""A CDA document's own words about itself: title and identifier (HL7 CDA R2).

XML is read without entities or document types (defusedxml), and as a stream: no tree of it is ever built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from imaging.dicom.errors import DicomError
from imaging.dicom.wrapping.facts import DocumentFacts

_HL7: Final = "{urn:hl7-org:v3}"
_TITLE: Final = 1024
LARGEST: Final = 20 * 1024 * 1024


class NotCda(DicomError):
    """The bytes are no CDA document."""

    default_code = "not_cda"


class _Reader:
    """Follows the elements: the root, and of its children the title and the identifier."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_title = False
        self.title = ""
        self.identifier = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth == 1 and tag != f"{_HL7}ClinicalDocument":
            raise NotCda("the root is not ClinicalDocument")
        if self._depth == 2:
            self._in_title = tag == f"{_HL7}title" and not self.title
            if tag == f"{_HL7}id" and not self.identifier:
                parts = (attributes.get("root", ""), attributes.get("extension", ""))
                self.identifier = "^".join(part for part in parts if part)[:256]

    def data(self, text: str) -> None:
        if self._in_title and len(self.title) < _TITLE:
            self.title += text

    def end(self, _tag: str) -> None:
        if self._depth == 2:
            self._in_title = False
        self._depth -= 1

    def close(self) -> None:
        """Nothing is left to do."""


def read(data: bytes) -> DocumentFacts:
    """What the document says. Raises ``NotCda``, also for one with a document type or entities."""
    if len(data) > LARGEST:
        raise NotCda("the document is too large", code="too_large")
    found = _Reader()
    parser = DefusedXMLParser(target=found, forbid_dtd=True)
    try:
        parser.feed(data)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, RecursionError, LookupError) as error:
        raise NotCda(type(error).__name__) from error
    title = " ".join(found.title.split())[:_TITLE]
    return DocumentFacts(length=len(data), title=title, hl7_identifier=found.identifier)
