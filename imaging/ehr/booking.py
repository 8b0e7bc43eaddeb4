"""Appointments of another system (SIU, HL7 v2.5.1 chapter 10): the order that it placed gets its place in a room, another one, or none.

The room is one of ours, by its code; how long the exam takes is the catalogue's to say.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.actor import Actor
from imaging.ehr import registry
from imaging.ehr.hl7 import moments
from imaging.ehr.hl7.message import NULL, Message
from imaging.ehr.hl7.persons import person
from imaging.ehr.hl7.refusals import Code, Refused
from imaging.ehr.models import Hl7Peer
from imaging.ehr.registry import PID
from imaging.orders.models import ExamRequest, Room
from imaging.orders.performing import by_hand
from imaging.orders.requesting import from_others
from imaging.orders.scheduling import services as scheduling
from imaging.orders.transitions import By
from imaging.orders.workflow import State, Step, TransitionRefused
from imaging.studies.correction.merging import survivor

_BOOKED: Final = frozenset({"S12", "S13", "S14"})
_GIVEN_BACK: Final = frozenset({"S15", "S16", "S17"})
_MISSED: Final = "S26"
EVENTS: Final = frozenset({*_BOOKED, *_GIVEN_BACK, _MISSED})


def apply(message: Message, peer: Hl7Peer, actor: Actor) -> str:
    """Do what an appointment says, in the transaction around it; what was done, in a sentence. Raises ``Refused``."""
    if not peer.may_order:
        raise Refused(Code.MESSAGE_TYPE, "MSH^1^9", "This system may not book exams here.")
    if not message.has("SCH"):
        raise Refused(Code.SEGMENT_ORDER, "SCH^1", "There is no SCH segment.")
    requests, by = _requests(message, peer), By(actor)
    try:
        if message.event in _BOOKED:
            return _booked(requests, message, peer, by)
        if message.event == _MISSED:
            return _missed(requests, by)
        return _given_back(requests, by)
    except TransitionRefused:
        raise Refused(Code.LOCKED, "SCH^1^26", "The exam has gone too far for this, or not far enough.") from None


def _requests(message: Message, peer: Hl7Peer) -> list[ExamRequest]:
    """The requests of the order, which are the patient's of the message."""
    placer = _value(message, "SCH", 26) or _value(message, "ORC", 2) or _value(message, "SCH", 1)
    if not placer:
        raise Refused(Code.FIELD_MISSING, "SCH^1^26", "The placer order number is missing.")
    found = from_others.placed_under(f"hl7:{peer.pk}", placer)
    if not found:
        raise Refused(Code.UNKNOWN_KEY, "SCH^1^26", "There is no order with this number.")
    if message.has("PID"):
        keys = registry.keys_of(person(message).identifiers, peer, PID)
        registry.lock(keys)
        known = registry.known_by(keys)
        ours = {survivor(request.patient).pk for request in found if request.patient}
        if known is None or ours != {survivor(known).pk}:
            raise Refused(Code.UNKNOWN_KEY, PID, "The order is for another patient.")
    return found


def _booked(requests: list[ExamRequest], message: Message, peer: Hl7Peer, by: By) -> str:
    at, remark = _moment(message, peer)
    room = _room(message)
    done = 0
    for request in requests:
        if request.state == State.SCHEDULED and request.scheduled_for == at and _is_in(request, room):
            continue
        try:
            step = scheduling.book(request.key, room, at, by=by, seen_version=None)
        except scheduling.Taken:
            raise Refused(Code.LOCKED, "SCH^1^11", "The room is taken then.") from None
        except scheduling.Closed:
            raise Refused(Code.LOCKED, "SCH^1^11", "The room is closed then.") from None
        except scheduling.NotSuited:
            raise Refused(Code.NOT_IN_TABLE, "AIL^1^3", "The exam cannot be done in this room.") from None
        # One after the other: procedures of one order, in one room.
        at, done = step.ends_at, done + 1
    return " ".join(filter(None, ("Booked." if done else "Nothing new.", remark)))


def _given_back(requests: list[ExamRequest], by: By) -> str:
    booked = [request for request in requests if request.state == State.SCHEDULED]
    for request in booked:
        scheduling.unbook(request.key, by=by, seen_version=None)
    return "The place was given back." if booked else "Nothing new."


def _missed(requests: list[ExamRequest], by: By) -> str:
    waiting = [request for request in requests if request.state != State.NO_SHOW]
    for request in waiting:
        by_hand.take(request.key, Step.MISS, by=by, reason="", seen_version=None)
    return "The patient did not come." if waiting else "Nothing new."


def _moment(message: Message, peer: Hl7Peer) -> tuple[datetime, str]:
    """TQ1-7, SCH-11.4, else the service's or the room's own beginning."""
    places = (("TQ1", 7, 1), ("SCH", 11, 4), ("AIS", 4, 1), ("AIL", 6, 1))
    text = next((found for place in places if (found := message.text(*place)) and found != NULL), "")
    try:
        at, remark = moments.moment(text, peer.site.zone)
    except moments.NotAMoment:
        raise Refused(Code.DATA_TYPE, "SCH^1^11", "The time cannot be read.") from None
    if at is None:
        raise Refused(Code.FIELD_MISSING, "SCH^1^11", "The time is missing.")
    return at, remark


def _room(message: Message) -> Room:
    """AIL-3 (room, point of care) or AIG-3, by the code of a room."""
    places = (("AIL", 3, 2), ("AIL", 3, 1), ("AIG", 3, 1))
    codes = [code for place in places if (code := message.text(*place)) and code != NULL]
    if not codes:
        raise Refused(Code.FIELD_MISSING, "AIL^1^3", "The room is missing.")
    for code in codes:
        if (room := Room.objects.filter(code__iexact=code, is_active=True).first()) is not None:
            return room
    raise Refused(Code.NOT_IN_TABLE, "AIL^1^3", "There is no room with this code.")


def _is_in(request: ExamRequest, room: Room) -> bool:
    live = request.steps.filter(status__in=request.steps.model.LIVE)
    return live.filter(room=room).exists()


def _value(message: Message, segment: str, field: int) -> str:
    found = message.text(segment, field)
    return "" if found == NULL else found
