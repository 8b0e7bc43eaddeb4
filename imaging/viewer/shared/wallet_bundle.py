"""The Bundle that a health wallet gets: what a share shows at this moment, as FHIR."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.addresses import client_address
from accounts.audit import context
from accounts.roles import Right
from accounts.scope import Scope
from accounts.visitors import Visitor
from imaging.fhir.imaging import SeriesFacts, StudyFacts
from imaging.fhir.patients import PatientFacts
from imaging.fhir.reports import PaperFacts, ReportFacts
from imaging.fhir.values import Number, Resource
from imaging.sharing import door, recipients, scopes
from imaging.sharing.health_link.bundle import EndpointFacts, bundle
from imaging.sharing.models import Share, ShareVisit
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Patient, Series, Study
from imaging.viewer.shared import reports


def visited(request: HttpRequest, visit: ShareVisit) -> HttpRequest:
    """Let a request go on as the visit of the wallet that sent it: with what the share shows now, and nothing else."""
    actor = scopes.actor_of(visit.share, address=client_address(request), request_id=context.current().request_id)
    request.share_visit = visit  # type: ignore[attr-defined]
    request.scope = scopes.scope_of(visit, actor=actor)  # type: ignore[attr-defined]
    request.actor = actor  # type: ignore[attr-defined]
    request.user = Visitor()
    return request


def of(request: HttpRequest, visit: ShareVisit, token: str) -> Resource | None:
    """Return the Bundle of a share, with the address and token by which its images are fetched; None while it shows nothing."""
    share = visit.share
    found = _shared(request, share)
    if not found or share.patient is None or share.is_deidentified:
        return None
    with translation.override(share.language):
        told = [(_study(study, request.scope), _report(visit, study)) for study in found]  # type: ignore[attr-defined]
    endpoint = EndpointFacts(
        address=f"{settings.PUBLIC_URL}{door.address_of(share.key)}dicom-web", token=token, until=visit.valid_until
    )
    return bundle(_patient(found[0].patient), told, endpoint, made_at=timezone.now())


def record(request: HttpRequest, visit: ShareVisit) -> None:
    """Put on record which studies and reports were handed over."""
    for study in _shared(request, visit.share):
        access.open_study(
            request.scope,  # type: ignore[attr-defined]
            study.study_instance_uid,
            actor=request.actor,  # type: ignore[attr-defined]
            purpose=access.Purpose.EXPORT,
            right=Right.DOWNLOAD,
            detail={"as": "smart_health_link"},
        )
        found = reports.of(visit.share, study)
        if found.is_readable:
            reports.record_read(request, study, found)


def _shared(request: HttpRequest, share: Share) -> list[Study]:
    return [entry.study for entry in recipients.studies_of(share, request.scope)]  # type: ignore[attr-defined]


def _patient(patient: Patient) -> PatientFacts:
    number = Number(value=patient.patient_id, issuer=patient.issuer_of_patient_id, type_code="MR")
    return PatientFacts(numbers=(number,), name=patient.patient_name, birth_date=patient.birth_date, sex=patient.sex)


def _study(study: Study, scope: Scope) -> StudyFacts:
    rows = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    return StudyFacts(
        uid=study.study_instance_uid,
        accession=Number(value=study.accession_number, type_code="ACSN"),
        started=timezone.localtime(study.study_at),
        time_is_known=study.study_time_known,
        description=study.description,
        modalities=tuple(dict.fromkeys(row.modality for row in rows if row.modality)),
        series=tuple(_series(row, scope) for row in rows),
    )


def _series(series: Series, scope: Scope) -> SeriesFacts:
    return SeriesFacts(
        uid=series.series_instance_uid,
        modality=series.modality,
        number=series.series_number,
        description=series.description,
        instances=studies.instances_of(series, scope=scope, right=Right.VIEW).count(),
    )


def _report(visit: ShareVisit, study: Study) -> ReportFacts | None:
    known = reports.of(visit.share, study)
    if not known.is_readable or known.report is None or known.version is None:
        return None
    signed_at = timezone.localtime(known.version.signed_at)
    paper = PaperFacts(
        title=_("Report (PDF)"), language=known.report.language, made_at=signed_at, data=reports.paper(known)
    )
    return ReportFacts(
        key=str(known.report.key),
        # Final, amended or appended, as FHIR has them too.
        status=known.report.state,
        signed_at=signed_at,
        signed_by=known.version.signer,
        paper=paper,
        studied_at=timezone.localtime(study.study_at),
        time_is_known=study.study_time_known,
    )
