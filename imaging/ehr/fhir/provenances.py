"""Provenance: who wrote and who signed each version of a report, when and why, for whom may view the study (FH-4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.roles import Right
from imaging.ehr.fhir import ids, patients, places
from imaging.ehr.fhir.kinds import ID, Asking, Kind, Page, Wanted, titled
from imaging.ehr.fhir.parameters import Criteria, Parameter, Type
from imaging.fhir.provenance import Activity, Part, ProvenanceFacts, provenance_of
from imaging.fhir.values import Resource
from imaging.reports.models import Report, ReportVersion

_MOST: Final = 500


class Provenances(Kind):
    """The versions of reports, and who made them."""

    name = "Provenance"
    about = "Who wrote and who signed each version of a report, when and why; the id is the version's."
    parameters = (
        ID,
        Parameter("target", Type.REFERENCE, "The report", target="DiagnosticReport", element="target"),
        Parameter("patient", Type.REFERENCE, "Whose report it is", target="Patient"),
        Parameter("patient.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("recorded", Type.DATE, "When the version was signed"),
    )

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One version's."""
        return next(iter(self.several(asking, [key])), None)

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """The last version first."""
        return places.latest_first(_found(asking, wanted.criteria), wanted, show=_shown)

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        return _found(asking, criteria).count()

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """These."""
        return _shown(list(_visible(asking).filter(key__in=ids.uuids(keys)).order_by("-pk")))

    def pointing_at(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """Those of all versions of these reports."""
        return _shown(list(_visible(asking).filter(report__key__in=ids.uuids(keys)).order_by("-pk")[:_MOST]))


def _visible(asking: Asking) -> QuerySet[ReportVersion]:
    reports = Report.objects.visible_to(asking.scope, Right.VIEW)
    return ReportVersion.objects.filter(report__in=reports).select_related("report__study", "author", "signed_by")


def _found(asking: Asking, asked: Criteria) -> QuerySet[ReportVersion]:
    rows = _visible(asking)
    known = patients.meant(asked)
    if known is not None:
        rows = rows.filter(report__study__patient__in=known)
    for keys in asked.strings("_id"):
        rows = rows.filter(key__in=ids.uuids(keys))
    for keys in asked.ids("target", target="DiagnosticReport"):
        rows = rows.filter(report__key__in=ids.uuids(keys))
    span = asked.span("recorded")
    rows = rows.filter(signed_at__gte=span.since) if span.since else rows
    return rows.filter(signed_at__lt=span.until) if span.until else rows


def _shown(versions: Sequence[ReportVersion]) -> list[Resource]:
    return [
        titled(
            provenance_of(
                _facts(version),
                targets=[f"DiagnosticReport/{version.report.key}"],
                sources=[f"ImagingStudy/{version.report.study.study_instance_uid}"],
            ),
            str(version.key),
            updated=version.signed_at.isoformat(),
        )
        for version in versions
    ]


def _facts(version: ReportVersion) -> ProvenanceFacts:
    agents = [(Part.AUTHOR, version.author.label)] if version.author else []
    if version.signer:
        agents.append((Part.VERIFIER, version.signer))
    if version.report.source or not agents:
        agents.append(
            (Part.ASSEMBLER, _("another system of the hospital") if version.report.source else _("nobody named"))
        )
    activity = Activity.CREATE if version.number == 1 else Activity.UPDATE
    return ProvenanceFacts(
        recorded_at=timezone.localtime(version.signed_at),
        activity=Activity.NULLIFY if version.kind == ReportVersion.Kind.WITHDRAWAL else activity,
        agents=agents,
        reason=version.reason,
    )
