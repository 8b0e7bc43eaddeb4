"""Headers as DICOM JSON, cut out of the stored segments without parsing DICOM (DESIGN 4.3, PS3.18 annex F).

What is stored is what was received. What goes out is the lines of the current versions that the reader may see, in the order
of the instances, with bulk data addressed at the door that asks.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.db import transaction
from django.db.models import F

from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom.corrections import Change
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies.models import Instance, InstanceVersion, MetadataSegment, Series, Study
from imaging.studies.reading import corrections, output, segments

_MARKER: Final = "bulkdata/"
# Within a JSON text every quotation mark is escaped, so these bytes can only be the key itself and its value.
_STORED: Final = b'"BulkDataURI":"' + _MARKER.encode()
_REMEMBERED: Final = 48 * 1024 * 1024


@dataclass(slots=True)
class _Line:
    """Header of one version, as stored, the instance that it speaks of, and what is put over it."""

    sop_instance_uid: str
    text: bytes
    is_converted: bool
    changes: Sequence[Change] = ()
    _served: bytes | None = None

    def served(self, *, is_outside: bool = False) -> bytes:
        """The header as it goes out; what corrections make of it is remembered for those within the hospital."""
        if is_outside and self.changes:
            told = output.as_told(self.changes, is_outside=True)
            return output.record(self.text, changes=told, is_converted=self.is_converted)
        if self._served is None:
            text = output.record(self.text, changes=self.changes, is_converted=self.is_converted)
            if not self.changes:
                return text
            self._served = text
        return self._served


_Lines = dict[int, _Line]


class _Memory:
    """The lines of the series read last, by series and version, bounded in bytes; one per process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[tuple[int, int], tuple[int, _Lines]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int]) -> _Lines | None:
        """The lines, if they are remembered."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[1]

    def put(self, key: tuple[int, int], lines: _Lines) -> None:
        """Remember the lines and forget the oldest."""
        size = sum(len(line.text) * (2 if line.changes else 1) for line in lines.values())
        with self._lock:
            if size > self._limit // 2 or key in self._kept:
                return
            self._kept[key] = size, lines
            self._size += size
            while self._size > self._limit:
                _key, (freed, _lines) = self._kept.popitem(last=False)
                self._size -= freed

    def clear(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._kept.clear()
            self._size = 0


remembered = _Memory(_REMEMBERED)


def bulk_uri(path: str) -> str:
    """What ``dicom.json_model.to_json`` writes for a big value: relative to the instance, made absolute at output."""
    return _MARKER + path


def instance_metadata(version: InstanceVersion, *, base: str = "", is_outside: bool = False) -> bytes:
    """DICOM JSON object of one version, opened with ``access.open_instance``. ``base`` as in ``series_metadata``.

    ``is_outside`` when it is read outside the hospital, as in ``output.files_of``.

    Raises the errors of ``storage``.
    """
    instance = version.instance
    line = _line(version)
    study_uid, series_uid = instance.series.study.study_instance_uid, instance.series.series_instance_uid
    return _addressed(line, study_uid, series_uid, base, is_outside=is_outside)


def instance_record(version: InstanceVersion, *, is_outside: bool = False) -> dict[str, Any]:
    """The same as a dictionary, with bulk data relative to the instance."""
    record: dict[str, Any] = orjson.loads(_line(version).served(is_outside=is_outside))
    return record


def records_of(versions: Iterable[InstanceVersion], *, is_outside: bool = False) -> dict[int, dict[str, Any]]:
    """Those of several, by the primary key of their instances; each series is read once."""
    return {version.instance_id: instance_record(version, is_outside=is_outside) for version in versions}


def received_record(version: InstanceVersion) -> dict[str, Any]:
    """The header of a version exactly as received, with nothing put over it: for those who compare or correct."""
    record: dict[str, Any] = orjson.loads(_line(version).text)
    return record


def received_records(study: Study) -> Iterator[tuple[int, dict[str, Any], Sequence[Change]]]:
    """Primary key, header as received and corrections of every kept version of a study, in the order of arrival."""
    lines = _read(InstanceVersion.objects.filter(instance__study=study, segment__isnull=False))
    for pk in sorted(lines):
        yield pk, orjson.loads(lines[pk].text), lines[pk].changes


def series_metadata(series: Series, *, scope: Scope, base: str = "") -> bytes:
    """JSON array of the current versions in a series that ``scope`` may view, by instance number.

    ``base`` is the absolute address of the DICOMweb root that bulk data is fetched from, without a slash at its end;
    without it bulk data stays relative to the instance. Raises the errors of ``storage``.
    """
    return segments.join(_visible_lines(series, scope, base))


def study_metadata(study: Study, *, scope: Scope, base: str = "") -> bytes:
    """JSON array of all that ``scope`` may view in a study, series by series; as ``series_metadata``."""
    lines: list[bytes] = []
    for series in Series.objects.visible_to(scope, Right.VIEW).filter(study=study).select_related("study"):
        lines += _visible_lines(series, scope, base)
    return segments.join(lines)


def etag(scope: Scope, series: Iterable[Series]) -> str:
    """The version of the metadata of these series as this reader sees them, without quotation marks."""
    digest = hashlib.sha256()
    for row in series:
        digest.update(f"{row.pk}.{row.version};".encode())
    # Named objects narrow what is seen within a series; departments show it whole.
    digest.update(b"deidentified|" if scope.deidentified else b"|")
    digest.update(b"outside|" if scope.is_outside else b"|")
    for names in (scope.studies, scope.series, scope.instances):
        digest.update(",".join(sorted(names)).encode() + b"|")
    return digest.hexdigest()[:32]


def compact(series: Series) -> None:
    """Join the segments of a quiet series into one, so that its metadata is one read."""
    with transaction.atomic():
        # The study first, as registration does: who corrects or withdraws writes versions, then series.
        Study.objects.select_for_update(no_key=True).get(pk=series.study_id)
        locked = Series.objects.select_for_update(no_key=True).get(pk=series.pk)
        old = list(MetadataSegment.objects.filter(series=locked).order_by("pk").values_list("pk", flat=True))
        if len(old) < 2:
            return
        versions = InstanceVersion.objects.filter(segment__in=old)
        lines = _read(versions)
        if not lines:
            return
        packed = segments.pack([lines[pk].text for pk in sorted(lines)])
        content = storage.put(packed, kind=StoredObject.Kind.SEGMENT)
        joined = MetadataSegment.objects.create(series=locked, stored_object=content, instance_count=len(lines))
        versions.update(segment=joined)
        MetadataSegment.objects.filter(pk__in=old).delete()


def divide(series: Series, version_ids: Collection[int], *, into: Series) -> None:
    """Put the lines of versions that are moved into a segment of their new series; what is left gets one of its own.

    Call it with both studies locked, and give the instances their new series in the same transaction.
    """
    old = list(MetadataSegment.objects.filter(series=series).values_list("pk", flat=True))
    lines = _read(InstanceVersion.objects.filter(segment__in=old))
    for owner, keys in ((into, lines.keys() & set(version_ids)), (series, lines.keys() - set(version_ids))):
        if keys:
            packed = segments.pack([lines[pk].text for pk in sorted(keys)])
            content = storage.put(packed, kind=StoredObject.Kind.SEGMENT)
            made = MetadataSegment.objects.create(series=owner, stored_object=content, instance_count=len(keys))
            InstanceVersion.objects.filter(pk__in=keys).update(segment=made)
    MetadataSegment.objects.filter(pk__in=old).delete()


def _visible_lines(series: Series, scope: Scope, base: str) -> list[bytes]:
    lines = _lines(series)
    visible = (
        InstanceVersion.objects.filter(
            state=InstanceVersion.State.CURRENT,
            instance__in=Instance.objects.visible_to(scope, Right.VIEW).filter(series=series),
        )
        .order_by(F("instance__instance_number").asc(nulls_last=True), "instance_id")
        .values_list("pk", flat=True)
    )
    study_uid = series.study.study_instance_uid
    series_uid, is_outside = series.series_instance_uid, scope.is_outside
    return [_addressed(lines[pk], study_uid, series_uid, base, is_outside=is_outside) for pk in visible if pk in lines]


def _line(version: InstanceVersion) -> _Line:
    lines = _lines(version.instance.series)
    if version.pk not in lines:
        raise storage.ObjectMissing("the headers of this version are not kept")
    return lines[version.pk]


def _lines(series: Series) -> _Lines:
    """Every version's line of a series; the row's ``version`` tells whether they are remembered."""
    key = (series.pk, series.version)
    lines = remembered.get(key)
    if lines is None:
        lines = _read(InstanceVersion.objects.filter(instance__series=series, segment__isnull=False))
        remembered.put(key, lines)
    return lines


def _read(versions: Any) -> _Lines:
    """Lines of these versions, which must be all of their segments: the n-th key of a segment has its n-th line."""
    rows = versions.order_by("segment_id", "pk").values_list(
        *(
            "segment_id",
            "segment__stored_object_id",
            "pk",
            "instance__sop_instance_uid",
            "needs_rendition",
            "is_corrected",
        )
    )
    groups: dict[tuple[int, int], list[tuple[int, str, bool]]] = {}
    corrected = []
    for segment_id, content_id, pk, sop_uid, reason, is_corrected in rows:
        groups.setdefault((segment_id, content_id), []).append((pk, sop_uid, bool(reason)))
        if is_corrected:
            corrected.append(pk)
    changes = corrections.changes_of(corrected)
    contents = StoredObject.objects.prefetch_related("copies").in_bulk({content_id for _segment, content_id in groups})
    lines: _Lines = {}
    for (_segment, content_id), members in groups.items():
        texts = _texts(contents[content_id])
        if len(texts) != len(members):
            raise storage.ObjectDamaged("the segment does not hold one line per version")
        for (pk, sop_uid, is_converted), text in zip(members, texts, strict=True):
            lines[pk] = _Line(sop_uid, text, is_converted, changes.get(pk, ()))
    return lines


def _texts(content: StoredObject) -> list[bytes]:
    try:
        return segments.unpack(storage.read(content))
    except ValueError as error:
        raise storage.ObjectDamaged(str(error)) from error


def _addressed(line: _Line, study_uid: str, series_uid: str, base: str, *, is_outside: bool) -> bytes:
    text = line.served(is_outside=is_outside)
    if not base or _STORED not in text:
        return text
    address = f"{base}/studies/{study_uid}/series/{series_uid}/instances/{line.sop_instance_uid}/{_MARKER}"
    return text.replace(_STORED, b'"BulkDataURI":' + orjson.dumps(address)[:-1])
