"""Every kind of resource that the facade has. What is not here is not in the capability statement either."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from imaging.ehr.fhir.audit_events import AuditEvents
from imaging.ehr.fhir.binaries import Binaries
from imaging.ehr.fhir.diagnostic_reports import DiagnosticReports
from imaging.ehr.fhir.document_references import DocumentReferences
from imaging.ehr.fhir.endpoints import Endpoints
from imaging.ehr.fhir.imaging_studies import ImagingStudies
from imaging.ehr.fhir.kinds import Kind
from imaging.ehr.fhir.patients import Patients
from imaging.ehr.fhir.provenances import Provenances
from imaging.ehr.fhir.service_requests import ServiceRequests

_ALL: Final = (
    Patients(),
    ImagingStudies(),
    Endpoints(),
    ServiceRequests(),
    DiagnosticReports(),
    DocumentReferences(),
    Binaries(),
    Provenances(),
    AuditEvents(),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _ALL})
