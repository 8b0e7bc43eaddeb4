"""Registers a confirmed import, file by file, so that it can be stopped, and go on after any crash.

The state of each file stands in its row. A file whose row was not written before a crash is handed over once more: the
archive knows its bytes, and nothing is there twice. Files are removed only after the last row is written.
"""

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import User
from accounts.roles import Door
from accounts.scope import scope_of_user
from imaging.ingest.imports import selectors, staged
from imaging.ingest.imports.examination import Gone
from imaging.ingest.imports.taking_in import REFUSED, Offer, Taken, take_in
from imaging.ingest.intake import Outcome
from imaging.ingest.media.found import Found
from imaging.ingest.media.limits import Budget
from imaging.ingest.media.trouble import MediaError
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.source import Source
from imaging.ingest.uploads.selectors import may_upload_to

logger = logging.getLogger(__name__)

_NOTED_AT_ONCE: Final = 50
#: Where a file lies: the row of its archive, and its position in it.
_Place = tuple[UUID | None, int]
_State = ImportedFile.State
_Kind = ImportedFile.Kind
_IN_ARCHIVE: Final = frozenset({Outcome.NEW, Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.WAITING})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file that is to be registered."""

    pk: UUID
    patient_key: str
    study_instance_uid: str


@dataclass(slots=True)
class _Registration:
    """One run over an import. ``stopping`` is this process's, ``is_stopped`` its owner's wish."""

    delivery: Import
    stopping: threading.Event
    is_stopped: bool = False
    done: int = 0
    noted: list[Taken] = field(default_factory=list)

    def run(self) -> None:
        left = self.delivery.files.filter(kind=_Kind.DICOM, state=_State.EXAMINED).count()
        self.done = self.delivery.total_count - left
        try:
            for taken in take_in(self._offers(), should_stop=self._should_stop):
                self.noted.append(taken)
                if len(self.noted) >= _NOTED_AT_ONCE:
                    self._note()
        finally:
            self._note()
        if self.stopping.is_set() and not self.is_stopped:
            raise Gone

    def _should_stop(self) -> bool:
        return self.is_stopped or self.stopping.is_set()

    def _offers(self) -> Iterator[Offer]:
        """What is still to be handed over, in the order of the files; archives are walked again."""
        sources = {key: self.source(decision["corrections"]) for key, decision in self.delivery.decisions.items()}
        for sent in list(staged.sent_files(self.delivery, kinds=(_Kind.DICOM, _Kind.ARCHIVE))):
            if sent.state != _State.EXAMINED:
                continue
            for found, wanted in self._wanted(sent):
                yield Offer(found, sources[wanted.patient_key], wanted)

    def _wanted(self, sent: ImportedFile) -> Iterator[tuple[Found, _Wanted]]:
        """The files to be registered of one that was sent."""
        rows = self._rows(sent)
        archives: dict[Found, UUID] = {}
        try:
            for found in staged.walk_file(sent, Budget()):
                where = (archives[found.archive] if found.archive is not None else None, found.position)
                row = rows.pop(where, None)
                if row is None:
                    continue
                pk, kind, key, uid = row
                if kind == _Kind.ARCHIVE:
                    archives[found] = pk
                else:
                    yield found, _Wanted(pk, key, uid)
        except (MediaError, KeyError):
            logger.warning("An import's archive reads otherwise than before.")
        left = [pk for pk, kind, _key, _uid in rows.values() if kind == _Kind.DICOM]
        self.delivery.files.filter(pk__in=left).update(state=_State.REFUSED, reason="unreadable")

    def _rows(self, sent: ImportedFile) -> dict[_Place, tuple[UUID, str, str, str]]:
        """What is left of a sent file, by where it lies."""
        found: dict[_Place, tuple[UUID, str, str, str]] = {
            (None, 0): (sent.pk, sent.kind, sent.patient_key, sent.study_instance_uid)
        }
        if sent.kind == _Kind.ARCHIVE:
            rows = self.delivery.files.filter(archive__in=self._archives_in(sent.pk), state=_State.EXAMINED)
            values = rows.values_list("archive", "position", "pk", "kind", "patient_key", "study_instance_uid")
            for archive, position, pk, kind, key, uid in values.iterator(chunk_size=2000):
                found[archive, position] = (pk, kind, key, uid)
        return found

    def _archives_in(self, sent: UUID) -> set[UUID]:
        """An archive, and those in it."""
        archives = dict(
            self.delivery.files.filter(kind=_Kind.ARCHIVE, archive__isnull=False).values_list("pk", "archive")
        )
        inside = {sent}
        while more := {pk for pk, archive in archives.items() if archive in inside} - inside:
            inside |= more
        return inside

    def source(self, corrections: dict[str, object]) -> Source:
        """Who hands over: the owner, with what was decided about a patient."""
        owner = _owner(self.delivery)
        return Source(
            door=str(Door.UPLOAD),
            sender=owner.get_username()[:64],
            actor_kind="user",
            actor_id=str(owner.pk),
            department_ids=selectors.departments_writable_by(owner),
            place_in=(self.delivery.department_id,),
            corrections=json.dumps(corrections, sort_keys=True) if corrections else "",
            correction_reason=f"import {self.delivery.pk}" if corrections else "",
        )

    def _note(self) -> None:
        """Write what became of files into their rows, and hear whether to stop."""
        noted, self.noted = self.noted, []
        self.done += len(noted)
        visible = self._visible({taken.offer.key.study_instance_uid for taken in noted})
        groups: dict[tuple[str, str, str], list[UUID]] = {}
        for taken in noted:
            groups.setdefault(_as_told(taken, visible), []).append(taken.offer.key.pk)
        with transaction.atomic():
            for (state, outcome, reason), keys in groups.items():
                self.delivery.files.filter(pk__in=keys).update(state=state, outcome=outcome, reason=reason)
            Import.objects.filter(pk=self.delivery.pk).update(done_count=self.done, problem="")
        self.is_stopped = Import.objects.filter(pk=self.delivery.pk, stop_asked=True).exists()

    def _visible(self, study_uids: set[str]) -> frozenset[str]:
        scope = scope_of_user(_owner(self.delivery))
        return frozenset(selectors.studies_in_scope(study_uids, scope)) if study_uids else frozenset()


def _owner(delivery: Import) -> User:
    """Whose decision is carried out: what is nobody's was never confirmed."""
    assert delivery.owner is not None
    return delivery.owner


def _as_told(taken: Taken, visible: frozenset[str]) -> tuple[str, str, str]:
    """(state, outcome, reason) of a row, as its owner may know it: nothing about studies that the owner may not see.

    That an object is in the archive already is told only of a study in scope; of others it is set aside, as all that
    would join them is (DESIGN 5.3).
    """
    if taken.outcome == REFUSED:
        return _State.REFUSED, "", taken.code[:40]
    hidden = taken.offer.key.study_instance_uid not in visible and taken.outcome != Outcome.WAITING
    if taken.outcome not in _IN_ARCHIVE or hidden:
        return _State.SET_ASIDE, str(Outcome.QUARANTINED), ""
    return _State.REGISTERED, taken.outcome, ""


def register(delivery: Import, *, stopping: threading.Event | None = None) -> None:
    """Register what was confirmed, or go on with it.

    Raises ``Gone`` when this process was told to stop, ``taking_in.OutOfRoom`` while the disk is full, and the
    database's own errors; then it is called again later.
    """
    run = _Registration(delivery, stopping or threading.Event(), delivery.stop_asked)
    if may_upload_to(_owner(delivery), delivery.department_id):
        run.run()
        _finish(run, problem="stopped" if run.is_stopped else "")
    else:
        _finish(run, problem="not_allowed")


def _finish(run: _Registration, *, problem: str) -> None:
    """Say that it is done, and let go of the files."""
    delivery = run.delivery
    with transaction.atomic():
        left = delivery.files.filter(kind=_Kind.DICOM, state=_State.EXAMINED)
        left.update(state=_State.SKIPPED, outcome="", reason=problem or "unreadable")
        Import.objects.filter(pk=delivery.pk).update(
            # Names of patients are kept no longer than they are needed; what was decided stands in the audit.
            state=Import.State.DONE,
            problem=problem,
            finished_at=timezone.now(),
            summary={},
            decisions={},
        )
        audit.record(
            audit.Action.IMPORT_FINISHED,
            actor=run.source({}).actor,
            subject_type="import",
            subject_uid=str(delivery.pk),
            detail={"department": delivery.department_id, **selectors.results(delivery)},
        )
        transaction.on_commit(lambda: staged.remove(delivery.pk))
