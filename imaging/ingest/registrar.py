"""Takes what lies in the spool into the archive, in batches, and lets go of it only when it is committed (DESIGN 4.2, 4.3).

Nothing here may lose an object or let one hold up the others: a batch that fails is halved until the object that cannot be
registered is alone, and that one goes to quarantine. When the database or the disk is away everything stays in the spool.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from django import db
from django.db import transaction

from imaging.ingest import quarantine, receipts, selectors
from imaging.ingest.judging import Candidate, Judge
from imaging.ingest.preparation import Unreadable, Waiting, prepare
from imaging.ingest.quarantine import Reason, SetAside
from imaging.ingest.receipts import Handed
from imaging.ingest.source import Source
from imaging.ingest.spool import Claim, Spool, SpoolEntry
from imaging.storage import services as storage
from imaging.studies import services as studies
from imaging.studies.rows.incoming import State

logger = logging.getLogger(__name__)

BATCH: Final = 200
#: Headers kept in memory at once, in bytes: hostile ones are large.
_BATCH_OCTETS: Final = 32 * 1024 * 1024
#: How often an empty spool is looked at: well below the second from spool to list.
_PAUSE: Final = 0.1
#: How long to wait for a database or a disk that is away.
_AWAY: Final = 1.0
_TIDY_EVERY: Final = 60.0
#: An entry that can be neither registered nor quarantined is tried again after this.
_RETRY_AFTER: Final = 60.0
_PLANS: Final = 3

#: Nothing is wrong with the objects: wait and try again.
_Away = (db.OperationalError, db.InterfaceError, storage.StorageFull)

#: The fault is ours, not the object's: quarantine would blame the wrong one, so that it stays in the spool and is retried.
_Ours = (db.ProgrammingError, db.InternalError, db.NotSupportedError, OSError, MemoryError)

_REASONS: Final = {
    State.HIERARCHY_CONFLICT: Reason.HIERARCHY_CONFLICT,
    State.IDENTITY_CONFLICT: Reason.IDENTITY_CONFLICT,
}


@dataclass(slots=True)
class Drained:
    """What became of the entries of one round."""

    registered: int = 0
    quarantined: int = 0

    @property
    def total(self) -> int:
        """How many left the spool."""
        return self.registered + self.quarantined

    def add(self, other: "Drained") -> None:
        """Count another round in."""
        self.registered += other.registered
        self.quarantined += other.quarantined


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one entry that has left the spool: ``state`` when registered, else ``reason`` of the quarantine."""

    entry: SpoolEntry
    state: State | None
    reason: str = ""
    detail: str = ""


class Registrar:
    """One registrar; several may run over the same spool, in this process or others."""

    def __init__(self, spool: Spool, *, tell: Callable[[Settled], None] | None = None) -> None:
        """Work on ``spool``; ``tell`` hears what became of each entry, once that is committed."""
        self._spool = spool
        self._tell = tell or (lambda _settled: None)
        self._judge = Judge()
        self._retry_at: dict[str, float] = {}

    def run(self, stopping: threading.Event) -> None:
        """Drain the spool whenever something lies in it, until ``stopping`` is set."""
        tidied = -_TIDY_EVERY
        while not stopping.is_set():
            if time.monotonic() - tidied > _TIDY_EVERY:
                self._spool.tidy()
                tidied = time.monotonic()
            try:
                done = self.drain(stopping).total
                pause = 0.0 if done else _PAUSE
            except _Away as error:
                # The class only: texts of database errors may quote rows.
                logger.warning("Objects wait in the spool: %s.", type(error).__name__)
                db.connections.close_all()
                pause = _AWAY
            if pause:
                stopping.wait(pause)

    def drain(self, stopping: threading.Event | None = None) -> Drained:
        """Take in what lies in the spool now. Raises what says that the database or the disk is away."""
        now = time.monotonic()
        entries = [entry for entry in self._spool.entries() if self._retry_at.get(entry.name, 0.0) <= now]
        drained = Drained()
        for start in range(0, len(entries), BATCH):
            if stopping is not None and stopping.is_set():
                break
            drained.add(self._take_in(entries[start : start + BATCH]))
        return drained

    def _take_in(self, entries: Sequence[SpoolEntry]) -> Drained:
        """Claim these entries, and take them in sender by sender."""
        claims: list[Claim] = []
        try:
            for entry in entries:
                try:
                    claim = self._spool.claim(entry)
                except OSError:
                    logger.exception("An entry of the spool cannot be opened.")
                    self._postpone(entry)
                    continue
                if claim is not None:
                    claims.append(claim)
            return self.take_claimed(claims)
        finally:
            for claim in claims:
                claim.give_back()

    def take_claimed(self, claims: Sequence[Claim]) -> Drained:
        """Take claimed entries in, sender by sender; who claimed them gives back what is left. Raises as ``drain``."""
        groups: dict[str, list[Claim]] = {}
        for claim in claims:
            groups.setdefault(claim.entry.source_key, []).append(claim)
        drained = Drained()
        for group in groups.values():
            drained.add(self._take_in_group(self._source(group[0]), group))
        return drained

    def _source(self, claim: Claim) -> Source:
        try:
            return self._spool.source_of(claim.entry)
        except (OSError, ValueError, KeyError, TypeError):
            # The bytes count more than the record of who sent them: they will wait in quarantine or go by the default.
            logger.error("The record of a sender in the spool is damaged.")  # noqa: TRY400
            return Source(door="unknown", sender="", actor_kind="system", actor_id="spool")

    def _take_in_group(self, source: Source, claims: Sequence[Claim]) -> Drained:
        drained = Drained()
        home = selectors.home_of(source.department_ids)
        batch: list[Candidate] = []
        unreadable: list[SetAside] = []
        octets = 0
        for claim in claims:
            waiting = Waiting(claim, source)
            try:
                incoming = prepare(waiting, home)
            except Unreadable as error:
                unreadable.append(
                    SetAside(waiting, Reason.UNREADABLE, error.reason, error.header, error.transfer_syntax_uid)
                )
                continue
            except _Away:
                raise
            except Exception as error:
                logger.exception("An object cannot be prepared for its registration.")
                drained.add(self._give_up(SetAside(waiting, Reason.CANNOT_REGISTER, type(error).__name__), error))
                continue
            batch.append(Candidate(waiting, incoming))
            octets += len(incoming.metadata_json)
            if octets > _BATCH_OCTETS:
                drained.add(self._register(batch))
                batch, octets = [], 0
        drained.add(self._register(batch))
        drained.add(self._set_aside(unreadable))
        return drained

    def _register(self, batch: Sequence[Candidate]) -> Drained:
        """Register a batch; one that fails for its contents is halved, so that only the culprit is left out."""
        drained = Drained()
        if not batch:
            return drained
        try:
            self._register_once(batch, drained)
        except _Away:
            raise
        except Exception as error:
            if len(batch) == 1:
                logger.exception("An object cannot be registered.")
                return self._give_up(batch[0].set_aside(Reason.CANNOT_REGISTER, type(error).__name__), error)
        else:
            return drained
        # What was settled before the fault is not begun again.
        left = [candidate for candidate in batch if candidate.waiting.claim.is_held]
        middle = len(left) // 2
        drained.add(self._register(left[:middle]))
        drained.add(self._register(left[middle:]))
        return drained

    def _give_up(self, item: SetAside, error: Exception) -> Drained:
        """Set aside what cannot be registered, or leave it where it is when that is not its own fault."""
        return self._postpone(item.waiting.claim.entry) if isinstance(error, _Ours) else self._set_aside([item])

    def _register_once(self, batch: Sequence[Candidate], drained: Drained) -> None:
        """Register a batch, and count in what became of it as it goes."""
        left = list(batch)
        kept: list[Handed] = []
        for _ in range(_PLANS):
            verdict = self._judge.judge(left)
            drained.add(self._set_aside(verdict.set_aside))
            left = []
            for state, candidate, detail in _registered(verdict.admitted):
                if state in _REASONS:
                    drained.add(self._set_aside([candidate.set_aside(_REASONS[state], detail)]))
                elif state is State.STALE:
                    left.append(candidate)
                else:
                    candidate.waiting.claim.release()
                    drained.registered += 1
                    if not candidate.waiting.source.decider_id and not candidate.waiting.source.is_copy:
                        # What comes out of quarantine was counted when its sender handed it over; copies nobody sent.
                        kept.append(_handed(candidate.waiting, str(state)))
                    self._tell(Settled(candidate.waiting.claim.entry, state, "", detail))
            if not left:
                break
        _write_receipts(kept)
        # Still stale after so many plans: it stays in the spool for the next round.

    def _set_aside(self, objects: Sequence[SetAside]) -> Drained:
        """Quarantine these; when even that fails for one of them, it stays in the spool for a while."""
        drained = Drained()
        if not objects:
            return drained
        try:
            quarantine.set_aside(objects)
        except _Away:
            raise
        except Exception:
            logger.exception("An object cannot be quarantined.")
            if len(objects) > 1:
                for item in objects:
                    drained.add(self._set_aside([item]))
                return drained
            return self._postpone(objects[0].waiting.claim.entry)
        for item in objects:
            item.waiting.claim.release()
            drained.quarantined += 1
            self._tell(Settled(item.waiting.claim.entry, None, str(item.reason), item.detail))
        handed = (item.waiting for item in objects if not item.waiting.source.decider_id)
        _write_receipts([_handed(waiting, "quarantined") for waiting in handed])
        # One line however many: a sender that is wrong once is wrong a thousand times.
        for (sender, reason), count in Counter(
            (item.waiting.source.sender, str(item.reason)) for item in objects
        ).items():
            logger.warning("Quarantined from %s: %d (%s).", sender, count, reason)
        return drained

    def _postpone(self, entry: SpoolEntry) -> Drained:
        """Leave an object in the spool for a while."""
        now = time.monotonic()
        self._retry_at = {name: at for name, at in self._retry_at.items() if at > now}
        self._retry_at[entry.name] = now + _RETRY_AFTER
        return Drained()


def _handed(waiting: Waiting, outcome: str) -> Handed:
    claim, source = waiting.claim, waiting.source
    return Handed(
        door=source.door,
        sender=source.sender,
        address=source.address,
        outcome=outcome,
        octets=claim.length,
        waited=max(time.time() - claim.entry.received_ns / 1e9, 0.0),
    )


def _write_receipts(handed: Sequence[Handed]) -> None:
    """Count what left the spool. The objects are safe by now, and a count is not worth a fuss."""
    try:
        with transaction.atomic():
            receipts.record(handed)
    except db.Error as error:
        logger.warning("Receipts cannot be written (%s).", type(error).__name__)


def _registered(admitted: Sequence[Candidate]) -> Iterator[tuple[State, Candidate, str]]:
    """Register what was admitted, in one transaction; the answers with their objects."""
    if not admitted:
        return
    actor = admitted[0].waiting.source.actor
    answers = studies.register([candidate.incoming for candidate in admitted], actor=actor)
    for candidate, answer in zip(admitted, answers, strict=True):
        yield answer.state, candidate, answer.detail


def drain(spool: Spool) -> Drained:
    """Take in what lies in the spool now, once."""
    with suppress(FileNotFoundError):
        spool.tidy()
    return Registrar(spool).drain()
