"""DiagnosticReport: the signed report of a study, for whom may view the study. Its words are given by reading, one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import audit
from accounts.roles import Right
from imaging.ehr.fhir import ids, patients, places, service_requests
from imaging.ehr.fhir.kinds import ID, LAST_UPDATED, Asking, Kind, Page, Wanted, titled
from imaging.ehr.fhir.parameters import Criteria, Parameter, Type
from imaging.fhir.reports import PaperFacts, ReportFacts, diagnostic_report_of
from imaging.fhir.values import LOINC, SECTIONS, URI, Resource
from imaging.orders.models import ExamRequest
from imaging.reports.documents import canonical
from imaging.reports.models import Report, ReportVersion

_STATUSES: Final = "http://hl7.org/fhir/diagnostic-report-status"
_STATUS: Final = {
    Report.State.PRELIMINARY: "preliminary",
    Report.State.FINAL: "final",
    Report.State.AMENDED: "amended",
    Report.State.APPENDED: "appended",
    Report.State.WITHDRAWN: "entered-in-error",
}
_ANSWERS: Final = ("impression", "conclusion")


class DiagnosticReports(Kind):
    """Reports that somebody has signed."""

    name = "DiagnosticReport"
    about = (
        "Signed reports, for who may view the study. The PDF is at `presentedForm.url`; the conclusion is given by a "
        "reading, which is put on record."
    )
    parameters = (
        ID,
        LAST_UPDATED,
        Parameter("patient", Type.REFERENCE, "Whose report it is", target="Patient", element="subject"),
        Parameter("subject", Type.REFERENCE, "Whose report it is", target="Patient", element="subject"),
        Parameter("patient.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("subject.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("identifier", Type.TOKEN, "`urn:ietf:rfc:3986|urn:uuid:…`"),
        Parameter("status", Type.TOKEN, "preliminary, final, amended, appended or entered-in-error"),
        Parameter("issued", Type.DATE, "When the last version was signed"),
        Parameter("date", Type.DATE, "When the study was made"),
        Parameter("category", Type.TOKEN, "Always RAD"),
        Parameter("code", Type.TOKEN, "Always LOINC 18748-4"),
        Parameter("based-on", Type.REFERENCE, "The request", target="ServiceRequest", element="basedOn"),
    )
    reverse_includes = ("Provenance:target",)

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One report, with its conclusion; on record as read."""
        version = next(iter(last_versions(asking, [key])), None)
        if version is None:
            return None
        record(asking, version)
        return _shown(asking, [version], is_whole=True)[0]

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """Latest begun first."""
        return page(asking, wanted, wanted.criteria, show=lambda versions: _shown(asking, versions))

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        return found(asking, criteria).count()

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """These."""
        return _shown(asking, last_versions(asking, keys))


def record(asking: Asking, version: ReportVersion) -> None:
    """Put on record that somebody read a report."""
    study = version.report.study
    audit.record(
        audit.Action.REPORT_READ,
        actor=asking.actor,
        subject_type="report",
        subject_uid=str(version.report.key),
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={"version": version.number, "study": study.study_instance_uid},
    )


def _visible(asking: Asking) -> QuerySet[Report]:
    rows: QuerySet[Report] = Report.objects.visible_to(asking.scope, Right.VIEW).filter(state__in=list(_STATUS))
    return rows


def page(
    asking: Asking,
    wanted: Wanted,
    criteria: Criteria,
    *,
    show: Callable[[Sequence[ReportVersion]], list[Resource]],
) -> Page:
    """A page of reports, latest begun first, each shown by its last version."""
    rows = found(asking, criteria)
    return places.latest_first(rows, wanted, show=lambda reports: show(_latest_of(reports)))


def last_versions(asking: Asking, keys: Collection[str]) -> list[ReportVersion]:
    """The last version of each of these reports that may be seen."""
    return _latest(_visible(asking).filter(key__in=ids.uuids(keys)))


def found(asking: Asking, asked: Criteria) -> QuerySet[Report]:
    """The reports that are asked for."""
    rows = _visible(asking)
    known = patients.meant(asked)
    if known is not None:
        rows = rows.filter(study__patient__in=known)
    for keys in asked.strings("_id"):
        rows = rows.filter(key__in=ids.uuids(keys))
    for keys in asked.codes("identifier", system=URI):
        rows = rows.filter(key__in=ids.uuids(keys))
    for codes in asked.codes("status", system=_STATUSES):
        rows = rows.filter(state__in=[state for state, code in _STATUS.items() if code in codes])
    for system, code, name in ((SECTIONS, "RAD", "category"), (LOINC, "18748-4", "code")):
        if any(code not in codes for codes in asked.codes(name, system=system)):
            rows = rows.none()
    for keys in asked.ids("based-on", target="ServiceRequest"):
        seen = ExamRequest.objects.visible_to(asking.scope).filter(key__in=ids.uuids(keys))
        rows = rows.filter(study__request_links__request__in=seen, study__request_links__ended_at=None)
    return _in_time(rows, asked)


def _in_time(rows: QuerySet[Report], asked: Criteria) -> QuerySet[Report]:
    issued = asked.span("issued")
    if issued.since or issued.until:
        last = ReportVersion.objects.order_by("report", "-number").distinct("report").values("pk")
        within = ReportVersion.objects.filter(pk__in=last)
        within = within.filter(signed_at__gte=issued.since) if issued.since else within
        within = within.filter(signed_at__lt=issued.until) if issued.until else within
        rows = rows.filter(pk__in=within.values("report"))
    for name, column in (("date", "study__study_at"), ("_lastUpdated", "changed_at")):
        span = asked.span(name)
        rows = rows.filter(**{f"{column}__gte": span.since}) if span.since else rows
        rows = rows.filter(**{f"{column}__lt": span.until}) if span.until else rows
    return rows


def _latest(reports: QuerySet[Report]) -> list[ReportVersion]:
    """The last version of each."""
    rows = ReportVersion.objects.filter(report__in=reports).order_by("-report", "-number").distinct("report")
    return list(rows.select_related("report__study__patient", "signed_by"))


def _latest_of(reports: Sequence[Report]) -> list[ReportVersion]:
    return _latest(Report.objects.filter(pk__in=[report.pk for report in reports]))


def _shown(asking: Asking, versions: Sequence[ReportVersion], *, is_whole: bool = False) -> list[Resource]:
    requests = service_requests.answered(asking, [version.report.study_id for version in versions])
    shown = []
    for version in versions:
        study = version.report.study
        answered = requests.get(study.pk, [])
        resource = diagnostic_report_of(
            facts(asking, version, answered, is_whole=is_whole),
            subject=f"Patient/{study.patient_id}",
            images=f"ImagingStudy/{study.study_instance_uid}",
            based_on=tuple(f"ServiceRequest/{request.key}" for request in answered),
        )
        updated = max(version.report.changed_at, version.signed_at).isoformat()
        shown.append(titled(resource, str(version.report.key), updated=updated, is_part=not is_whole))
    return shown


def facts(
    asking: Asking, version: ReportVersion, requests: Sequence[ExamRequest], *, is_whole: bool = False
) -> ReportFacts:
    """What a version of a report says of itself; its conclusion where it ``is_whole``."""
    report, study = version.report, version.report.study
    signed_at = timezone.localtime(version.signed_at)
    with translation.override(report.language):
        title = _("Report (PDF)")
        procedures = [request.procedure.label for request in requests if request.procedure is not None]
    return ReportFacts(
        key=str(report.key),
        status=_STATUS[Report.State(report.state)],
        signed_at=signed_at,
        signed_by=version.signer,
        paper=PaperFacts(
            title=title,
            language=report.language,
            made_at=signed_at,
            address=f"{asking.base}/Binary/{version.key}",
        ),
        studied_at=timezone.localtime(study.study_at),
        time_is_known=study.study_time_known,
        conclusion=_conclusion(version) if is_whole else "",
        procedure=procedures[0] if procedures else "",
    )


def _conclusion(version: ReportVersion) -> str:
    sections = canonical.read(version.content).sections
    return next((section.text for section in sections if section.code in _ANSWERS), "")
