"""What was decided about received headers: read for every way out, and written down beside the versions it concerns."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from django.db.models import Min
from django.utils import timezone

from imaging.dicom import correctable, corrections
from imaging.dicom.corrections import Change
from imaging.studies.models import Correction, InstanceVersion, Study
from imaging.studies.rows.incoming import IncomingInstance, InheritedCorrection

_NAMESPACE: Final = uuid.UUID("0b2c9e5d-5d0f-4c55-9a3f-0c2b7d6b6a11")
#: Received values beyond this are not repeated beside a correction: they can be read in the headers.
_LONGEST: Final = 4096
#: A header brought into line with ours, rather than one that was wrong (PS3.3 C.12.1.1.9).
_COERCED: Final = frozenset(
    {
        Correction.Origin.IMPORT,
        Correction.Origin.INHERITED,
        Correction.Origin.MOVED,
        Correction.Origin.MERGED,
        Correction.Origin.REGISTER,
    }
)


def changes_of(version_ids: Iterable[int]) -> dict[int, tuple[Change, ...]]:
    """What is put over each of these versions, in the order in which it was decided. One query, none for none."""
    wanted = list(version_ids)
    if not wanted:
        return {}
    rows = (
        Correction.objects.in_force()
        .filter(version__in=wanted)
        .order_by("pk")
        .values_list("version_id", "attributes", "made_at", "origin", "version__sender")
    )
    found: dict[int, list[Change]] = {}
    for version_id, attributes, made_at, origin, sender in rows:
        reason = corrections.COERCE if origin in _COERCED else corrections.CORRECT
        found.setdefault(version_id, []).append(Change(attributes, made_at, reason, sender))
    return {version_id: tuple(changes) for version_id, changes in found.items()}


def at_registration(
    version: InstanceVersion, item: IncomingInstance, study: Study, *, made_by: str
) -> list[Correction]:
    """The rows that say what was put over a version on its way in. Raises ``CorrectionInvalid``."""
    if not (item.corrections or item.inherited):
        return []
    record = orjson.loads(item.metadata_json)
    now = timezone.now()
    inherited = sorted(item.inherited, key=lambda entry: entry.order)
    rows = [_row(version, study, record, entry.attributes, entry.group, made_at=now) for entry in inherited]
    for row, entry in zip(rows, inherited, strict=True):
        row.origin, row.reason, row.made_by = Correction.Origin.INHERITED, entry.reason, entry.made_by
    if item.corrections:
        attributes = corrections.normalised(item.corrections)
        group = _group(study.study_instance_uid, attributes, item.correction_origin, item.correction_reason, made_by)
        row = _row(version, study, record, attributes, group, made_at=now)
        row.origin = Correction.Origin(item.correction_origin)
        row.reason, row.made_by = item.correction_reason[:200], made_by[:150]
        rows.append(row)
    if rows and "00100021" not in item.corrections:
        rows[0].assumed = {"issuer_of_patient_id": item.issuer_of_patient_id.replace("\x00", "")}
    return rows


def instead(
    version: InstanceVersion,
    record: Mapping[str, Any],
    attributes: Mapping[str, Any],
    *,
    origin: str,
    reason: str,
    made_by: str,
) -> tuple[list[Correction], list[Correction]]:
    """(rows taken back, rows to be written) when another decision takes the place of that with which a version came in.

    ``attributes`` are all that the new one says; none for a version that is to be shown as received. Raises
    ``CorrectionInvalid``.
    """
    wanted = corrections.normalised(attributes) if attributes else {}
    on_the_way_in = (Correction.Origin.IMPORT, Correction.Origin.QUARANTINE)
    old = list(Correction.objects.in_force().filter(version=version, origin__in=on_the_way_in).order_by("pk"))
    if [row.attributes for row in old] == ([wanted] if wanted else []):
        return [], []
    now = timezone.now()
    for row in old:
        row.reverted_at, row.reverted_by = now, made_by[:150]
    if not wanted:
        return old, []
    study = version.instance.study
    group = _group(study.study_instance_uid, wanted, origin, reason, made_by)
    made = _row(version, study, record, wanted, group, made_at=now)
    made.origin, made.reason, made.made_by = Correction.Origin(origin), reason[:200], made_by[:150]
    if old:
        made.assumed = old[0].assumed
    return old, [made]


def by_hand(
    version: InstanceVersion,
    record: Mapping[str, Any],
    attributes: corrections.Attributes,
    *,
    group: uuid.UUID,
    assumed: Mapping[str, Any],
) -> Correction:
    """The row of a decision about a version that is in the archive; ``record`` is its header as received."""
    row = _row(version, version.instance.study, record, attributes, group, made_at=timezone.now())
    row.assumed = dict(assumed)
    return row


def inheritable(study_ids: Iterable[int]) -> dict[int, list[InheritedCorrection]]:
    """What was decided about whole studies or series, by study: later objects that name the same person get it too.

    What was withdrawn gives nothing on: it may have been let in with a mistake. Nor does what was decided about the study
    from which a version was moved.
    """
    wanted = list(study_ids)
    if not wanted:
        return {}
    same = ("study_id", "group", "attributes", "received", "reason", "made_by")
    rows = (
        Correction.objects.in_force()
        .filter(study__in=wanted)
        .exclude(version__state=InstanceVersion.State.REJECTED)
        .with_origin()
        # A study has as many rows as versions, which mostly say the same.
        .values_list(*same, "version__instance__series__series_instance_uid", "came_along")
        .annotate(order=Min("pk"))
        .order_by("order")
    )
    found: dict[int, dict[tuple[Any, ...], InheritedCorrection]] = {}
    for study_id, group, attributes, received, reason, made_by, series_uid, came_along, order in rows:
        level = corrections.level_of(attributes)
        if level is corrections.Level.INSTANCE or corrections.changes_uids(attributes):
            continue
        if came_along and level is not corrections.Level.SERIES:
            continue
        entry = InheritedCorrection(
            group=group,
            attributes=attributes,
            reason=reason,
            made_by=made_by,
            order=order,
            person=person_of(received),
            series_instance_uid=series_uid if level is corrections.Level.SERIES else "",
        )
        found.setdefault(study_id, {}).setdefault((group, entry.person, entry.series_instance_uid), entry)
    return {study_id: list(entries.values()) for study_id, entries in found.items()}


def concerning(incoming: IncomingInstance, decided: Sequence[InheritedCorrection]) -> tuple[InheritedCorrection, ...]:
    """Those of the corrections of a study that hold for ``incoming`` too: they were put over headers of the same person."""
    if not decided:
        return ()
    person = person_of(orjson.loads(incoming.metadata_json))
    series_uid = incoming.header.series.series_instance_uid
    return tuple(entry for entry in decided if entry.person == person and entry.series_instance_uid in {"", series_uid})


def person_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Who a header names: name, ID, issuer, birth date and sex as they were received."""
    return tuple(_plain(correctable.text_of(record.get(tag, {}))) for tag in correctable.IDENTITY)


def of_versions(version_ids: Iterable[int]) -> list[Correction]:
    """The decisions in force about these versions, in their order."""
    return list(Correction.objects.in_force().filter(version__in=list(version_ids)).order_by("pk"))


def refresh_marks(study: Study) -> None:
    """Say on a study and its versions whether anything is put over them, so that reading what is not costs nothing."""
    in_force = Correction.objects.in_force().filter(study=study)
    versions = InstanceVersion.objects.filter(instance__study=study)
    versions.filter(is_corrected=True).exclude(pk__in=in_force.values("version")).update(is_corrected=False)
    versions.filter(is_corrected=False, pk__in=in_force.values("version")).update(is_corrected=True)
    study.is_corrected = in_force.exists()


def _row(
    version: InstanceVersion,
    study: Study,
    record: Mapping[str, Any],
    attributes: corrections.Attributes,
    group: uuid.UUID,
    *,
    made_at: datetime,
) -> Correction:
    return Correction(
        version=version,
        study=study,
        group=group,
        attributes={tag: dict(element) for tag, element in attributes.items()},
        received=_received(record, attributes),
        made_at=made_at,
    )


def _received(record: Mapping[str, Any], attributes: corrections.Attributes) -> dict[str, Any]:
    tags = sorted({*correctable.IDENTITY, *attributes})
    kept = {tag: record[tag] for tag in tags if tag in record and corrections.is_kept_as_before(record[tag])}
    return {tag: _without_nul(element) for tag, element in kept.items() if len(orjson.dumps(element)) <= _LONGEST}


def _group(study_uid: str, attributes: corrections.Attributes, *what: str) -> uuid.UUID:
    """One name for the same decision about the same study, however many batches it comes in."""
    text = orjson.dumps([study_uid, attributes, *what], option=orjson.OPT_SORT_KEYS).decode()
    return uuid.uuid5(_NAMESPACE, text)


def _without_nul(value: Any) -> Any:
    """PostgreSQL keeps no NUL."""
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, dict):
        return {key: _without_nul(item) for key, item in value.items()}
    return [_without_nul(item) for item in value] if isinstance(value, list) else value


def _plain(text: str) -> str:
    return text.replace("\x00", "")
