"""ImagingStudy (R4 section 9.7) and Endpoint (section 8.14): what images there are, and where they are fetched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from imaging.fhir.values import (
    CONNECTIONS,
    DCM,
    SNOMED,
    URI,
    Number,
    Resource,
    coding,
    day,
    filled,
    identifier,
    reference,
    said,
    study_identifier,
    text,
)

#: SMART Imaging Access 0.1.0 (Argonaut): whether images need the token with which the study was found.
ACCESS_EXTENSION: Final = "http://fhir.org/argonaut/smart-imaging/StructureDefinition/requires-access-token"
#: The largest unsignedInt of FHIR.
_MOST: Final = 2**31 - 1
#: Laterality (0020,0060).
_SIDES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"R": ("24028007", "Right"), "L": ("7771000", "Left"), "B": ("51440002", "Right and left")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFacts:
    """An instance (PS3.3 C.12.1)."""

    uid: str
    sop_class: str
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """A series (PS3.3 C.7.3.1), as far as it is shown. ``listed`` are its instances where they are told one by one."""

    uid: str
    modality: str
    number: int | None
    description: str
    instances: int
    body_part: str = ""
    laterality: str = ""
    listed: Sequence[InstanceFacts] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyFacts:
    """A study (PS3.3 C.7.2.1), and its series as far as they are shown."""

    uid: str
    accession: Number | None
    started: dt.datetime
    time_is_known: bool
    description: str
    modalities: Sequence[str]
    series: Sequence[SeriesFacts] = field(default_factory=tuple)
    referrer: str = ""
    interpreter: str = ""
    procedure: str = ""


def imaging_study_of(
    facts: StudyFacts, *, subject: str, endpoints: Sequence[str], based_on: Sequence[str] = ()
) -> Resource:
    """Return an ImagingStudy whose images lie at ``endpoints``; all three name resources."""
    accession = identifier(facts.accession) if facts.accession else {}
    return filled(
        {
            "resourceType": "ImagingStudy",
            "identifier": [study_identifier(facts.uid), *([accession] if accession else [])],
            "status": "available",
            "modality": [coding(DCM, modality) for modality in facts.modalities if text(modality)],
            "subject": reference(subject),
            "started": day(facts.started, time_is_known=facts.time_is_known),
            "basedOn": [reference(request) for request in based_on],
            "referrer": reference("", facts.referrer),
            "interpreter": [reference("", facts.interpreter)] if text(facts.interpreter) else [],
            "endpoint": [reference(endpoint) for endpoint in endpoints],
            "numberOfSeries": len(facts.series),
            "numberOfInstances": sum(series.instances for series in facts.series),
            "procedureCode": [said(facts.procedure)] if text(facts.procedure) else [],
            "description": text(facts.description),
            "series": [_series(series) for series in facts.series],
        }
    )


def _series(facts: SeriesFacts) -> Resource:
    side = _SIDES.get(facts.laterality.strip().upper())
    return filled(
        {
            "uid": facts.uid,
            "number": _unsigned(facts.number),
            "modality": coding(DCM, text(facts.modality) or "OT"),
            "description": text(facts.description),
            "numberOfInstances": facts.instances,
            "bodySite": filled({"display": text(facts.body_part)}),
            "laterality": coding(SNOMED, *side) if side else {},
            "instance": [_instance(instance) for instance in facts.listed],
        }
    )


def _instance(facts: InstanceFacts) -> Resource:
    return filled(
        {
            "uid": facts.uid,
            "sopClass": {"system": URI, "code": f"urn:oid:{facts.sop_class}"},
            "number": _unsigned(facts.number),
        }
    )


def _unsigned(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= _MOST else None


def wado_endpoint(
    address: str,
    *,
    name: str = "",
    headers: Sequence[str] = (),
    until: dt.datetime | None = None,
    needs_same_token: bool = False,
) -> Resource:
    """Return an Endpoint for WADO-RS (PS3.18 section 10.4): the root of the service, to which ``/studies/{uid}`` is added.

    ``needs_same_token``: images are fetched with the token with which it was found (SMART Imaging Access 0.1.0).
    """
    return filled(
        {
            "resourceType": "Endpoint",
            "extension": [{"url": ACCESS_EXTENSION, "valueBoolean": True}] if needs_same_token else [],
            "status": "active",
            "connectionType": {"system": CONNECTIONS, "code": "dicom-wado-rs"},
            "name": text(name),
            "period": filled({"end": until.isoformat() if until else ""}),
            "payloadType": [{"text": "DICOM WADO-RS"}],
            "payloadMimeType": ["application/dicom"],
            "address": address,
            "header": list(headers),
        }
    )


def viewer_endpoint(address: str, *, name: str = "") -> Resource:
    """Return an Endpoint for IHE Invoke Image Display (RAD-106)."""
    return filled(
        {
            "resourceType": "Endpoint",
            "status": "active",
            "connectionType": {"system": CONNECTIONS, "code": "ihe-iid"},
            "name": text(name),
            "payloadType": [{"text": "DICOM IID"}],
            "address": address,
        }
    )
