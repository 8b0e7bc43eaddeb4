"""ORU^R01: a version of a report, or the news that images are there (HL7 v2.5.1 section 7.3.1; IHE RAD-28, ITI TF-3 on documents in OBX).

One group of ORC and OBR for each request that the study answers, each with the whole result; one alone where there is none.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imaging.ehr.hl7 import writing
from imaging.ehr.hl7.writing import Field
from imaging.ehr.models import Hl7Destination
from imaging.ehr.sending import segments
from imaging.orders.models import ExamRequest
from imaging.reports.documents import sections
from imaging.reports.documents.content import Kind, ReportContent, Section
from imaging.studies.models import Study

#: OBR-25 (table 0123) and OBX-11 (table 0085). What is added or corrected replaces what the receiver has: it is sent whole.
_STATUS: Final = {
    Kind.PRELIMINARY: ("P", "P"),
    Kind.FINAL: ("F", "F"),
    Kind.ADDENDUM: ("C", "C"),
    Kind.CORRECTION: ("C", "C"),
    Kind.WITHDRAWAL: ("X", "W"),
}
#: Results are stored, and not verified yet: images without a report.
_IMAGES: Final = ("R", "R")
_REASON: Final[Field] = ("reason", "Reason of the withdrawal", "L")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Which message it is: to whom, its own number, and when it was written."""

    destination: Hl7Destination
    control_id: str
    at: datetime


def report(
    envelope: Envelope, content: ReportContent, study: Study, requests: Sequence[ExamRequest], *, pdf: bytes | None
) -> bytes:
    """A version of a report, with its text, its paper (``pdf``), or both. Raises ``writing.NotWritable``."""
    destination = envelope.destination
    of_exam, of_value = _STATUS[content.kind]
    values: list[str] = []
    if destination.report_form != destination.ReportForm.PDF or content.kind is Kind.WITHDRAWAL:
        values += _texts(content, of_value)
    if pdf is not None:
        values.append(_paper(len(values) + 1, content, pdf, of_value))
    values += segments.images(study, first=len(values) + 1, status=of_value)
    fields: dict[int, Field] = {22: writing.moment(content.signed_at), 25: of_exam, 32: _interpreter(content)}
    return _message(envelope, study, requests, values, fields, status="CM")


def study(envelope: Envelope, found: Study, requests: Sequence[ExamRequest]) -> bytes:
    """The news that the images of a study are there (as IHE RAD-49 tells it). Raises ``writing.NotWritable``."""
    of_exam, of_value = _IMAGES
    values = segments.images(found, first=1, status=of_value)
    fields: dict[int, Field] = {22: writing.moment(found.settled_at), 25: of_exam}
    return _message(envelope, found, requests, values, fields, status="CM")


def _message(
    envelope: Envelope,
    found: Study,
    requests: Sequence[ExamRequest],
    values: Sequence[str],
    fields: dict[int, Field],
    *,
    status: str,
) -> bytes:
    destination = envelope.destination
    written = [
        segments.header(destination, segments.RESULT, envelope.control_id, envelope.at),
        segments.patient(found.patient, destination),
    ]
    for number, request in enumerate(requests or [None], start=1):
        written.append(segments.order(request, found, control="RE", status=status, fields={}))
        written.append(segments.exam(destination, request, found, number=number, fields=fields))
        written += values
    return writing.message(written, destination.character_set)


def _texts(content: ReportContent, status: str) -> list[str]:
    """One OBX for each section, under the code of its heading; of a report that is taken back, why."""
    if content.kind is Kind.WITHDRAWAL:
        return [segments.observation(1, "FT", _REASON, ready=writing.formatted(content.reason), status=status)]
    rows = [section for section in content.standing if section.text.strip()]
    return [
        segments.observation(number, "FT", _heading(section), ready=writing.formatted(section.text), status=status)
        for number, section in enumerate(rows, start=1)
    ]


def _heading(section: Section) -> Field:
    code = sections.heading(section).heading
    scheme = "L" if code.scheme.startswith("99") else code.scheme
    return (code.value, section.title or code.meaning, scheme)


def _paper(number: int, content: ReportContent, pdf: bytes, status: str) -> str:
    """The paper as ED (section 2.A.24). Base64 has no letter that separates."""
    title = sections.document_title(content.study.modalities)
    value = f"^Application^PDF^Base64^{base64.b64encode(pdf).decode()}"
    return segments.observation(number, "ED", (title.value, title.meaning, title.scheme), ready=value, status=status)


def _interpreter(content: ReportContent) -> Field:
    """Who signed, as NDL's first component (CNN)."""
    if not content.signatures:
        return ""
    person = content.signatures[-1].person
    family, given, *_rest = writing.name(person.person_name or person.name)
    return ((person.identifier, family, given),)
