"""The columns of lists after what is put over headers has changed: made anew from the corrected headers, as registration would.

Only the columns that the changed attributes feed are touched, so that what was known from elsewhere stays.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from imaging.dicom import correctable, corrections, header
from imaging.dicom.correctable import CorrectionInvalid
from imaging.dicom.corrections import Change
from imaging.dicom.header import Header
from imaging.events.changes import Removed
from imaging.studies.models import Correction, Instance, InstanceVersion, Patient, Placement, Series, Study
from imaging.studies.reading import metadata
from imaging.studies.rows import columns, granting, labelling, locks, patients, placement, study_time

_STUDY: Final = {
    "00080050": "accession_number",
    "00200010": "study_id",
    "00081030": "description",
    "00080090": "referring_physician_name",
    "00081040": "institutional_department_name",
    "00180015": "body_part_examined",
}
#: Columns that are written in a second form, for sorting and searching.
_NORMALISED: Final = {"description": "description_norm", "referring_physician_name": "referring_norm"}
_SERIES: Final = {
    "00080060": "modality",
    "00200011": "series_number",
    "0008103E": "description",
    "00180015": "body_part_examined",
    "00200060": "laterality",
    "00200062": "laterality",
    "00081010": "station_name",
    "00181030": "protocol_name",
}
_WHEN: Final = frozenset({"00080020", "00080030", "00080201"})
_WHO: Final = frozenset(correctable.IDENTITY)
_SIDES: Final = ("00200060", "00200062")
_INSTANCE_NUMBER: Final = "00200013"


@dataclass(slots=True)
class _Seen:
    """What the corrected headers of a study tell, the first that tells it. ``shown`` are its versions that are not rejected."""

    shown: frozenset[int]
    study: dict[str, Any] = field(default_factory=dict)
    patient: dict[str, Any] = field(default_factory=dict)
    series: dict[str, dict[str, Any]] = field(default_factory=dict)
    numbers: dict[int, int | None] = field(default_factory=dict)
    patient_ids: set[str] = field(default_factory=set)
    first: Header | None = None
    study_at: datetime | None = None

    def add(self, pk: int, found: Header, study_at: datetime | None) -> None:
        """Take what was not told before. What was withdrawn speaks of its own series only, as long as there is something else."""
        self.numbers[pk] = found.instance.instance_number
        if self.shown and pk not in self.shown:
            self.series.setdefault(found.series.series_instance_uid, columns.series_values(found.series))
            return
        _fill(self.study, columns.study_values(found))
        _fill(self.patient, columns.patient_values(found.patient))
        _fill(self.series.setdefault(found.series.series_instance_uid, {}), columns.series_values(found.series))
        if pk in self.shown and found.patient.patient_id:
            self.patient_ids.add(found.patient.patient_id)
        self.first = self.first or found
        self.study_at = self.study_at or study_at


def assumed(study: Study, received: Mapping[str, Any]) -> dict[str, Any]:
    """What the row of a study knows beside the headers, before anything is put over it; kept from the first time on."""
    first = _first_assumed(study)
    if first:
        return dict(first)
    known: dict[str, Any] = {"study_at": study.study_at.isoformat(), "study_time_known": study.study_time_known}
    if not correctable.text_of(received.get("00100021", {})):
        known["issuer_of_patient_id"] = study.patient.issuer_of_patient_id
    return known


def _first_assumed(study: Study) -> dict[str, Any]:
    """What was known beside the headers when anything was put over this study for the first time."""
    rows = Correction.objects.decided_here().filter(study=study).order_by("pk")
    return rows.values_list("assumed", flat=True).first() or {}


@dataclass(slots=True)
class _Renewal:
    """One study whose columns are made anew, and the patient whose it is then."""

    study: Study
    touched: frozenset[str]
    seen: _Seen
    key: dict[str, str]
    patient: Patient


class Renewed(NamedTuple):
    """The patients that were locked, by primary key, and what readers lose: their caller tells them last (``events.changes.write``)."""

    patients: dict[int, Patient]
    lost: list[Removed]


def refresh(
    changed: Mapping[Study, Collection[str]], *, within: Collection[int] = (), besides: Iterable[int] = ()
) -> Renewed:
    """Make the columns of locked studies anew that the attributes ``changed`` of each feed; ``within`` are changed at once with them.

    A study moves to another patient when it names one now; a patient without any study left is forgotten. All patients
    concerned are locked here, with those of the keys ``besides``, of which the caller writes (``rows.locks``): they are returned
    as they are now. Raises ``CorrectionInvalid`` when the objects of a study would name several patients: a study is
    one patient's.
    """
    renewals = [found for study, names in changed.items() if (found := _renewal(study, frozenset(names))) is not None]
    for renewal in sorted(renewals, key=lambda one: sorted(one.key.items())):
        if renewal.touched & _WHO:
            values = columns.clean(Patient, renewal.seen.patient)
            renewal.patient = patients.of_key(renewal.study.patient, renewal.key, values)
    before = {study.patient_id for study in changed}
    locked = locks.patients({*before, *besides, *(one.patient.pk for one in renewals)})
    together = {*within, *(study.pk for study in changed)}
    for study in changed:
        study.patient = locked[study.patient_id]
    came_from = {one.study: one.study.patient_id for one in renewals}
    for renewal in renewals:
        renewal.patient = locked[renewal.patient.pk]
        _write(renewal, together)
    lost: list[Removed] = []
    if renewals:
        # A patient's labels hold for the studies that are the patient's now, and for those that went.
        labelling.follow_moves(came_from)
        lost = labelling.refresh(came_from)
        after = {one.study.patient_id for one in renewals}
        placement.refresh(studies=[one.study.pk for one in renewals], patients=after)
        # A patient's grants hold for the studies that are the patient's now.
        granting.refresh(one.study.pk for one in renewals)
        for patient_id in sorted(before - after):
            patients.forget(patient_id)
    return Renewed(locked, lost)


def _renewal(study: Study, changed: frozenset[str]) -> _Renewal | None:
    """What there is to be made anew of a study; nothing is written."""
    touched = frozenset(changed & {*_STUDY, *_SERIES, *_WHEN, *_WHO, _INSTANCE_NUMBER})
    if not touched:
        return None
    seen = _read(study, touched)
    if seen.first is None:
        return None
    if touched & _WHO and len(seen.patient_ids) > 1:
        raise CorrectionInvalid("00100020", "would leave two patients in one study", code="would_split_study")
    person = seen.first.patient
    issuer = person.issuer_of_patient_id or (_issuer(study) if touched & _WHO else "")
    key = columns.clean(Patient, {"issuer_of_patient_id": issuer, "patient_id": person.patient_id})
    return _Renewal(study, touched, seen, key, study.patient)


def _write(renewal: _Renewal, together: Collection[int]) -> None:
    study, seen, touched = renewal.study, renewal.seen, renewal.touched
    if touched & _WHO:
        _identify(study, renewal.patient, seen, together)
    _study_columns(study, seen, touched)
    _series_columns(study, seen, touched)
    if _INSTANCE_NUMBER in touched:
        _instance_numbers(study, seen)
    study.save()


def _read(study: Study, touched: frozenset[str]) -> _Seen:
    """What the headers tell in the attributes that matter; those that say the same in them are read once."""
    zone = _zone(study)
    kept = InstanceVersion.objects.filter(instance__study=study).exclude(state=InstanceVersion.State.REJECTED)
    seen = _Seen(frozenset(kept.values_list("pk", flat=True)))
    matters = sorted({*touched, *_WHO, *_WHEN, *_SIDES, correctable.SERIES_UID})
    known: dict[bytes, tuple[Header, datetime | None]] = {}
    for pk, received, changes in _shown_first(study, seen.shown):
        record = {**received, **corrections.merged(changes)}
        key = orjson.dumps([record.get(tag) for tag in matters])
        if key not in known:
            found = header.read_record(record)
            known[key] = found, study_time.aware(found.study, zone)
        seen.add(pk, *known[key])
    return seen


def _shown_first(study: Study, shown: frozenset[int]) -> Iterator[tuple[int, dict[str, Any], Sequence[Change]]]:
    """The headers of a study; those of rejected versions, where there are any, after the others."""
    rejected = 0
    for entry in metadata.received_records(study):
        if entry[0] in shown:
            yield entry
        else:
            rejected += 1
    if rejected:
        yield from (entry for entry in metadata.received_records(study) if entry[0] not in shown)


def _identify(study: Study, patient: Patient, seen: _Seen, together: Collection[int]) -> None:
    values = columns.clean(Patient, seen.patient)
    study.patient = patient
    # Who has other studies is known from them: one study's correction does not rename the person for all.
    if not patient.studies.exclude(pk__in=together).exists():
        for name in ("patient_name", "name_norm", "birth_date", "sex"):
            setattr(study.patient, name, values.get(name, None if name == "birth_date" else ""))
        study.patient.save(update_fields=["patient_name", "name_norm", "birth_date", "sex"])


def _issuer(study: Study) -> str:
    """Whose ID it is where the header does not say: as it was assumed at first, else the issuer of the study's site."""
    first = _first_assumed(study)
    known = first.get("issuer_of_patient_id")
    if known is not None:
        return str(known)
    home = _home(study)
    return home.department.site.issuer_of_patient_id if home else study.patient.issuer_of_patient_id


def _study_columns(study: Study, seen: _Seen, touched: frozenset[str]) -> None:
    names = {name for tag, name in _STUDY.items() if tag in touched}
    for name in names | {_NORMALISED[name] for name in names & _NORMALISED.keys()}:
        setattr(study, name, columns.clean(Study, {name: seen.study.get(name, "")})[name])
    if touched & _WHEN:
        _date(study, seen)


def _date(study: Study, seen: _Seen) -> None:
    """The corrected date; the one that the row had at first, once nothing is put over it any more."""
    dates = Correction.objects.in_force().filter(study=study, attributes__has_any_keys=sorted(_WHEN))
    first = _first_assumed(study)
    if first.get("study_at") and not dates.exists():
        study.study_at = datetime.fromisoformat(first["study_at"])
        study.study_time_known = bool(first.get("study_time_known"))
    elif seen.study_at is not None:
        study.study_at, study.study_time_known = seen.study_at, True
    else:
        study.study_at, study.study_time_known = study.first_received_at, False


def _series_columns(study: Study, seen: _Seen, touched: frozenset[str]) -> None:
    names = sorted({name for tag, name in _SERIES.items() if tag in touched})
    if not names:
        return
    rows = list(Series.objects.filter(study=study).order_by("series_instance_uid"))
    for row in rows:
        told = seen.series.get(row.series_instance_uid, {})
        empty = {name: None if name == "series_number" else "" for name in names}
        for name, value in columns.clean(Series, {name: told.get(name, empty[name]) for name in names}).items():
            setattr(row, name, value)
        row.save(update_fields=names)
    study.modalities = columns.modalities([], [row.modality for row in rows if row.instance_count])


def _instance_numbers(study: Study, seen: _Seen) -> None:
    """Numbers of the instances, from the versions that are shown."""
    shown = InstanceVersion.objects.current().filter(instance__study=study).values_list("pk", "instance_id")
    wanted = {instance_id: seen.numbers.get(pk) for pk, instance_id in shown}
    rows = [row for row in Instance.objects.filter(study=study) if row.pk in wanted]
    changed = [row for row in rows if row.instance_number != wanted[row.pk]]
    for row in changed:
        row.instance_number = columns.clean(Instance, {"instance_number": wanted[row.pk]})["instance_number"]
    Instance.objects.bulk_update(changed, ["instance_number"], batch_size=1000)


def _home(study: Study) -> Placement | None:
    return Placement.objects.filter(study=study).select_related("department__site").order_by("pk").first()


def _zone(study: Study) -> Any:
    home = _home(study)
    return home.department.site.zone if home else study.study_at.tzinfo


def _fill(known: dict[str, Any], values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if known.get(name) in {None, ""}:
            known[name] = value
