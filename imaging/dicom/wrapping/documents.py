"""PDF and CDA documents as Encapsulated PDF and Encapsulated CDA objects (PS3.3 A.45.1, A.45.2; C.24)."""

from __future__ import annotations

from typing import BinaryIO, Final

from imaging.dicom import uids
from imaging.dicom.wrapping import modules, writing
from imaging.dicom.wrapping.facts import DocumentFacts, Place
from imaging.dicom.wrapping.modules import put

PDF: Final = "application/pdf"
CDA: Final = "text/XML"


def write_pdf(out: BinaryIO, place: Place, facts: DocumentFacts, stream: BinaryIO) -> None:
    """Write the PDF to ``out`` as it is. Raises ``Truncated``."""
    _write(out, place, facts, stream, sop_class_uid=uids.ENCAPSULATED_PDF, media_type=PDF)


def write_cda(out: BinaryIO, place: Place, facts: DocumentFacts, stream: BinaryIO) -> None:
    """Write the CDA document to ``out`` as it is. Raises ``Truncated``."""
    _write(out, place, facts, stream, sop_class_uid=uids.ENCAPSULATED_CDA, media_type=CDA)


def _write(
    out: BinaryIO, place: Place, facts: DocumentFacts, stream: BinaryIO, *, sop_class_uid: str, media_type: str
) -> None:
    made = modules.common(place, sop_class_uid=sop_class_uid)
    put(made, "ConversionType", "WSD")
    modules.acquired(made, place, always=True)
    put(made, "DocumentTitle", facts.title[:1024])
    put(made, "ConceptNameCodeSequence", [modules.code(facts.concept)] if facts.concept else [])
    if facts.is_verified is not None:
        put(made, "VerificationFlag", "VERIFIED" if facts.is_verified else "UNVERIFIED")
    if facts.sources:
        put(made, "SourceInstanceSequence", [modules.instance(*source) for source in facts.sources])
    if facts.hl7_identifier:
        put(made, "HL7InstanceIdentifier", facts.hl7_identifier)
    put(made, "MIMETypeOfEncapsulatedDocument", media_type)
    put(made, "EncapsulatedDocumentLength", facts.length)
    writing.write_document(
        out, made, transfer_syntax_uid=uids.EXPLICIT_VR_LITTLE_ENDIAN, stream=stream, length=facts.length
    )
