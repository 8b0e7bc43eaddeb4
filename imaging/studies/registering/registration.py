"""The registration of one batch, in one transaction (DESIGN 4.3).

Registrars may run side by side: they lock in the one order of ``rows.locks``, beginning with the studies and series that a
batch names. Instances are guarded by their unique UID; a batch that loses that race starts again.
"""

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.dicom import correctable
from imaging.events import services as events
from imaging.events.models import Event
from imaging.integrity import services as integrity
from imaging.integrity.models import LedgerLeaf
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies.correction import corrected_columns
from imaging.studies.models import Correction, Instance, InstanceVersion, MetadataSegment, Patient, Series, Study
from imaging.studies.reading import corrections, moves, segments
from imaging.studies.registering.verdicts import Known, KnownVersion
from imaging.studies.rows import columns, granting, labelling, locks, patients, placement, status
from imaging.studies.rows.incoming import Batch, IncomingInstance, PlannedPlacement, Registered, State

_ROWS = 1000
_FEW = 8
_QUIET_SECONDS = 20
_UIDS_IN_AUDIT = 50

RowT = TypeVar("RowT", Study, Series)

_STUDY_CHANGES = [
    *("accession_number", "study_id", "study_at", "study_time_known", "description", "description_norm"),
    *("referring_physician_name", "referring_norm", "institutional_department_name", "modalities"),
    *("body_part_examined", "series_count", "instance_count", "source", "status", "version", "is_corrected"),
    *("first_received_at", "last_received_at", "settled_at"),
]
_SERIES_CHANGES = [
    *("modality", "series_number", "description", "body_part_examined", "laterality", "station_name"),
    *("protocol_name", "frame_of_reference_uid", "instance_count", "frame_count", "version", "last_received_at"),
]


@dataclasses.dataclass(slots=True)
class _Kept:
    """One instance that is being kept, and its rows as they come into being."""

    item: IncomingInstance
    state: State
    study: Study
    series: Series
    instance: Instance | None = None
    version: InstanceVersion | None = None


class Registration:
    """One batch on its way into the archive. Use ``run`` once, within a transaction."""

    def __init__(self, batch: Batch, *, actor: Actor) -> None:
        self._batch = batch
        self._actor = actor
        self._studies: dict[str, Study] = {}
        self._series: dict[str, Series] = {}
        self._new_studies: dict[str, Study] = {}
        self._new_series: dict[str, Series] = {}

    def run(self) -> list[Registered]:
        """Register what can be kept; one answer per instance, in the order of the batch."""
        self._take_turns()
        known = self._known()
        verdicts = [known.judge(item) for item in self._batch]
        accepted = [verdict for verdict in verdicts if verdict.state in {State.NEW, State.CONFLICT}]
        kept: list[_Kept] = []
        again = [verdict.incoming.stored for verdict in verdicts if verdict.state is State.DUPLICATE]
        if again:
            storage.restore(again, kind=StoredObject.Kind.DICOM)
        if accepted:
            found = patients.of_batch(accepted, self._studies)
            emptied = [study for study in self._studies.values() if not study.instance_count]
            kept = [self._prepare(verdict, found) for verdict in accepted]
            self._save_levels(kept)
            self._save_versions(kept)
            self._place(kept, self._know_patients(accepted, emptied))
            self._tell(kept)
        self._record(verdicts)
        return _answers(verdicts, kept)

    def _take_turns(self) -> None:
        """Wait until nobody else registers into the same studies and series; released with the transaction."""
        uids = {item.header.study.study_instance_uid for item in self._batch}
        uids |= {item.header.series.series_instance_uid for item in self._batch}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [sorted(map(_lock_key, uids))]
            )

    def _known(self) -> Known:
        study_uids = {item.header.study.study_instance_uid for item in self._batch}
        series_uids = {item.header.series.series_instance_uid for item in self._batch}
        sop_uids = {item.header.instance.sop_instance_uid for item in self._batch}
        studies = locks.studies(Study.objects.filter(study_instance_uid__in=study_uids))
        self._studies = {study.study_instance_uid: study for study in studies}
        series_rows = Series.objects.filter(series_instance_uid__in=series_uids).select_related("study")
        self._series = {series.series_instance_uid: series for series in series_rows}
        corrected = {study.pk: uid for uid, study in self._studies.items() if study.is_corrected}
        return Known(
            inheritable={corrected[pk]: decided for pk, decided in corrections.inheritable(corrected).items()},
            studies={
                uid: patients.key_of(study.patient) if study.instance_count else None
                for uid, study in self._studies.items()
            },
            series={uid: series.study.study_instance_uid for uid, series in self._series.items()},
            instances=_known_versions(sop_uids),
            moved=_moved(self._batch),
        )

    def _prepare(self, verdict: Registered, found: dict[str, Patient]) -> _Kept:
        """Give study and series what this instance adds to them; nothing is written yet."""
        item = verdict.incoming
        study = self._study(item, found)
        series = self._series_of(item, study)
        columns.date_study(study, item)
        columns.span(study, item.received_at)
        columns.fill_blanks(study, {**columns.study_values(item.header), "source": item.sender})
        columns.fill_blanks(series, columns.series_values(item.header.series))
        series.last_received_at = max(series.last_received_at or item.received_at, item.received_at)
        study.modalities = columns.modalities(study.modalities, [series.modality])
        study.settled_at = None
        study.status = status.on_arrival(study.status, conflicts=verdict.state is State.CONFLICT)
        study.is_corrected |= item.is_corrected
        if verdict.state is State.NEW:
            if series.pk is not None and series.instance_count == 0:
                # All of it had been withdrawn, and it was not counted any more.
                study.series_count += 1
            study.instance_count += 1
            series.instance_count += 1
            frames = columns.instance_values(item.header)["number_of_frames"]
            series.frame_count = min(series.frame_count + frames, columns.LARGEST_INTEGER)
        return _Kept(item, verdict.state, study, series)

    def _study(self, item: IncomingInstance, found: dict[str, Patient]) -> Study:
        uid = item.header.study.study_instance_uid
        study = self._studies.get(uid)
        if study is None:
            if not item.placements and not item.is_copy:
                raise ValueError("a new study needs a placement")
            study = Study(study_instance_uid=uid, patient=found[uid], is_copy=item.is_copy)
            self._studies[uid] = self._new_studies[uid] = study
        return study

    def _series_of(self, item: IncomingInstance, study: Study) -> Series:
        uid = item.header.series.series_instance_uid
        series = self._series.get(uid)
        if series is None:
            series = Series(series_instance_uid=uid, study=study)
            self._series[uid] = self._new_series[uid] = series
            study.series_count += 1
        return series

    def _save_levels(self, kept: list[_Kept]) -> None:
        studies = {entry.study.study_instance_uid: entry.study for entry in kept}
        series = {entry.series.series_instance_uid: entry.series for entry in kept}
        for study in studies.values():
            study.version += 1
        for one in series.values():
            one.version += 1
        Study.objects.bulk_create(self._new_studies.values(), batch_size=_ROWS)
        changed = [row for uid, row in sorted(studies.items()) if uid not in self._new_studies]
        _update(changed, _STUDY_CHANGES)
        Series.objects.bulk_create(self._new_series.values(), batch_size=_ROWS)
        old_series = [row for uid, row in sorted(series.items()) if uid not in self._new_series]
        _update(old_series, _SERIES_CHANGES)
        self._save_instances(kept)

    def _save_instances(self, kept: list[_Kept]) -> None:
        """New identities; a clash with a registrar of another study raises ``IntegrityError``."""
        instances: dict[str, Instance] = {}
        for entry in kept:
            if entry.state is State.NEW:
                values = columns.instance_values(entry.item.header)
                instances[values["sop_instance_uid"]] = Instance(study=entry.study, series=entry.series, **values)
        Instance.objects.bulk_create([row for _uid, row in sorted(instances.items())], batch_size=_ROWS)
        uids = {entry.item.header.instance.sop_instance_uid for entry in kept} - set(instances)
        known = Instance.objects.filter(sop_instance_uid__in=uids) if uids else ()
        instances.update({row.sop_instance_uid: row for row in known})
        for entry in kept:
            entry.instance = instances[entry.item.header.instance.sop_instance_uid]

    def _save_versions(self, kept: list[_Kept]) -> None:
        """Take the bytes in, write one metadata segment per series, and tie everything to the instances."""
        contents = storage.adopt([entry.item.stored for entry in kept], kind=StoredObject.Kind.DICOM)
        for entry, content in zip(kept, contents, strict=True):
            entry.version = _version(entry, content)
        groups: dict[str, list[_Kept]] = defaultdict(list)
        for entry in kept:
            groups[entry.series.series_instance_uid].append(entry)
        packed = [
            segments.pack([segments.line(entry.item.metadata_json) for entry in group]) for group in groups.values()
        ]
        stored = storage.put_many(packed, kind=StoredObject.Kind.SEGMENT)
        rows = [
            MetadataSegment(series=group[0].series, stored_object=content, instance_count=len(group))
            for group, content in zip(groups.values(), stored, strict=True)
        ]
        MetadataSegment.objects.bulk_create(rows, batch_size=_ROWS)
        # In the order of the segments' lines: the primary keys then give a version's place in its segment.
        ordered = []
        for group, segment in zip(groups.values(), rows, strict=True):
            for entry in group:
                if entry.version is not None:
                    entry.version.segment = segment
                    ordered.append(entry.version)
        InstanceVersion.objects.bulk_create(ordered, batch_size=_ROWS)
        self._save_corrections(kept)

    def _save_corrections(self, kept: list[_Kept]) -> None:
        """Write down what was put over the received attributes, beside the versions that it concerns."""
        rows = [
            row
            for entry in kept
            if entry.version is not None
            for row in corrections.at_registration(entry.version, entry.item, entry.study, made_by=self._actor.name)
        ]
        Correction.objects.bulk_create(rows, batch_size=_ROWS)

    def _know_patients(self, accepted: list[Registered], emptied: list[Study]) -> list[int]:
        """Lock the patients of the batch, as they are now, and complete them; the keys of those that changed.

        Of ``emptied`` studies all had been withdrawn, and whose they were with it: their new objects say whose they are.
        """
        named = {study.patient_id for study in self._studies.values()}
        # What was emptied is nobody's to lose any more, and what is new nobody had.
        locked = corrected_columns.refresh(dict.fromkeys(emptied, correctable.IDENTITY), besides=named).patients
        for study in self._studies.values():
            study.patient = locked[study.patient_id]
        labelling.refresh(self._new_studies.values())
        found = {uid: study.patient for uid, study in self._studies.items()}
        return patients.complete(found, accepted)

    def _place(self, kept: list[_Kept], completed: list[int]) -> None:
        plans: dict[Study, list[PlannedPlacement]] = defaultdict(list)
        for entry in kept:
            if entry.study.study_instance_uid in self._new_studies:
                plans[entry.study].extend(entry.item.placements)
        placements = placement.place(plans)
        granting.refresh(study.pk for study in plans)
        known = {entry.study.pk for entry in kept if entry.study.study_instance_uid not in self._new_studies}
        placement.refresh(studies=known, patients=completed)
        audit.record_many(
            audit.Entry(
                action=audit.Action.STUDY_PLACED,
                actor=self._actor,
                subject_type="study",
                subject_uid=row.study.study_instance_uid,
                patient_id=row.patient_id,
                issuer_of_patient_id=row.study.patient.issuer_of_patient_id,
                detail={"department": row.department_id, "kind": row.kind, "reason": row.reason_code},
            )
            for row in placements
        )

    def _tell(self, kept: list[_Kept]) -> None:
        """The ledger's leaves and the outbox's events."""
        now = timezone.now()
        integrity.append_leaves(
            integrity.Leaf(LedgerLeaf.Kind.KEPT, entry.item.stored.file_sha256, entry.item.stored.dataset_sha256, now)
            for entry in kept
        )
        quiet = float(getattr(settings, "STUDY_QUIET_SECONDS", _QUIET_SECONDS))
        happened = [events.Happened(Event.Kind.SERIES_STARTED, uid) for uid in self._new_series]
        for uid in {entry.study.study_instance_uid for entry in kept}:
            happened.append(events.Happened(Event.Kind.STUDY_CHANGED, uid))
            happened.append(events.Happened(Event.Kind.STUDY_SETTLED, uid, quiet))
        events.append_many(happened)

    def _record(self, verdicts: list[Registered]) -> None:
        """One event per study and batch, and one more where versions conflict."""
        groups: dict[str, list[Registered]] = defaultdict(list)
        for verdict in verdicts:
            if verdict.is_kept:
                groups[verdict.incoming.header.study.study_instance_uid].append(verdict)
        entries = []
        for uid, group in groups.items():
            subject: dict[str, Any] = {
                "actor": self._actor,
                "subject_type": "study",
                "subject_uid": uid,
                "patient_id": self._studies[uid].patient.patient_id,
                "issuer_of_patient_id": self._studies[uid].patient.issuer_of_patient_id,
            }
            entries.append(audit.Entry(action=audit.Action.INSTANCES_RECEIVED, detail=_counts(group), **subject))
            conflicting = [entry for entry in group if entry.state is State.CONFLICT]
            if conflicting:
                uids = [entry.incoming.header.instance.sop_instance_uid for entry in conflicting[:_UIDS_IN_AUDIT]]
                detail = {"instances": uids, "count": len(conflicting)}
                entries.append(audit.Entry(action=audit.Action.INSTANCE_CONFLICTED, detail=detail, **subject))
        audit.record_many(entries)


def _update(rows: list[RowT], names: list[str]) -> None:
    """Write changed rows: one by one when they are few, as they mostly are, for a statement of cases is dear to build."""
    if len(rows) > _FEW:
        type(rows[0])._default_manager.bulk_update(rows, names, batch_size=_ROWS)
    else:
        for row in rows:
            row.save(update_fields=names)


def _lock_key(uid: str) -> int:
    return int.from_bytes(hashlib.sha256(b"study or series " + uid.encode()).digest()[:8], "big", signed=True)


def _known_versions(sop_uids: Iterable[str]) -> dict[str, list[KnownVersion]]:
    known: dict[str, list[KnownVersion]] = defaultdict(list)
    rows = InstanceVersion.objects.filter(instance__sop_instance_uid__in=sop_uids).values_list(
        "instance__sop_instance_uid",
        "pk",
        "instance__study__study_instance_uid",
        "instance__series__series_instance_uid",
        "stored_object__dataset_sha256",
    )
    for sop_uid, pk, study_uid, series_uid, digest in rows:
        known[sop_uid].append(KnownVersion(pk, study_uid, series_uid, digest))
    return dict(known)


def _moved(batch: Batch) -> dict[tuple[str, str], tuple[UUID, ...]]:
    """The moves that hold for objects of the batch now."""
    found = zip(batch, moves.following(batch), strict=True)
    return {
        (item.header.instance.sop_instance_uid, item.stored.dataset_sha256): tuple(entry.group for entry in entries)
        for item, entries in found
        if entries
    }


def _version(entry: _Kept, content: StoredObject) -> InstanceVersion:
    item = entry.item
    texts = columns.clean(
        InstanceVersion,
        {
            "door": item.door,
            "sender": item.sender,
            "address": item.address,
            "needs_rendition": item.needs_rendition or "",
        },
    )
    return InstanceVersion(
        instance=entry.instance,
        stored_object=content,
        state=InstanceVersion.State.CURRENT if entry.state is State.NEW else InstanceVersion.State.CONFLICTING,
        frame_index=item.frame_index,
        is_corrected=item.is_corrected,
        received_at=item.received_at,
        **texts,
    )


def _counts(group: list[Registered]) -> dict[str, object]:
    states = [entry.state.value for entry in group]
    counts: dict[str, object] = {state: states.count(state) for state in sorted(set(states))}
    counts["senders"] = sorted({entry.incoming.sender for entry in group if entry.incoming.sender})
    return counts


def _answers(verdicts: list[Registered], kept: list[_Kept]) -> list[Registered]:
    """The verdicts with the versions that were written; a duplicate within the batch names its twin's."""
    written = {
        (entry.item.header.instance.sop_instance_uid, entry.item.stored.dataset_sha256): entry.version.pk
        for entry in kept
        if entry.version is not None
    }
    answers = []
    for verdict in verdicts:
        item = verdict.incoming
        version_id = written.get((item.header.instance.sop_instance_uid, item.stored.dataset_sha256))
        if verdict.is_kept and verdict.version_id is None and version_id is not None:
            verdict = dataclasses.replace(verdict, version_id=version_id)
        answers.append(verdict)
    return answers
