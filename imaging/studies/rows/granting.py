"""The placements that follow from grants: made, prolonged and ended so that lists and doors know no other rule.

A department has a study once. Where it has it by treating the patient, a grant adds nothing; where several grants name it,
the strongest decides, with the latest end of those of its strength.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils import timezone

from imaging.studies.models import GRANTED, Grant, Placement, Study
from imaging.studies.rows import locks, placement
from imaging.studies.rows.incoming import PlannedPlacement

_STRENGTH: Final = {Grant.Gives.VIEW: 0, Grant.Gives.DOWNLOAD: 1, Grant.Gives.EMERGENCY: 2}
_KINDS: Final = {
    Grant.Gives.VIEW: Placement.Kind.GRANT,
    Grant.Gives.DOWNLOAD: Placement.Kind.GRANT_DOWNLOAD,
    Grant.Gives.EMERGENCY: Placement.Kind.EMERGENCY,
}
#: What the reason of a placement says before the number of its grant.
_NAMED: Final = "grant "
#: What every live grant says of which study, the grants of a patient for each study of the patient.
_SAID: Final = """
    SELECT study.id, held.holder_id, held.gives, held.until, held.basis, held.id
    FROM imaging_study AS study JOIN imaging_grant AS held ON held.study_id = study.id
    WHERE study.id = ANY(%(studies)s) AND held.ended_at IS NULL AND (held.until IS NULL OR held.until > %(now)s)
    UNION ALL
    SELECT study.id, held.holder_id, held.gives, held.until, held.basis, held.id
    FROM imaging_study AS study JOIN imaging_grant AS held ON held.patient_id = study.patient_id
    WHERE study.id = ANY(%(studies)s) AND held.ended_at IS NULL AND (held.until IS NULL OR held.until > %(now)s)
"""


@dataclass(frozen=True, slots=True)
class _Said:
    gives: Grant.Gives
    until: datetime | None
    basis: str
    grant: int

    def planned(self, holder: int) -> PlannedPlacement:
        """Where the study goes by this, and why."""
        return PlannedPlacement(holder, _KINDS[self.gives], self.basis, f"{_NAMED}{self.grant}")


def refresh(studies: Iterable[int]) -> list[int]:
    """Make the placements of these studies what the live grants say; the studies for which any changed.

    Call it in the transaction that changes grants, owners or whose a study is, with the patients locked (``rows.locks``).
    """
    keys = sorted(set(studies))
    if not keys:
        return []
    now = timezone.now()
    rows = list(Placement.objects.filter(study__in=keys).order_by("pk").select_for_update(no_key=True))
    said = _said(keys, now)
    changed = [row for row in rows if _follows(row, said.pop((row.study_id, row.department_id), None), now)]
    Placement.objects.bulk_update(changed, ["kind", "until", "reason_code", "reason_detail"], batch_size=1000)
    of_studies = Study.objects.select_related("patient").in_bulk({study for study, _holder in said})
    made = []
    for (study, holder), entry in said.items():
        row = placement.row(of_studies[study], entry.planned(holder))
        row.until = entry.until
        made.append(row)
    Placement.objects.bulk_create(made, batch_size=1000)
    placement.refresh(studies={row.study_id for row in changed})
    return sorted({row.study_id for row in (*changed, *made)})


def renew_ended(now: datetime, *, limit: int) -> list[int]:
    """Where a placement has ended and a grant holds still, give it what that one says; the studies that were looked at.

    Call it before what has ended of these is taken away (``departures``), in a transaction that holds no lock yet.
    """
    ended = Placement.objects.filter(until__lte=now).order_by("until")
    found = dict(ended.values_list("study_id", "study__patient_id")[:limit])
    if found and _said(sorted(found), now):
        locks.patients(found.values())
        refresh(found)
    return sorted(found)


def _said(studies: list[int], now: datetime) -> dict[tuple[int, int], _Said]:
    """What counts of the live grants, by study and holder."""
    with connection.cursor() as cursor:
        cursor.execute(_SAID, {"studies": studies, "now": now})
        rows = cursor.fetchall()
    found: dict[tuple[int, int], _Said] = {}
    for study, holder, gives, until, basis, grant in rows:
        entry = _Said(Grant.Gives(gives), until, basis, grant)
        known = found.get((study, holder))
        if known is None or _outdoes(entry, known):
            found[study, holder] = entry
    return found


def _outdoes(entry: _Said, known: _Said) -> bool:
    if entry.gives is not known.gives:
        return _STRENGTH[entry.gives] > _STRENGTH[known.gives]
    return known.until is not None and (entry.until is None or entry.until > known.until)


def _follows(row: Placement, entry: _Said | None, now: datetime) -> bool:
    """Give a placement what is said of it; whether that changed anything."""
    is_live = row.until is None or row.until > now
    if row.kind not in GRANTED and (is_live or entry is None):
        return False
    if entry is None:
        row.until = now if is_live else row.until
        return is_live
    plan = entry.planned(row.department_id)
    before = (row.kind, row.until, row.reason_code, row.reason_detail)
    row.kind, row.until, row.reason_code, row.reason_detail = (
        plan.kind,
        entry.until,
        plan.reason_code,
        plan.reason_detail,
    )
    return before != (row.kind, row.until, row.reason_code, row.reason_detail)
