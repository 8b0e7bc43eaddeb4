"""Shared images as one FHIR Bundle (R4): Patient, Endpoint, ImagingStudy, DiagnosticReport.

Pure: plain values in, JSON values out. Every resource is named by a ``urn:uuid`` made of its own identifier, so that the same
study has the same name whenever it is asked for.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imaging.fhir.imaging import StudyFacts, imaging_study_of, wado_endpoint
from imaging.fhir.patients import PatientFacts, patient_of
from imaging.fhir.reports import ReportFacts, diagnostic_report_of
from imaging.fhir.values import Resource

_NAMES: Final = uuid.UUID("6d0c6ba0-5e0f-5a54-9c7e-0b7f6a3e1d52")


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """Where the images themselves are fetched by WADO-RS: its address, and the token that opens it until ``until``."""

    address: str
    token: str
    until: dt.datetime


def bundle(
    patient: PatientFacts,
    studies: Sequence[tuple[StudyFacts, ReportFacts | None]],
    endpoint: EndpointFacts,
    *,
    made_at: dt.datetime,
) -> Resource:
    """Return everything in one Bundle of type collection; its resources refer to each other by their ``fullUrl``."""
    numbers = [part for number in patient.numbers[:1] for part in (number.issuer, number.value)]
    about = _name("patient", *numbers, *(study.uid for study, _report in studies[:1]))
    where = _name("endpoint", endpoint.address)
    header = f"Authorization: Bearer {endpoint.token}"
    fetched_at = wado_endpoint(endpoint.address, headers=[header], until=endpoint.until)
    entries = [_entry(about, patient_of(patient)), _entry(where, fetched_at)]
    for study, report in studies:
        images = _name("study", study.uid)
        entries.append(_entry(images, imaging_study_of(study, subject=about, endpoints=[where])))
        if report is not None:
            told = diagnostic_report_of(report, subject=about, images=images)
            entries.append(_entry(_name("report", report.key), told))
    return {"resourceType": "Bundle", "type": "collection", "timestamp": made_at.isoformat(), "entry": entries}


def _name(*parts: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMES, '|'.join(parts))}"


def _entry(full_url: str, resource: Resource) -> Resource:
    return {"fullUrl": full_url, "resource": resource}
