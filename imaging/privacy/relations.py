"""What the archive knows of care relations, for the nightly look into who looked (`accounts.audit.reviews`)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db.models import Q

from accounts.audit import reviews
from accounts.audit.snooping import Look, PatientFacts, PatientKey
from accounts.labels import Label
from accounts.models import User
from imaging.dicom import person_name
from imaging.privacy.looking.grounds import holders_of
from imaging.studies.models import GRANTED, Grant, Patient, Placement, Study

_AT_ONCE: Final = 1_000


class ArchiveRelations:
    """Relations by placement (the person's department made or asked for a study) and by grants that held that day.

    An emergency access is a relation of its own review, and counts as one here.
    """

    def facts(self, patients: Collection[PatientKey]) -> Mapping[PatientKey, PatientFacts]:
        """Family name, whether the patient carries the name of somebody who works here, whether anything is protected."""
        rows = patients_of(patients)
        labels: dict[int, set[str]] = defaultdict(set)
        labelled = Study.objects.filter(patient__in={row.pk for row in rows.values()}).exclude(sensitivity="")
        for patient, label in labelled.values_list("patient_id", "sensitivity").distinct():
            labels[patient].add(label)
        staff = _names_of_staff(rows.values())
        return {
            key: PatientFacts(
                family_name=person_name.family(row.patient_name),
                works_here=_full_name(row) in staff or Label.STAFF in labels[row.pk],
                is_protected=bool(labels[row.pk] - {Label.STAFF.value}),
            )
            for key, row in rows.items()
        }

    def related(self, looks: Sequence[Look]) -> Collection[tuple[str, PatientKey]]:
        """The looks for which the archive knows why."""
        rows = patients_of({look.patient for look in looks})
        holders = holders_of({look.actor_id for look in looks})
        keys = {row.pk for row in rows.values()}
        placed: dict[int, set[int]] = defaultdict(set)
        for patient, department in (
            Placement.objects.filter(study__patient__in=keys)
            .exclude(kind__in=GRANTED)
            .values_list("study__patient_id", "department_id")
            .distinct()
        ):
            placed[patient].add(department)
        granted = _granted(keys)
        found = set()
        for look in looks:
            row = rows.get(look.patient)
            if row is None:
                continue
            mine = holders[look.actor_id]
            held = {
                holder
                for holder, since, until in granted[row.pk]
                if since <= look.last_at and (until is None or look.first_at < until)
            }
            if mine & (placed[row.pk] | held):
                found.add((look.actor_id, look.patient))
        return found


def patients_of(patients: Collection[PatientKey]) -> dict[PatientKey, Patient]:
    """The patients' rows; an ID without its issuer is looked up where it is one patient's only."""
    numbers = sorted({key.patient_id for key in patients if key.patient_id})
    known: dict[str, list[Patient]] = defaultdict(list)
    for start in range(0, len(numbers), _AT_ONCE):
        for row in Patient.objects.filter(patient_id__in=numbers[start : start + _AT_ONCE]):
            known[row.patient_id].append(row)
    found = {}
    for key in patients:
        rows = known.get(key.patient_id, [])
        own = [row for row in rows if row.issuer_of_patient_id == key.issuer_of_patient_id]
        chosen = own or (rows if not key.issuer_of_patient_id and len(rows) == 1 else [])
        if chosen:
            found[key] = chosen[0]
    return found


def _granted(patients: Collection[int]) -> Mapping[int, list[tuple[int, datetime, datetime | None]]]:
    found: dict[int, list[tuple[int, datetime, datetime | None]]] = defaultdict(list)
    rows = Grant.objects.filter(Q(patient__in=patients) | Q(study__patient__in=patients)).select_related("study")
    for row in rows:
        patient = row.patient_id or (row.study.patient_id if row.study else 0)
        ends = [end for end in (row.until, row.ended_at) if end is not None]
        found[patient].append((row.holder_id, row.granted_at, min(ends, default=None)))
    return found


def _names_of_staff(rows: Iterable[Patient]) -> frozenset[str]:
    """Full names of people with an account who carry a family name of these patients."""
    families = {person_name.family(row.patient_name) for row in rows} - {""}
    people = User.objects.filter(is_active=True).values_list("last_name", "first_name", "display_name")
    wanted = {person_name.normalised(family) for family in families}
    named = set()
    for last, first, shown in people.iterator():
        for text in (f"{last} {first}" if last and first else "", shown):
            words = person_name.normalised(text).split()
            if wanted & set(words):
                named.add(" ".join(sorted(words)))
    return frozenset(named)


def _full_name(row: Patient) -> str:
    words = f"{person_name.family(row.patient_name)} {person_name.given(row.patient_name).split(' ')[0]}"
    return " ".join(sorted(person_name.normalised(words).split()))


reviews.register(ArchiveRelations())
