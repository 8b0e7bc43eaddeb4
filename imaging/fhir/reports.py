"""DiagnosticReport (R4 section 9.3): a signed report, and the document that it is."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from typing import Final

from imaging.fhir.values import LOINC, SECTIONS, URI, Resource, concept, day, filled, reference, text

#: Diagnostic imaging study.
REPORT_TYPE: Final = ("18748-4", "Diagnostic imaging study")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFacts:
    """The PDF: its bytes, or the address that gives them."""

    title: str
    language: str
    made_at: dt.datetime
    data: bytes | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """A signed report. ``status`` is of FHIR (R4 value set diagnostic-report-status)."""

    key: str
    status: str
    signed_at: dt.datetime
    signed_by: str
    paper: PaperFacts | None
    studied_at: dt.datetime
    time_is_known: bool
    conclusion: str = ""
    procedure: str = ""


def diagnostic_report_of(facts: ReportFacts, *, subject: str, images: str, based_on: tuple[str, ...] = ()) -> Resource:
    """Return a DiagnosticReport; ``subject``, ``images`` and ``based_on`` name resources."""
    return filled(
        {
            "resourceType": "DiagnosticReport",
            "identifier": [{"system": URI, "value": f"urn:uuid:{facts.key}"}],
            "basedOn": [reference(request) for request in based_on],
            "status": facts.status,
            "category": [concept(SECTIONS, "RAD")],
            "code": concept(LOINC, *REPORT_TYPE, words=facts.procedure),
            "subject": reference(subject),
            "effectiveDateTime": day(facts.studied_at, time_is_known=facts.time_is_known),
            "issued": facts.signed_at.isoformat(),
            "resultsInterpreter": [reference("", facts.signed_by)] if text(facts.signed_by) else [],
            "imagingStudy": [reference(images)],
            "conclusion": text(facts.conclusion),
            "presentedForm": [attachment(facts.paper)] if facts.paper else [],
        }
    )


def attachment(facts: PaperFacts) -> Resource:
    """Return an Attachment."""
    return filled(
        {
            "contentType": "application/pdf",
            "language": facts.language,
            "data": base64.b64encode(facts.data).decode() if facts.data is not None else "",
            "url": facts.address,
            "title": text(facts.title),
            "creation": facts.made_at.isoformat(),
        }
    )
