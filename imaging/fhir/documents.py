"""DocumentReference (R4 section 2.4): a document that is kept somewhere, and what it is about."""

from __future__ import annotations

from typing import Final

from imaging.fhir.reports import REPORT_TYPE, ReportFacts, attachment
from imaging.fhir.values import LOINC, SECTIONS, URI, Resource, concept, day, filled, reference, text

#: Where the report stands, as `docStatus` has it; preliminary is preliminary.
_DOC_STATUSES: Final = {"preliminary": "preliminary", "entered-in-error": "entered-in-error", "final": "final"}


def document_reference_of(facts: ReportFacts, *, subject: str, related: tuple[str, ...]) -> Resource:
    """Return a DocumentReference of a report's PDF; ``subject`` and ``related`` name resources. Raises ValueError without a PDF."""
    if facts.paper is None:
        raise ValueError("there is no document to refer to")
    gone = facts.status == "entered-in-error"
    return filled(
        {
            "resourceType": "DocumentReference",
            "identifier": [{"system": URI, "value": f"urn:uuid:{facts.key}"}],
            "status": "entered-in-error" if gone else "current",
            "docStatus": _DOC_STATUSES.get(facts.status, "amended"),
            "type": concept(LOINC, *REPORT_TYPE),
            "category": [concept(SECTIONS, "RAD")],
            "subject": reference(subject),
            "date": facts.signed_at.isoformat(),
            "author": [reference("", facts.signed_by)] if text(facts.signed_by) else [],
            "content": [{"attachment": attachment(facts.paper)}],
            "context": {
                "period": {"start": day(facts.studied_at, time_is_known=facts.time_is_known)},
                "related": [reference(name) for name in related],
            },
        }
    )
