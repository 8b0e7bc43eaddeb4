"""Taking messages: kept first, applied in one transaction with what became of them, and answered after its commit (HL-2, HL-3)."""

import hashlib
import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psycopg
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Door
from imaging.ehr import administration, booking, notices, ordering, reporting, selectors
from imaging.ehr.hl7 import acknowledgements, charsets
from imaging.ehr.hl7.acknowledgements import ACCEPTED, LATER, WRONG
from imaging.ehr.hl7.message import Headline, Message, headline, read
from imaging.ehr.hl7.refusals import Code, Held, Refused
from imaging.ehr.models import AwaitedReport, Hl7Message, Hl7Peer

logger = logging.getLogger(__name__)

#: What had its effect, or is to have none. A refusal had none: what it missed (a procedure, a site) may be there by now.
_SETTLED: Final = frozenset({Hl7Message.State.APPLIED, Hl7Message.State.SKIPPED})
_ORDERS: Final = frozenset({("ORM", "O01"), ("OMI", "O23")})
_REPORTS: Final = frozenset({("ORU", "R01"), ("ORU", "R03"), *(("MDM", f"T{number:02}") for number in range(1, 12))})
_CODES: Final = frozenset({"ADT", "ORM", "OMI", "ORU", "MDM", "SIU"})
#: Written in the transaction of its effect.
DONE: Final = frozenset({Hl7Message.State.APPLIED, Hl7Message.State.AWAITING})
#: Messages that are forgotten with one statement.
_AT_ONCE: Final = 2000
#: Bytes of a message that is written apart from its row's other columns.
_LARGE: Final = 1 << 20
#: How exactly it is known when a system was last heard.
_SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a message, and what its sender is told."""

    state: Hl7Message.State
    code: str
    note: str
    why: Refused | None = None


def receive(raw: bytes, address: str) -> list[bytes]:
    """Take one message from the network; its acknowledgements, in the sender's character set.

    Nothing is lost by what goes wrong: the message lies in the database before anything of it is read, or the sender is told
    to send it again. The same bytes from the same system get the same answer, and have one effect.
    """
    found, unreadable = _headline(raw)
    try:
        peer = selectors.peer_of(found, address) if found else None
        row = _kept(raw, found, peer, address)
        if row.state in _SETTLED:
            return _answer(row, found, peer)
        outcome = _refusal(unreadable, peer) if unreadable else _applied(row, found, peer)
        if outcome is None:
            return _answer(row, found, peer)
        return _finished(row, found, peer, outcome)
    except Exception as error:  # noqa: BLE001 -- without an answer the sender would stand still; nothing of it is lost
        # Only the kind of error: its text may quote the message.
        logger.error("A message was not taken: %s.", type(error).__name__)  # noqa: TRY400
        later = Refused(Code.INTERNAL, "MSH^1", "The message could not be kept. Send it again.", is_passing=True)
        return _said(found, None, LATER, later, own_id=uuid.uuid4().hex[:20])


def _headline(raw: bytes) -> tuple[Headline | None, Refused | None]:
    try:
        return headline(raw), None
    except Refused as why:
        return None, why


def retry(row: Hl7Message, *, actor: Actor, edited: str | None = None) -> Hl7Message:
    """Apply a message that failed or was refused, as it came or as ``edited``; the row as it is then. Nobody is answered."""
    was = row.state
    if edited is not None:
        row.edited = edited.replace("\r\n", "\r").replace("\n", "\r").encode()
        row.save(update_fields=["edited"])
    _decided(row, actor, "retried" if edited is None else "edited")
    found, unreadable = _headline(_bytes(row))
    row.decided_by = (actor.name or actor.id)[:150]
    outcome = _refusal(unreadable, row.peer) if unreadable else _applied(row, found, row.peer, by_person=True)
    if outcome is None:
        return row
    if outcome.state not in DONE:
        # Its sender was told long ago: what waits for a person waits on, what was refused stays that.
        outcome = _Outcome(Hl7Message.State(was), outcome.code, outcome.note, outcome.why)
    _finished(row, found, row.peer, outcome)
    return row


def skip(row: Hl7Message, *, actor: Actor) -> bool:
    """Let a message be that waits; False when it waits no longer."""
    undone = (Hl7Message.State.FAILED, Hl7Message.State.AWAITING)
    done = Hl7Message.objects.filter(pk=row.pk, state__in=undone).update(
        state=Hl7Message.State.SKIPPED, ended_at=timezone.now(), decided_by=(actor.name or actor.id)[:150]
    )
    if done:
        AwaitedReport.objects.filter(message=row).delete()
        _decided(row, actor, "skipped")
    return bool(done)


def images_arrived(study_instance_uid: str) -> None:
    """Look again at the reports that came before the images of a study."""
    for row in selectors.awaited(study_instance_uid):
        found, _unreadable = _headline(_bytes(row))
        outcome = _applied(row, found, row.peer)
        if outcome is not None and outcome.state not in DONE:
            # Its sender was told long ago that it was taken over: a person has to look.
            _write(row, _Outcome(Hl7Message.State.FAILED, ACCEPTED, outcome.note, outcome.why))
            AwaitedReport.objects.filter(message=row).delete()


def prune(*, days: int = 90) -> int:
    """Forget messages that were answered long ago, whatever the answer; what waits for a person stays. How many."""
    limit = timezone.now() - timedelta(days=days)
    answered = (*_SETTLED, Hl7Message.State.REFUSED)
    old = Hl7Message.objects.filter(state__in=answered, received_at__lt=limit).order_by("pk")
    forgotten = 0
    while keys := list(old.values_list("pk", flat=True)[:_AT_ONCE]):
        # Only their keys: a message may hold a report of megabytes.
        forgotten += Hl7Message.objects.filter(pk__in=keys).only("pk").delete()[0]
    return forgotten


def _kept(raw: bytes, found: Headline | None, peer: Hl7Peer | None, address: str) -> Hl7Message:
    """The row of these bytes: a new one, or that of the same message sent before."""
    digest = hashlib.sha256(raw).digest()
    control_id = found.control_id[:199] if found else ""
    now = timezone.now()
    if peer is not None and (peer.last_seen_at is None or now - peer.last_seen_at > _SEEN_EVERY):
        Hl7Peer.objects.filter(pk=peer.pk).update(last_seen_at=now)
    reused = bool(peer and control_id) and Hl7Message.objects.filter(peer=peer, control_id=control_id).exists()
    try:
        with transaction.atomic():
            row = Hl7Message.objects.create(
                peer=peer,
                address=address or None,
                received_at=now,
                control_id=control_id,
                kind=found.kind[:40] if found else "",
                raw=raw if len(raw) <= _LARGE else b"",
                digest=digest,
                is_reused_id=reused,
            )
            if len(raw) > _LARGE:
                _keep_large(row, raw)
            return row
    except IntegrityError:
        Hl7Message.objects.filter(peer=peer, digest=digest).update(times_sent=F("times_sent") + 1)
        return Hl7Message.objects.get(peer=peer, digest=digest)


def _keep_large(row: Hl7Message, raw: bytes) -> None:
    """Write a long message as the bytes that it is: in the text of a statement it would be several times as long."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute("UPDATE imaging_hl7message SET raw = %b WHERE id = %s", [raw, row.pk])
    row.raw = raw


def _applied(
    row: Hl7Message, found: Headline | None, peer: Hl7Peer | None, *, by_person: bool = False
) -> _Outcome | None:
    """Do what a message says, in one transaction with its row; None when another connection has done so meanwhile."""
    try:
        if found is None or peer is None:
            raise Refused(Code.NOT_IN_TABLE, "MSH^1^3", "This sending application is not known here.")
        _check(found, peer)
        codec = charsets.codec_of(peer.character_set) or "ascii"
        message = read(_bytes(row), found, fallback=codec, known="UTF-8" if row.edited is not None else "")
        with transaction.atomic():
            held = Hl7Message.objects.filter(pk=row.pk).select_for_update()
            if held.values_list("state", flat=True).get() in _SETTLED:
                row.refresh_from_db()
                return None
            if message.code == "ADT" and not by_person:
                administration.hold_a_storm(message, peer)
            outcome = _apply(message, peer, _actor(peer, row), row)
            _write(row, outcome)
    except Held as why:
        if peer is not None:
            notices.tell_held(peer)
        return _Outcome(Hl7Message.State.FAILED, ACCEPTED, why.text)
    except Refused as why:
        return _refusal(why, peer)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 -- one message never stops the others; it waits for a person
        # Only the kind of error: its text may quote the message.
        logger.error("HL7 message %d could not be applied: %s.", row.pk, type(error).__name__)  # noqa: TRY400
        kept = Refused(Code.INTERNAL, "MSH^1", "The message is kept, and waits for a person.")
        return _Outcome(Hl7Message.State.FAILED, WRONG, type(error).__name__, kept)
    return outcome


def _check(found: Headline, peer: Hl7Peer) -> None:
    """Refuse what needs no reading: a report with its PDF is 20 MB of text."""
    if found.part(11) not in {"", "P"} and not peer.is_test:
        raise Refused(Code.PROCESSING_ID, "MSH^1^11", "Only messages of production are taken.")
    if found.part(9, 1).upper() not in _CODES:
        raise Refused(Code.MESSAGE_TYPE, "MSH^1^9", "This type of message is not read here.")


def _apply(message: Message, peer: Hl7Peer, actor: Actor, row: Hl7Message) -> _Outcome:
    """Do what a message says, by its type and, but for ADT, its event; MSH-9.3 is not believed."""
    kind = (message.code, message.event)
    if kind in _REPORTS:
        done = reporting.apply(message, peer, actor, row)
        state = Hl7Message.State.AWAITING if done.awaits else Hl7Message.State.APPLIED
        return _Outcome(state, ACCEPTED, done.note)
    if message.code == "ADT":
        return _Outcome(Hl7Message.State.APPLIED, ACCEPTED, administration.apply(message, peer, actor))
    if kind in _ORDERS:
        return _Outcome(Hl7Message.State.APPLIED, ACCEPTED, ordering.apply(message, peer, actor))
    if message.code == "SIU" and message.event in booking.EVENTS:
        return _Outcome(Hl7Message.State.APPLIED, ACCEPTED, booking.apply(message, peer, actor))
    raise Refused(Code.EVENT, "MSH^1^9", "This event is not read here.")


def _refusal(why: Refused, peer: Hl7Peer | None) -> _Outcome:
    code = LATER if why.is_passing else (peer.refusal if peer else WRONG)
    state = Hl7Message.State.FAILED if why.is_passing else Hl7Message.State.REFUSED
    return _Outcome(state, str(code), why.text, why)


def _finished(row: Hl7Message, found: Headline | None, peer: Hl7Peer | None, outcome: _Outcome) -> list[bytes]:
    if outcome.state not in DONE:
        _write(row, outcome)
    return _said(found, peer, outcome.code, outcome.why, own_id=f"NEG{row.pk}")


def _write(row: Hl7Message, outcome: _Outcome) -> None:
    row.state, row.code, row.note = outcome.state, outcome.code, outcome.note[:400]
    row.error_code = outcome.why.code.number if outcome.why else ""
    row.error_location = outcome.why.location if outcome.why else ""
    row.attempts += 1
    row.ended_at = timezone.now()
    row.save(
        update_fields=["state", "code", "note", "error_code", "error_location", "attempts", "ended_at", "decided_by"]
    )


def _answer(row: Hl7Message, found: Headline | None, peer: Hl7Peer | None) -> list[bytes]:
    """What was answered the first time."""
    why = None
    if row.error_code:
        code = next((code for code in Code if code.number == row.error_code), Code.INTERNAL)
        why = Refused(code, row.error_location, row.note)
    return _said(found, peer, row.code or ACCEPTED, why, own_id=f"NEG{row.pk}")


def _said(found: Headline | None, peer: Hl7Peer | None, code: str, why: Refused | None, *, own_id: str) -> list[bytes]:
    at = timezone.now().astimezone(peer.site.zone if peer else None)
    texts = acknowledgements.answers(found, code, own_id=own_id, at=at, why=why)
    # The header's fields were read as Latin-1, byte by byte, and go back as the bytes that they were.
    return [text.encode("latin-1", "replace") for text in texts]


def _bytes(row: Hl7Message) -> bytes:
    return bytes(row.edited if row.edited is not None else row.raw)


def _actor(peer: Hl7Peer, row: Hl7Message) -> Actor:
    return Actor(kind="machine", id=f"hl7:{peer.pk}", name=peer.name, address=row.address or "", door=Door.HL7)


def _decided(row: Hl7Message, actor: Actor, what: str) -> None:
    audit.record(
        audit.Action.HL7_MESSAGE_DECIDED,
        actor=actor,
        subject_type="hl7message",
        subject_uid=str(row.pk),
        detail={"decision": what, "kind": row.kind},
    )
