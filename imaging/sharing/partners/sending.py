"""Sending what was asked for: object by object, each acknowledged before the next, stopped within a second.

What the partner took has no row any more, so that whoever goes on after a break, a crash or a failure sends what is left and
nothing twice. Whether it may still go is asked again twice a second: of the push (stopped by a person), of the partner, and of
the images, with the same question that a link asks (``scopes``).
"""

import itertools
import logging
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.roles import Right
from accounts.scope import Scope
from imaging.events import jobs
from imaging.events.jobs import Ask, Outcome
from imaging.queues import LONG
from imaging.sharing import scopes
from imaging.sharing.models import PartnerTransfer, TransferObject
from imaging.sharing.models.partners import UNDER_WAY
from imaging.sharing.partners import ending, record, selectors
from imaging.sharing.partners.carrying import Answer, Away, Carrier, Line, Parcel, Taken, TurnedAway
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion, Study
from imaging.studies.reading import output
from imaging.studies.selectors import versions_of

logger = logging.getLogger(__name__)

#: The step of the pipeline that sends; its subject is the key of a push.
STEP: Final = "send to a partner archive"
#: Seconds of one turn: a large push keeps no worker from the others.
_TURN_SECONDS: Final = 120.0
#: Seconds between two questions whether it may still go.
_ASKED_AGAIN: Final = 0.5
_BATCH: Final = 50
#: What one association can offer (PS3.8 section 9.3.2: odd numbers up to 255).
_MOST_FORMS: Final = 120
#: Failures that may be of one object alone, and how often one is tried before the next has its turn.
_OF_ONE: Final = frozenset({"partner_error", "connection_lost", "took_too_long", "broken_answer"})
_TRIED: Final = 4
State = PartnerTransfer.State


class _Over(Exception):
    """Somebody stopped it, or another worker has it."""


class _Withdrawn(Exception):
    """It may not go any more; the code of why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def ask(transfer: PartnerTransfer) -> None:
    """Have it sent."""
    jobs.enqueue([Ask(STEP, transfer.key, "", LONG)])


def offer() -> None:
    """Queue what has waited long enough, and end what a worker gave up."""
    jobs.enqueue(Ask(STEP, key, "", LONG) for key in selectors.due().values_list("key", flat=True))
    ending.end_abandoned(STEP)


def send(key: str, carriers: Mapping[str, Carrier]) -> Outcome:
    """Send what is left of a push, with the carriers by what partners speak; what the job does."""
    transfer = _begun(key)
    if transfer is None:
        return Outcome.DONE
    try:
        is_done = _sent(transfer, carriers[transfer.partner.kind])
    except _Over:
        return Outcome.DONE
    except _Withdrawn as error:
        ending.stop_by_itself(transfer, error.problem)
    except TurnedAway as error:
        ending.fail(transfer, error.problem, error.words)
    except Away as error:
        ending.put_off(transfer, error.problem, error.words)
    else:
        if not is_done:
            return Outcome.AGAIN
        ending.finish(transfer)
    return Outcome.DONE


def _begun(key: str) -> PartnerTransfer | None:
    """Take a push in hand; the first time, what belongs to it is looked up and put on record. None where nothing is to do."""
    with transaction.atomic():
        rows = PartnerTransfer.objects.select_for_update(of=("self",), no_key=True)
        held = rows.select_related("partner__device", "patient", "created_by").filter(key=key).first()
        if held is None or held.state not in UNDER_WAY:
            return None
        if held.state == State.PAUSED and held.next_attempt_at and held.next_attempt_at > timezone.now():
            return None
        held.state, held.run = State.SENDING, uuid.uuid4()
        if held.started_at is None:
            _list(held)
        held.save(update_fields=["state", "run", "started_at", "total"])
    return held


def _list(transfer: PartnerTransfer) -> None:
    """Write down every object that is to go. Refused where it cannot be put on record (``AuditUnavailable``)."""
    transfer.started_at = timezone.now()
    scope = _scope(transfer)
    studies = list(Study.objects.filter(pk__in=transfer.items.values("study")).order_by("-study_at", "pk"))
    found = [
        versions_of(study, scope=scope, right=Right.DOWNLOAD).values_list("instance", flat=True) for study in studies
    ]
    numbers = itertools.count()
    rows = [TransferObject(transfer=transfer, instance_id=pk, position=next(numbers)) for part in found for pk in part]
    TransferObject.objects.bulk_create(rows, batch_size=2000)
    transfer.total = len(rows)
    actor = record.actor_of(transfer.created_by)
    detail = {"objects": len(rows)}
    record.record(
        audit.Action.TRANSFER_STARTED, transfer, actor=actor, studies=studies, fail_closed=True, detail=detail
    )


def _scope(transfer: PartnerTransfer) -> Scope:
    return scopes.scope_of_transfer(transfer, actor=record.actor_of(transfer.created_by))


def _sent(transfer: PartnerTransfer, carrier: Carrier) -> bool:
    """Send for one turn. Whether nothing is left."""
    watch = _Watch(transfer)
    ends = time.monotonic() + _TURN_SECONDS
    while forms := _forms(transfer):
        watch.ask()
        with carrier(transfer.partner, forms) as line:
            for left, version in _next(transfer, watch):
                if version is None:
                    _note(transfer, left, Answer(Taken.REFUSED, "withdrawn_here"), 0)
                elif (version.instance.sop_class_uid, version.stored_object.transfer_syntax_uid) not in forms:
                    continue  # the next line is opened for it
                elif not _carry(transfer, left, version, line, watch):
                    break
                watch.ask()
                if time.monotonic() >= ends:
                    return False
    return True


def _forms(transfer: PartnerTransfer) -> list[tuple[str, str]]:
    """SOP class and transfer syntax of what is left, as many pairs as one association can offer, those that come first."""
    left = selectors.left_of(transfer, TransferObject.State.PENDING)
    current = InstanceVersion.objects.current().filter(instance__in=left.values("instance"))
    pairs = current.values_list("instance__sop_class_uid", "stored_object__transfer_syntax_uid").distinct()
    found = sorted(pairs)[:_MOST_FORMS]
    if not found and left.exists():
        for gone in left:
            _note(transfer, gone, Answer(Taken.REFUSED, "withdrawn_here"), 0)
    return found


def _next(transfer: PartnerTransfer, watch: "_Watch") -> Iterator[tuple[TransferObject, InstanceVersion | None]]:
    """What is left, object by object, as it would go out now; None for what may not go any more."""
    last = -1
    pending = selectors.left_of(transfer, TransferObject.State.PENDING)
    while batch := list(pending.filter(position__gt=last)[:_BATCH]):
        visible = Instance.objects.visible_to(watch.scope, Right.DOWNLOAD).filter(
            pk__in=[left.instance_id for left in batch]
        )
        rows = InstanceVersion.objects.current().filter(instance__in=visible)
        rows = rows.select_related("instance", "stored_object").defer("frame_index")
        known = {row.instance_id: row for row in rows.prefetch_related("stored_object__copies")}
        for left in batch:
            last = left.position
            yield left, known.get(left.instance_id)


def _carry(
    transfer: PartnerTransfer, left: TransferObject, version: InstanceVersion, line: Line, watch: "_Watch"
) -> bool:
    """Hand one object over, and write down what the partner said. Whether the line is of any further use.

    An object at which the partner fails each time does not keep back the others for ever.
    """
    accepted = transfer.partner.transfer_syntaxes
    syntax = version.stored_object.transfer_syntax_uid
    if accepted and syntax not in accepted:
        _note(transfer, left, Answer(Taken.REFUSED, "syntax_not_listed"), 0)
        return True
    octets, is_open = 0, True
    try:
        file = output.file_of(version, is_outside=True)
        octets = file.length
        answer = line.store(Parcel(version.instance.sop_class_uid, syntax, _Watched(file, watch)))
    except (storage.ObjectDamaged, storage.ObjectMissing):
        logger.warning("An object that was to be sent to a partner cannot be read.")
        answer = Answer(Taken.REFUSED, "unreadable_here")
    except Away as error:
        if error.problem not in _OF_ONE or transfer.failures < _TRIED:
            raise
        answer, is_open = Answer(Taken.REFUSED, error.problem, None, error.words), False
    _note(transfer, left, answer, octets)
    return is_open


def _note(transfer: PartnerTransfer, left: TransferObject, answer: Answer, octets: int) -> None:
    """Write down what became of one object, once, whoever did it. Raises :class:`_Over`."""
    rows = TransferObject.objects.filter(pk=left.pk, state=TransferObject.State.PENDING)
    with transaction.atomic():
        if answer.taken is Taken.STORED:
            changed = rows.delete()[0]
        else:
            state = TransferObject.State.WARNED if answer.taken is Taken.WARNED else TransferObject.State.REFUSED
            changed = rows.update(state=state, problem=answer.problem, status=answer.status, words=answer.words)
        if changed:
            counted = {Taken.STORED: "sent", Taken.WARNED: "warned", Taken.REFUSED: "refused"}[answer.taken]
            more: dict[str, Any] = {counted: F(counted) + 1}
            if answer.taken is not Taken.REFUSED:
                # Something went through: whatever failed before is over.
                more |= {"octets": F("octets") + octets, "failures": 0, "failing_since": None}
                transfer.failures = 0
            PartnerTransfer.objects.filter(pk=transfer.pk).update(**more)
    _still_ours(transfer)


def _still_ours(transfer: PartnerTransfer) -> None:
    if not PartnerTransfer.objects.filter(pk=transfer.pk, state=State.SENDING, run=transfer.run).exists():
        raise _Over


class _Watch:
    """Asks twice a second whether a push may go on. ``scope`` is what may go, as it was asked last."""

    def __init__(self, transfer: PartnerTransfer) -> None:
        self._transfer = transfer
        self._asked_at: float | None = None
        self._items = transfer.items.count()
        self.scope = _scope(transfer)

    def ask(self) -> None:
        """Raise :class:`_Over` or :class:`_Withdrawn` where it may not."""
        if self._asked_at is not None and time.monotonic() - self._asked_at < _ASKED_AGAIN:
            return
        self._asked_at = time.monotonic()
        _still_ours(self._transfer)
        if not selectors.may_send(self._transfer):
            raise _Withdrawn("partner_closed")
        self.scope = _scope(self._transfer)
        named = len(self.scope.studies) + len(self.scope.series) + len(self.scope.instances)
        if named < self._items:
            raise _Withdrawn("withdrawn")


class _Watched:
    """An object as it goes out, which ends in the middle where it may not go on."""

    def __init__(self, file: output.OutputFile, watch: _Watch) -> None:
        self._file = file
        self._watch = watch

    @property
    def length(self) -> int:
        """How many bytes there are."""
        return self._file.length

    def read(self) -> Iterator[bytes]:
        """Read them from beginning to end. Raises :class:`_Over` and :class:`_Withdrawn`."""
        for piece in self._file.read():
            self._watch.ask()
            yield piece
