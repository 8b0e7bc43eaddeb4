"""Which objects an export holds: looked up once, so that what arrives or changes meanwhile changes nothing of it."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.core.cache import cache
from django.db.models import QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.storage import selectors as stored
from imaging.storage import services as storage
from imaging.studies import selectors
from imaging.studies.export.notes import Lost
from imaging.studies.models import Instance, InstanceVersion, Series, Study
from imaging.studies.reading import output

logger = logging.getLogger(__name__)

#: Versions that are read from the database at once.
BATCH: Final = 100
_ROWS: Final = 1000
_REMEMBERED: Final = 7 * 24 * 3600
_KEY: Final = "corrected-length:"


@dataclass(frozen=True, slots=True)
class Chosen:
    """One object of an export. ``length`` in bytes as it goes out; ``tag`` changes whenever those bytes do."""

    version_id: int
    content_id: int
    tag: str
    length: int
    is_corrected: bool
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    instance_number: int | None
    rows: int
    columns: int
    frames: int


@dataclass(slots=True)
class Part:
    """The objects of one series."""

    series: Series
    objects: list[Chosen] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Selection:
    """All objects of an export, series by series, and those of which no copy can be read."""

    parts: tuple[Part, ...]
    lost: tuple[Lost, ...]

    @property
    def digest(self) -> str:
        """The version of all of it together, 64 hexadecimal digits."""
        found = hashlib.sha256()
        for part in self.parts:
            for entry in part.objects:
                found.update(f"{entry.sop_instance_uid} {entry.tag};".encode())
        for lost in self.lost:
            found.update(f"-{lost.sop_instance_uid};".encode())
        return found.hexdigest()


class Versions:
    """The versions of an export as they are needed, a batch at a time; the reader's right is asked again with each."""

    def __init__(self, scope: Scope, wanted: Sequence[Chosen]) -> None:
        """Nothing is read yet."""
        self._scope = scope
        self._wanted = wanted
        self._first = 0
        self._files: list[output.OutputFile] = []

    def file(self, number: int) -> output.OutputFile:
        """The object of that number as it goes out. Raises ``ExportChanged`` when it is not what was selected any more."""
        if not self._first <= number < self._first + len(self._files):
            self._first = number - number % BATCH
            self._files = self._read(self._wanted[self._first : self._first + BATCH])
        return self._files[number - self._first]

    def _read(self, batch: Sequence[Chosen]) -> list[output.OutputFile]:
        found = {version.pk: version for version in readable(self._scope, (entry.version_id for entry in batch))}
        if len(found) != len(batch):
            raise ExportChanged("an object was withdrawn, or the right to it")
        files = output.files_of([found[entry.version_id] for entry in batch], is_outside=self._scope.is_outside)
        if any(file.etag != entry.tag for file, entry in zip(files, batch, strict=True)):
            raise ExportChanged("an object was corrected")
        return files


class ExportChanged(Exception):
    """What is being exported was corrected or withdrawn meanwhile, or the reader lost the right to it."""


def select(levels: Iterable[Study | Series], *, scope: Scope) -> Selection:
    """The objects of these studies and series that ``scope`` may download, in the order in which they are read."""
    parts: list[Part] = []
    lost: list[Lost] = []
    for level in levels:
        for part in _parts(level, scope):
            kept, gone = _sorted_out(part, scope)
            part.objects = kept
            lost += gone
            if kept:
                parts.append(part)
    return Selection(tuple(parts), tuple(lost))


def readable(scope: Scope, version_ids: Iterable[int]) -> QuerySet[InstanceVersion]:
    """Those of these versions that are still served and may be downloaded, ready to be read."""
    visible = Instance.objects.visible_to(scope, Right.DOWNLOAD)
    return (
        InstanceVersion.objects.current()
        .filter(pk__in=list(version_ids), instance__in=visible)
        .select_related("stored_object")
        .defer("frame_index")
        .prefetch_related("stored_object__copies")
    )


def _parts(level: Study | Series, scope: Scope) -> Iterator[Part]:
    rows = selectors.versions_of(level, scope=scope, right=Right.DOWNLOAD).values_list(
        "instance__series_id",
        "pk",
        "stored_object_id",
        "stored_object__file_sha256",
        "stored_object__length",
        "is_corrected",
        "stored_object__transfer_syntax_uid",
        "instance__sop_class_uid",
        "instance__sop_instance_uid",
        "instance__instance_number",
        "instance__rows",
        "instance__columns",
        "instance__number_of_frames",
    )
    known = {level.pk: level} if isinstance(level, Series) else _series(level, scope)
    part: Part | None = None
    for row in rows.iterator(chunk_size=_ROWS):
        values: list[Any] = list(row)
        series_id = values.pop(0)
        if series_id not in known:
            continue  # it came after the series were looked up
        if part is None or part.series.pk != series_id:
            if part is not None:
                yield part
            part = Part(known[series_id])
        values[2] = values[2][: output.TAG_LENGTH]
        part.objects.append(Chosen(*values))
    if part is not None:
        yield part


def _series(study: Study, scope: Scope) -> Mapping[int, Series]:
    rows = selectors.series_of(study, scope=scope, right=Right.DOWNLOAD).select_related(None)
    found = {row.pk: row for row in rows}
    for row in found.values():
        row.study = study
    return found


def _sorted_out(part: Part, scope: Scope) -> tuple[list[Chosen], list[Lost]]:
    """What can be read of a series, with the lengths as it goes out, and what is lost."""
    kept: list[Chosen] = []
    gone: list[Lost] = []
    for batch in _batches(part.objects, _ROWS):
        unreadable = stored.lost({entry.content_id: entry.length for entry in batch})
        corrected = _corrected(
            [entry for entry in batch if entry.is_corrected and entry.content_id not in unreadable], scope
        )
        for entry in batch:
            found = corrected.get(entry.version_id) if entry.is_corrected else entry
            if entry.content_id in unreadable or found is None:
                gone.append(Lost(part.series.series_number, entry.instance_number, entry.sop_instance_uid))
            else:
                kept.append(found)
    return kept, gone


def _corrected(entries: Sequence[Chosen], scope: Scope) -> dict[int, Chosen]:
    """The corrected ones with their tags and lengths; a length is found by reading the header once, and remembered."""
    found: dict[int, Chosen] = {}
    for batch in _batches(entries, BATCH):
        versions = list(readable(scope, (entry.version_id for entry in batch)))
        files_out = output.files_of(versions, is_outside=scope.is_outside)
        files = dict(zip((version.pk for version in versions), files_out, strict=True))
        lengths = _lengths([file.etag for file in files.values()])
        measured: dict[str, int] = {}
        for entry in batch:
            file = files.get(entry.version_id)
            if file is None:
                continue
            try:
                length = lengths.get(file.etag) or measured.setdefault(file.etag, file.length)
            except (storage.ObjectDamaged, storage.ObjectMissing):
                continue
            found[entry.version_id] = replace(entry, tag=file.etag, length=length)
        _remember(measured)
    return found


def _batches(entries: Sequence[Chosen], size: int) -> Iterator[Sequence[Chosen]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]


def _lengths(tags: Sequence[str]) -> dict[str, int]:
    """The lengths of corrected objects that are remembered, by tag."""
    try:
        known = cache.get_many([_KEY + tag for tag in tags])
    except Exception:
        logger.warning("The cache does not answer: the lengths of corrected objects are found anew.", exc_info=True)
        return {}
    return {key.removeprefix(_KEY): int(length) for key, length in known.items()}


def _remember(lengths: Mapping[str, int]) -> None:
    if not lengths:
        return
    try:
        cache.set_many({_KEY + tag: length for tag, length in lengths.items()}, timeout=_REMEMBERED)
    except Exception:
        logger.warning("The cache does not answer: the lengths of corrected objects are not remembered.", exc_info=True)
