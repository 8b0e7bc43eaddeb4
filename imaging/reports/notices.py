"""Whom a notification about a report or a critical finding concerns, for readers who may see the study."""

from collections.abc import Mapping, Sequence

from accounts.notifications import subjects
from accounts.roles import Right
from accounts.scope import Scope
from imaging.reports.models import CriticalFinding, Report
from imaging.studies import named


def _reports(scope: Scope, keys: Sequence[str]) -> Mapping[str, str]:
    rows = Report.objects.visible_to(scope, Right.LIST).filter(key__in=subjects.uuids(keys))
    return {str(row.key): named.line(row.study) for row in rows.select_related("study__patient")}


def _findings(scope: Scope, keys: Sequence[str]) -> Mapping[str, str]:
    rows = CriticalFinding.objects.visible_to(scope, Right.LIST).filter(key__in=subjects.uuids(keys))
    return {str(row.key): named.line(row.study) for row in rows.select_related("study__patient")}


subjects.register("report", _reports)
subjects.register("critical", _findings)
