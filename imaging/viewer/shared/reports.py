"""The report of a study that was shared with it: the PDF that was signed, once its time has come."""

import datetime as dt
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.roles import Right
from imaging.reports.critical import selectors as critical
from imaging.reports.models import Report, ReportVersion
from imaging.reports.writing import publishing, selectors
from imaging.sharing import recipients
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.models.choices import Recipient
from imaging.sharing.record import selectors as records
from imaging.storage import services as storage
from imaging.studies import access
from imaging.studies.models import Study
from imaging.viewer.errors import of_a_study

_TOLD = frozenset({Report.State.FINAL, Report.State.AMENDED, Report.State.APPENDED})


@dataclass(frozen=True, slots=True)
class Standing:
    """The report of a shared study: signed and readable now, or readable from a moment on, or none."""

    report: Report | None = None
    version: ReportVersion | None = None
    readable_from: dt.datetime | None = None
    #: Kept until somebody has spoken about a critical finding in it: there is no day to tell yet.
    is_held: bool = False

    @property
    def is_readable(self) -> bool:
        """Whether it may be read now."""
        return self.version is not None and self.readable_from is None and not self.is_held


def of(share: Share, study: Study) -> Standing:
    """Return how far the report of a study is, for who visits a share."""
    known = selectors.latest(study) if _are_shown(share) else None
    if known is None or known[0].state not in _TOLD:
        return Standing()
    report, version = known
    if _is_hidden(share, report):
        return Standing()
    findings = critical.holding(study) if records.is_record(share) else []
    opens_at = recipients.report_opens_at(share, version.signed_at, is_critical=bool(findings))
    waits = opens_at is not None and opens_at > timezone.now()
    is_held = any(finding.acknowledged_at is None for finding in findings)
    return Standing(report, version, opens_at if waits else None, is_held=is_held)


def _is_hidden(share: Share, report: Report) -> bool:
    """Whether the system that wrote the report keeps it back from a patient, or from who acts for one (FR-5)."""
    is_patients = records.is_record(share) or share.recipient == Recipient.PATIENT
    if not is_patients:
        return False
    return report.is_hidden_from_patient or (report.is_hidden_from_proxies and records.is_proxy(share))


def _are_shown(share: Share) -> bool:
    return records.shows(share).reports if records.is_record(share) else share.with_report


def paper(known: Standing) -> bytes:
    """Return the PDF of a report that may be read. Raises :class:`ValueError` where there is none."""
    if known.report is None or known.version is None:
        raise ValueError("there is no report")
    return storage.read(publishing.paper(known.version, known.report))


def record_read(request: HttpRequest, study: Study, known: Standing) -> None:
    """Put on record that a report was read. Raises :class:`ValueError` where there is none."""
    if known.report is None or known.version is None:
        raise ValueError("there is no report")
    audit.record(
        audit.Action.REPORT_READ,
        actor=request.actor,  # type: ignore[attr-defined]
        subject_type="report",
        subject_uid=str(known.report.key),
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={"version": known.version.number, "study": study.study_instance_uid},
    )


@require_safe
@of_a_study
def report(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the report of a study as it was signed; 404 while there is none to read."""
    study = access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL,
        # Who is shown no images may still read what they say.
        right=Right.LIST,
    )
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    found = of(visit.share, study)
    if not found.is_readable:
        raise Http404
    record_read(request, study, found)
    response = HttpResponse(paper(found), content_type="application/pdf")
    # What another system wrote is not run beside our pages, whatever stands in it.
    shown = "attachment" if found.report is not None and found.report.source else "inline"
    response["Content-Disposition"] = f'{shown}; filename="report-{study.study_at:%Y%m%d}.pdf"'
    return response
