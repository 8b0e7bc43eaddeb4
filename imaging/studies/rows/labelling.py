"""The label of each study: the strictest of those on it and on its patient, and what leaves readers by it.

``Protection`` rows are the truth. A study's row has the label that follows, its placements a copy (``rows.placement``).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from django.db import connection
from django.utils import timezone

from accounts.labels import strictest
from imaging.events.changes import Removed
from imaging.studies.models import Patient, Placement, Protection, Study
from imaging.studies.rows import placement

#: Two ways to what is live, each by its index: with OR in one condition the database reads the whole table.
_SAID: Final = """
    SELECT study.id, study.sensitivity, ARRAY(
        SELECT held.label FROM imaging_protection AS held WHERE held.lifted_at IS NULL AND held.study_id = study.id
        UNION ALL
        SELECT held.label FROM imaging_protection AS held WHERE held.lifted_at IS NULL AND held.patient_id = study.patient_id)
    FROM imaging_study AS study WHERE study.id = ANY(%s)
"""


def refresh(studies: Iterable[Study]) -> list[Removed]:
    """Give these studies and their placements the labels that hold now; what the departments' readers lose by it.

    Call it in the transaction that changes labels or whose a study is, with studies and patients locked (``rows.locks``);
    what it returns is told last (``events.changes.write``).
    """
    rows = {study.pk: study for study in studies}
    if not rows:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SAID, [sorted(rows)])
        said = {pk: (had, strictest(labels)) for pk, had, labels in cursor.fetchall()}
    changed: dict[str, list[int]] = {}
    before: dict[int, str] = {}
    for pk, (had, label) in said.items():
        rows[pk].sensitivity = label
        if label != had:
            changed.setdefault(label, []).append(pk)
            before[pk] = had
    for label, pks in sorted(changed.items()):
        Study.objects.filter(pk__in=pks).update(sensitivity=label)
    # Without any label nobody loses a study.
    lost = _lost({pk: (rows[pk].study_instance_uid, had) for pk, had in before.items() if rows[pk].sensitivity})
    placement.refresh(studies=before)
    return lost


def _lost(before: dict[int, tuple[str, str]]) -> list[Removed]:
    """What every department had of these studies, under the label that was there. Who sees it still is not told."""
    had: dict[int, set[int]] = {}
    live = Placement.objects.live().filter(study__in=before).exclude(kind=Placement.Kind.EMERGENCY)
    for study, department in live.values_list("study_id", "department_id"):
        had.setdefault(study, set()).add(department)
    return [
        Removed(before[pk][0], tuple(sorted(departments)), before[pk][1]) for pk, departments in sorted(had.items())
    ]


def follow_moves(moved: Mapping[Study, int]) -> None:
    """Keep studies as protected as they were under the patients from whom they came, each by primary key.

    Where nothing is left of that patient and all went to one other, it is the person who has another row now: the
    patient's labels go along, for the studies to come too. Otherwise nobody can know whether two records of one person
    came together or two persons had been mixed up: the studies get labels of their own, and who may lift them decides.
    """
    by_patient: dict[int, list[Study]] = {}
    for study, came_from in moved.items():
        if came_from != study.patient_id:
            by_patient.setdefault(came_from, []).append(study)
    for came_from, studies in sorted(by_patient.items()):
        labels = list(Protection.objects.live().filter(patient=came_from).select_related("set_by"))
        now = {study.patient_id for study in studies}
        if labels and len(now) == 1 and not Study.objects.filter(patient=came_from).exists():
            _go_along(came_from, now.pop())
        elif labels:
            Protection.objects.bulk_create(
                Protection(
                    study=study,
                    label=entry.label,
                    reason=entry.reason,
                    set_by=entry.set_by,
                    origin=Protection.Origin.MOVED,
                )
                for study in studies
                for entry in labels
                if not Protection.objects.live().filter(study=study, label=entry.label).exists()
            )


def _go_along(came_from: int, patient: int) -> None:
    """Hand the labels of a patient over to another row of the person, those that were taken off too.

    Where exams were asked for under the former row they stay there as well: the requests name the person still.
    """
    stay = []
    if Patient.objects.filter(pk=came_from, requests__isnull=False).exists():
        stay = list(Protection.objects.live().filter(patient=came_from))
    there = Protection.objects.live().filter(patient=patient).values("label")
    doubled = Protection.objects.live().filter(patient=came_from, label__in=there)
    doubled.update(lifted_at=timezone.now())
    Protection.objects.filter(patient=came_from).update(patient=patient)
    Protection.objects.bulk_create(
        Protection(
            patient_id=came_from,
            label=entry.label,
            reason=entry.reason,
            set_by_id=entry.set_by_id,
            origin=Protection.Origin.MOVED,
        )
        for entry in stay
    )
