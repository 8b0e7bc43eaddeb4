"""FHIR R4 (4.0.1) resources of shared images: Patient, Endpoint, ImagingStudy, DiagnosticReport, in one Bundle.

Pure: plain values in, JSON values out. Every resource is named by a ``urn:uuid`` made of its own identifier, so that the same
study has the same name whenever it is asked for.
"""

import base64
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from imaging.dicom import person_name

Resource = dict[str, Any]

_DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_LOINC: Final = "http://loinc.org"
_IDENTIFIER_TYPES: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
_SECTIONS: Final = "http://terminology.hl7.org/CodeSystem/v2-0074"
_CONNECTIONS: Final = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
_NAMES: Final = uuid.UUID("6d0c6ba0-5e0f-5a54-9c7e-0b7f6a3e1d52")
#: Patient's Sex (0010,0040) as administrative gender.
_GENDERS: Final[Mapping[str, str]] = MappingProxyType({"M": "male", "F": "female", "O": "other"})


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """A patient as DICOM names them (PS3.3 C.7.1.1)."""

    patient_id: str
    issuer: str
    name: str
    birth_date: dt.date | None
    sex: str


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """A series, as far as it is shared (PS3.3 C.7.3.1)."""

    uid: str
    modality: str
    number: int | None
    description: str
    instances: int


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """A signed report. ``status`` is final, amended or appended, as FHIR has them too; ``pdf`` is its document."""

    key: str
    status: str
    signed_at: dt.datetime
    signed_by: str
    language: str
    title: str
    pdf: bytes


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """A study (PS3.3 C.7.2.1), its series as far as they are shared, and its report where there is one to read."""

    uid: str
    accession_number: str
    started: dt.datetime
    time_is_known: bool
    description: str
    modalities: Sequence[str]
    series: Sequence[SeriesFacts] = field(default_factory=tuple)
    report: ReportFacts | None = None


@dataclass(frozen=True, slots=True)
class EndpointFacts:
    """Where the images themselves are fetched by WADO-RS: its address, and the token that opens it until ``until``."""

    address: str
    token: str
    until: dt.datetime


def bundle(
    patient: PatientFacts, studies: Sequence[StudyFacts], endpoint: EndpointFacts, *, made_at: dt.datetime
) -> Resource:
    """Return everything in one Bundle of type collection; its resources refer to each other by their ``fullUrl``."""
    about = _name("patient", patient.issuer, patient.patient_id, *(study.uid for study in studies[:1]))
    where = _name("endpoint", endpoint.address)
    entries = [_entry(about, patient_of(patient)), _entry(where, endpoint_of(endpoint))]
    for study in studies:
        images = _name("study", study.uid)
        entries.append(_entry(images, imaging_study_of(study, subject=about, endpoint=where)))
        if study.report is not None:
            report = diagnostic_report_of(study.report, study, subject=about, images=images)
            entries.append(_entry(_name("report", study.report.key), report))
    return {"resourceType": "Bundle", "type": "collection", "timestamp": made_at.isoformat(), "entry": entries}


def patient_of(facts: PatientFacts) -> Resource:
    """Return a Patient."""
    parts = person_name.parse(facts.name).leading
    given = [text for text in (parts.given, parts.middle) if text]
    name = {"use": "official", "text": person_name.display(facts.name), "family": parts.family, "given": given}
    identifier = {
        "type": _concept(_IDENTIFIER_TYPES, "MR"),
        "value": facts.patient_id,
        "assigner": _filled({"display": facts.issuer}),
    }
    return _filled(
        {
            "resourceType": "Patient",
            "identifier": [_filled(identifier)] if facts.patient_id else [],
            "name": [_filled(name)] if facts.name else [],
            "gender": _GENDERS.get(facts.sex.strip().upper(), "unknown"),
            "birthDate": facts.birth_date.isoformat() if facts.birth_date else "",
        }
    )


def endpoint_of(facts: EndpointFacts) -> Resource:
    """Return an Endpoint for WADO-RS (PS3.18 section 10.4), with the header that opens it."""
    return {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": {"system": _CONNECTIONS, "code": "dicom-wado-rs"},
        "period": {"end": facts.until.isoformat()},
        "payloadType": [{"text": "DICOM WADO-RS"}],
        "payloadMimeType": ["application/dicom"],
        "address": facts.address,
        "header": [f"Authorization: Bearer {facts.token}"],
    }


def imaging_study_of(facts: StudyFacts, *, subject: str, endpoint: str) -> Resource:
    """Return an ImagingStudy whose images lie at ``endpoint``."""
    identifiers: list[Resource] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{facts.uid}"}]
    if facts.accession_number:
        identifiers.append({"type": _concept(_IDENTIFIER_TYPES, "ACSN"), "value": facts.accession_number})
    return _filled(
        {
            "resourceType": "ImagingStudy",
            "identifier": identifiers,
            "status": "available",
            "modality": [{"system": _DCM, "code": code} for code in facts.modalities],
            "subject": {"reference": subject},
            "started": _moment(facts),
            "endpoint": [{"reference": endpoint}],
            "numberOfSeries": len(facts.series),
            "numberOfInstances": sum(series.instances for series in facts.series),
            "description": facts.description,
            "series": [_series(series) for series in facts.series],
        }
    )


def _series(facts: SeriesFacts) -> Resource:
    return _filled(
        {
            "uid": facts.uid,
            "number": facts.number if facts.number is not None and facts.number >= 0 else None,
            "modality": {"system": _DCM, "code": facts.modality or "OT"},
            "description": facts.description,
            "numberOfInstances": facts.instances,
        }
    )


def diagnostic_report_of(facts: ReportFacts, study: StudyFacts, *, subject: str, images: str) -> Resource:
    """Return a DiagnosticReport that carries its document."""
    document = {
        "contentType": "application/pdf",
        "language": facts.language,
        "data": base64.b64encode(facts.pdf).decode(),
        "title": facts.title,
        "creation": facts.signed_at.isoformat(),
    }
    return _filled(
        {
            "resourceType": "DiagnosticReport",
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{facts.key}"}],
            "status": facts.status,
            "category": [_concept(_SECTIONS, "RAD")],
            "code": _concept(_LOINC, "18748-4", "Diagnostic imaging study"),
            "subject": {"reference": subject},
            "effectiveDateTime": _moment(study),
            "issued": facts.signed_at.isoformat(),
            "resultsInterpreter": [{"display": facts.signed_by}] if facts.signed_by else [],
            "imagingStudy": [{"reference": images}],
            "presentedForm": [_filled(document)],
        }
    )


def _moment(study: StudyFacts) -> str:
    """The date alone where the time of day was not told (dateTime of FHIR has both)."""
    return study.started.isoformat() if study.time_is_known else study.started.date().isoformat()


def _concept(system: str, code: str, display: str = "") -> Resource:
    return {"coding": [_filled({"system": system, "code": code, "display": display})]}


def _name(*parts: str) -> str:
    return f"urn:uuid:{uuid.uuid5(_NAMES, '|'.join(parts))}"


def _entry(full_url: str, resource: Resource) -> Resource:
    return {"fullUrl": full_url, "resource": resource}


def _filled(resource: Resource) -> Resource:
    """Without what is empty: FHIR has no empty values."""
    return {name: value for name, value in resource.items() if value not in (None, "", [], {})}
