"""What others ask of reports: whether a final one stands, and how far that of each of many studies is."""

from collections.abc import Collection
from enum import StrEnum

from accounts.roles import Right
from accounts.scope import Scope
from imaging.reports.models import ReadingItem, Report
from imaging.studies.models import Study

#: Signed, and not withdrawn since.
FINAL = frozenset({Report.State.FINAL, Report.State.AMENDED, Report.State.APPENDED})


class Standing(StrEnum):
    """How far the report of a study is, for who looks at a list."""

    UNREAD = "unread"
    READING = "reading"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    ADDENDED = "addended"
    CORRECTED = "corrected"
    WITHDRAWN = "withdrawn"


_SIGNED = {
    Report.State.PRELIMINARY: Standing.PRELIMINARY,
    Report.State.FINAL: Standing.FINAL,
    Report.State.APPENDED: Standing.ADDENDED,
    Report.State.AMENDED: Standing.CORRECTED,
    Report.State.WITHDRAWN: Standing.WITHDRAWN,
}


def is_reported(study_instance_uid: str) -> bool:
    """Whether a final report of a study stands."""
    return Report.objects.filter(study__study_instance_uid=study_instance_uid, state__in=FINAL).exists()


def standings(scope: Scope, studies: Collection[int]) -> dict[int, Standing]:
    """How far the reports of these studies are, by primary key; of those that the reader views, in one query.

    A study that nobody is to read, and of which nothing is signed, has none.
    """
    if not studies:
        return {}
    rows = Study.objects.visible_to(scope, Right.VIEW).filter(pk__in=studies).order_by()
    known = rows.values_list("pk", "report__state", "reading__state", "reading__locked_by")
    found = {
        pk: _standing(signed, reading, is_locked=locked_by is not None) for pk, signed, reading, locked_by in known
    }
    return {pk: standing for pk, standing in found.items() if standing is not None}


def _standing(report: str | None, reading: str | None, *, is_locked: bool) -> Standing | None:
    """What is signed counts before what is being written."""
    if report is not None and (signed := _SIGNED.get(Report.State(report))):
        return signed
    if report is not None or is_locked:
        return Standing.READING
    return Standing.UNREAD if reading == ReadingItem.State.UNREAD else None
