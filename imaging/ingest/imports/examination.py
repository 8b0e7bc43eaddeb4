"""Reads what was brought, so that its owner can be shown it: headers only, nothing decoded, nothing registered.

Done again from the start when the process dies: what an earlier attempt noted is forgotten first.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from imaging.dicom.header import Header
from imaging.ingest import notices
from imaging.ingest.imports import headers, selectors, staged
from imaging.ingest.imports.contents import Contents, TooMuch
from imaging.ingest.intake import Outcome
from imaging.ingest.media import dicomdir, scanning
from imaging.ingest.media.dicomdir import Index
from imaging.ingest.media.found import Found
from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.limits import Budget
from imaging.ingest.media.trouble import MediaError, Trouble
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.services import Refused

logger = logging.getLogger(__name__)

_BATCH: Final = 200
_PROGRESS_EVERY: Final = 0.5
_COLUMNS: Final = (
    "kind",
    "state",
    "reason",
    "outcome",
    "sop_class_uid",
    "sop_instance_uid",
    "series_instance_uid",
    "study_instance_uid",
    "patient_key",
)
_State = ImportedFile.State


class Gone(Exception):
    """The import was cancelled meanwhile, or this process was told to stop."""


@dataclass(slots=True)
class _Read:
    """One file that was read: its row, and what it is."""

    row: ImportedFile
    found: Found
    header: Header | None = None


@dataclass(slots=True)
class _Examination:
    """One run over an import."""

    delivery: Import
    stopping: threading.Event
    contents: Contents = field(default_factory=Contents)
    budget: Budget = field(default_factory=Budget)
    rows: dict[Found, ImportedFile] = field(default_factory=dict)
    batch: list[_Read] = field(default_factory=list)
    indexes: list[tuple[str, Index]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    objects: set[str] = field(default_factory=set)
    done: int = 0
    said_at: float = 0.0

    def run(self) -> None:
        for sent in list(staged.sent_files(self.delivery)):
            for found in staged.walk_file(sent, self.budget):
                self._note(sent, found)
        self._flush()
        for folder, index in self.indexes:
            below = (path.removeprefix(folder) for path in self.paths if path.startswith(folder))
            self.contents.leave_out(
                (folder + one.path for one in index.missing(below, self.objects)),
                (folder + path for path in index.refused),
            )

    def _note(self, sent: ImportedFile, found: Found) -> None:
        row = sent if found.archive is None else self._row(found)
        if found.kind is Kind.ARCHIVE and found.trouble is None:
            self.rows[found] = row
        row.kind = ImportedFile.Kind(str(found.kind))
        read = _Read(row, found)
        _examine(read, self)
        self.paths.add(found.path)
        self.batch.append(read)
        self.done += 1
        if len(self.batch) >= _BATCH:
            self._flush()
        elif time.monotonic() - self.said_at > _PROGRESS_EVERY:
            self._say()

    def _row(self, found: Found) -> ImportedFile:
        archive = self.rows[found.archive] if found.archive is not None else None
        return ImportedFile(
            delivery=self.delivery,
            archive=archive,
            position=found.position,
            path=found.path,
            length=found.length,
            kind=str(found.kind),
        )

    def _flush(self) -> None:
        batch, self.batch = self.batch, []
        self._mark_known(batch)
        new = [read.row for read in batch if read.found.archive is not None]
        with transaction.atomic():
            # First, for it locks the import: whoever discards it waits until these rows can be forgotten too.
            self._say()
            ImportedFile.objects.bulk_create(new, batch_size=_BATCH)
            ImportedFile.objects.bulk_update([read.row for read in batch if read.found.archive is None], _COLUMNS)

    def _mark_known(self, batch: Iterable[_Read]) -> None:
        """Note what is in the archive already, byte for byte, as far as the owner may see it."""
        read = {one.row.sop_instance_uid: one for one in batch if one.header is not None}
        known = selectors.digests_in_scope(read, selectors.eyes_of(self.delivery))
        for uid, digests in known.items():
            one = read[uid]
            try:
                is_here = headers.digest(one.found) in digests
            except (MediaError, Refused):
                continue
            if is_here:
                one.row.outcome = str(Outcome.DUPLICATE)
                self.contents.people[one.row.patient_key].studies[one.row.study_instance_uid].here += 1

    def _say(self) -> None:
        """Tell how far it is. Raises ``Gone`` when nobody waits for it any more."""
        self.said_at = time.monotonic()
        total = max(self.budget.entries, self.delivery.file_count)
        going_on = Import.objects.filter(pk=self.delivery.pk, state=Import.State.EXAMINING).update(
            done_count=self.done, total_count=total
        )
        if not going_on or self.stopping.is_set():
            raise Gone


def _examine(read: _Read, run: _Examination) -> None:
    """Say in the row what a file is."""
    row, found = read.row, read.found
    if found.trouble is not None:
        is_stray = found.trouble in {Trouble.NOT_DICOM, Trouble.UNSAFE_PATH, Trouble.SYMLINK, Trouble.SPECIAL}
        row.state = _State.SKIPPED if is_stray else _State.REFUSED
        row.reason = str(found.trouble.value)
    elif found.kind is Kind.ARCHIVE:
        row.state = _State.EXAMINED
    elif found.kind is Kind.DICOMDIR:
        row.state = _State.SKIPPED
        row.reason = "media_directory"
        _read_index(read, run)
    else:
        _read_object(read, run)


def _read_index(read: _Read, run: _Examination) -> None:
    path = read.found.path
    try:
        with read.found.open() as file:
            run.indexes.append((path[: path.rfind("/") + 1], dicomdir.read_index(file)))
    except MediaError:
        read.row.reason = "unreadable_index"


def _read_object(read: _Read, run: _Examination) -> None:
    row = read.row
    if _is_refused_by_scanner(read, run):
        return
    try:
        header = headers.read(read.found)
    except Refused as refusal:
        row.state, row.reason = _State.REFUSED, refusal.code[:40]
        return
    except MediaError as error:
        row.state, row.reason = _State.REFUSED, str(error.trouble.value)
        return
    read.header = header
    row.state = _State.EXAMINED
    row.sop_class_uid = header.instance.sop_class_uid
    row.sop_instance_uid = header.instance.sop_instance_uid
    row.series_instance_uid = header.series.series_instance_uid
    row.study_instance_uid = header.study.study_instance_uid
    row.patient_key = run.contents.add(header).key
    run.objects.add(row.sop_instance_uid)


def _is_refused_by_scanner(read: _Read, run: _Examination) -> bool:
    """Whether the scanner, where there is one, has something against a file from outside. Raises ``scanning.Unavailable``."""
    if not run.delivery.channel or settings.CLAMD_SOCKET is None:
        return False
    reason = ""
    try:
        with read.found.stream() as stream:
            signature = scanning.signature_in(stream, settings.CLAMD_SOCKET)
        if signature:
            reason = "infected"
            logger.warning(
                "The virus scanner refused a file from outside: %s", signature[:100].encode("ascii", "replace")
            )
    except scanning.TooLargeToScan:
        reason = "too_large_to_scan"
    except MediaError as error:
        reason = str(error.trouble.value)
    if reason:
        read.row.state, read.row.reason = _State.REFUSED, reason
    return bool(reason)


def examine(delivery: Import, *, stopping: threading.Event | None = None) -> None:
    """Read an import's files and ask its owner what they are. Raises ``Gone``, and the database's own errors."""
    delivery.files.filter(archive__isnull=False).delete()
    delivery.files.filter(archive__isnull=True).update(state=_State.RECEIVED, outcome="", reason="", patient_key="")
    run = _Examination(delivery, stopping or threading.Event())
    problem = ""
    try:
        run.run()
    except MediaError as error:
        problem = str(error.trouble.value)
    except TooMuch:
        problem = "too_many_patients"
    if not problem and not run.contents.people:
        problem = "nothing_found"
    _conclude(delivery, run.contents, problem)


def _conclude(delivery: Import, contents: Contents, problem: str) -> None:
    state = Import.State.FAILED if problem else Import.State.WAITING
    changed: dict[str, object] = {"state": state, "problem": problem, "summary": {} if problem else contents.to_json()}
    if problem:
        changed["finished_at"] = timezone.now()
    else:
        changed["expires_at"] = timezone.now() + selectors.KEPT_WAITING
    if not problem and delivery.channel:
        changed["expires_at"] = timezone.now() + selectors.KEPT_IN_INBOX
    with transaction.atomic():
        if not Import.objects.filter(pk=delivery.pk, state=Import.State.EXAMINING).update(**changed):
            raise Gone
        if not problem and delivery.owner is None:
            notices.tell_sent_from_outside(delivery)
    if problem:
        # Nothing of it can be used: it would fill the disk beside its owner's share.
        staged.remove(delivery.pk)
