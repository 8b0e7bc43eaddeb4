"""Orders of another system (HL7 v2.3.1 ORM^O01; v2.5.1 OMI^O23, chapter 4; IHE RAD-2, RAD-3): placed, changed, cancelled, followed.

What may become of an order is ``orders``' own; here its words are found in the message.
"""

from dataclasses import dataclass
from typing import Any, Final

from accounts.actor import Actor
from accounts.models import Department
from imaging.dicom import uids
from imaging.ehr import identity, registry
from imaging.ehr.hl7 import moments
from imaging.ehr.hl7.message import NULL, Message
from imaging.ehr.hl7.persons import person
from imaging.ehr.hl7.refusals import Code, Refused
from imaging.ehr.models import Hl7Peer
from imaging.ehr.registry import PID
from imaging.orders.models import ExamRequest, Priority, Procedure
from imaging.orders.requesting import from_others
from imaging.orders.requesting.from_others import Number, Order
from imaging.orders.transitions import By
from imaging.orders.workflow import State, Step, TransitionRefused
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient

#: ORC-1 (table 0119).
_PLACED: Final = frozenset({"NW", "XO", "XX", "RP", "RO"})
_CANCELLED: Final = frozenset({"CA", "DC", "OC", "OD", "CR"})
_STATUS: Final = "SC"
#: ORC-5 (table 0038): what the other system has seen.
_SEEN: Final = {"IP": (Step.START, State.IN_PROGRESS), "CM": (Step.COMPLETE, State.COMPLETED)}
#: TQ1-9, ORC-7.6, OBR-5 (table 0485).
_PRIORITIES: Final = {"S": Priority.STAT, "A": Priority.URGENT, "U": Priority.URGENT, "R": Priority.ROUTINE}
#: OBR-30 (table 0124).
_TRANSPORTS: Final = {
    "WALK": ExamRequest.Transport.WALKS,
    "WHLC": ExamRequest.Transport.CHAIR,
    "CART": ExamRequest.Transport.BED,
    "PORT": ExamRequest.Transport.PORTABLE,
}
_LONGEST_NUMBER: Final = 16  # PS3.5 section 6.2, VR SH
_LONGEST_TEXT: Final = 4000


@dataclass(frozen=True, slots=True)
class _Item:
    """One procedure of one order: ORC with its OBR, and one of its IPC segments (0: there is none)."""

    group: Message
    ipc: int

    def either(self, ipc_field: int, *others: tuple[str, int, int]) -> str:
        """The field of IPC, or the first of the others (segment, field, component) that says anything."""
        found = self.group.text("IPC", ipc_field, number=self.ipc) if self.ipc else ""
        return found or _first(self.group, *others)


def apply(message: Message, peer: Hl7Peer, actor: Actor) -> str:
    """Do what an order message says, in the transaction around it; what was done, in a sentence. Raises ``Refused``."""
    if not peer.may_order:
        raise Refused(Code.MESSAGE_TYPE, "MSH^1^9", "This system may not order exams here.")
    groups = message.groups("ORC")
    if not groups:
        raise Refused(Code.SEGMENT_ORDER, "ORC^1", "There is no ORC segment.")
    by = By(actor)
    said = []
    for group in groups:
        for number in range(1, max(1, group.count("IPC")) + 1):
            item = _Item(group, number if group.has("IPC") else 0)
            said.append(_done(message, item, peer, by))
    return " ".join(said)


def _done(message: Message, item: _Item, peer: Hl7Peer, by: By) -> str:
    control = item.group.text("ORC", 1).upper()
    try:
        if control in _PLACED:
            return _placed(message, item, peer, by)
        if control in _CANCELLED:
            return _withdrawn(item, peer, by)
        if control == _STATUS:
            return _followed(item, peer, by)
    except TransitionRefused:
        raise Refused(Code.LOCKED, "ORC^1^1", "The exam has gone too far for this.") from None
    except from_others.NoSuchOrder:
        raise Refused(Code.UNKNOWN_KEY, "ORC^1^2", "There is no order with this number.") from None
    raise Refused(Code.NOT_IN_TABLE, "ORC^1^1", "This order control code is not read here.")


def _placed(message: Message, item: _Item, peer: Hl7Peer, by: By) -> str:
    group = item.group
    if not group.has("OBR"):
        raise Refused(Code.SEGMENT_ORDER, "OBR^1", "There is no OBR segment.")
    particulars, remark = _particulars(item, peer)
    order = Order(
        number=_number(item, peer),
        site=peer.site,
        patient=_patient(message, peer, by.actor),
        procedure=_procedure(group),
        requesting_department=_department(message, group) or peer.requesting_department,
        performing_department=peer.performing_department,
        study_instance_uid=_uid(item.either(3, ("ZDS", 1, 1))),
        particulars=particulars,
    )
    try:
        _request, is_new = from_others.place(order, by=by)
    except from_others.NumberTaken:
        raise Refused(Code.DUPLICATE_KEY, "OBR^1^18", "The accession number is that of another order.") from None
    except from_others.NobodyPerforms:
        raise Refused(Code.NOT_IN_TABLE, "OBR^1^4", "Nobody is known who performs this exam.") from None
    return " ".join(filter(None, ("Order placed." if is_new else "Order changed.", remark)))


def _withdrawn(item: _Item, peer: Hl7Peer, by: By) -> str:
    reason = _first(item.group, ("ORC", 16, 2), ("ORC", 16, 1)) or "cancelled by the ordering system"
    done = from_others.withdraw(_number(item, peer), reason=reason, by=by)
    return "Order cancelled." if done else "Cancelled before: nothing new."


def _followed(item: _Item, peer: Hl7Peer, by: By) -> str:
    status = item.group.text("ORC", 5).upper()
    if status == "CA":
        return _withdrawn(item, peer, by)
    if status not in _SEEN:
        return "This status changes nothing here."
    step, reached = _SEEN[status]
    done = from_others.follow(_number(item, peer), step, reached=reached, by=by)
    return "Status taken over." if done else "Nothing new."


def _number(item: _Item, peer: Hl7Peer) -> Number:
    placer = _first(item.group, ("ORC", 2, 1), ("OBR", 2, 1))
    if not placer:
        raise Refused(Code.FIELD_MISSING, "ORC^1^2", "The placer order number is missing.")
    if len(placer) > 64:
        raise Refused(Code.DATA_TYPE, "ORC^1^2", "The placer order number is longer than 64 characters.")
    procedure_id = _short(item.either(2, ("OBR", 19, 1)), "OBR^1^19")
    return Number(
        source=f"hl7:{peer.pk}",
        placer=placer,
        requested_procedure_id=procedure_id,
        accession_number=_short(item.either(1, ("OBR", 18, 1)), "OBR^1^18"),
        is_only=item.group.count("IPC") <= 1,
    )


def _patient(message: Message, peer: Hl7Peer, actor: Actor) -> Patient:
    found = person(message)
    keys = registry.keys_of(found.identifiers, peer, PID)
    registry.lock(keys)
    known = registry.known_by(keys)
    if known is None:
        return registry.made_for(keys[0], found, actor)
    patient = survivor(known)
    if identity.is_out_of_use(patient):
        raise Refused(Code.LOCKED, PID, "This identity is out of use (DESA): nothing new is linked to it.")
    return patient


def _procedure(group: Message) -> Procedure:
    """By the catalogue's code or one of its codings, in the first or the alternative half of OBR-4."""
    codes = [code for code in (group.text("OBR", 4, 1), group.text("OBR", 4, 4)) if code and code != NULL]
    if not codes:
        raise Refused(Code.FIELD_MISSING, "OBR^1^4", "The exam is missing.")
    found = from_others.procedure_called(codes)
    if found is None:
        raise Refused(Code.NOT_IN_TABLE, "OBR^1^4", "The catalogue has no exam, or several, with this code.")
    return found


def _department(message: Message, group: Message) -> Department | None:
    """Who asks: the entering organisation, or the place where the patient is, by the department's code."""
    for code in (group.text("ORC", 17, 1), message.text("PV1", 3, 1)):
        known = Department.objects.filter(code__iexact=code, is_active=True).first() if code else None
        if known is not None:
            return known
    return None


def _particulars(item: _Item, peer: Hl7Peer) -> tuple[dict[str, Any], str]:
    group = item.group
    at, remark = _moment(group, peer)
    title, given, family = (_first(group, ("ORC", 12, part), ("OBR", 16, part)) for part in (6, 3, 2))
    reasons = [
        _first(group, *(("OBR", 31, part) for part in (2, 1))),
        group.text("OBR", 13),
    ]
    priority = _first(group, ("TQ1", 9, 1), ("ORC", 7, 6), ("OBR", 27, 6), ("OBR", 5, 1)).upper()
    transport = group.text("OBR", 30).upper()
    return {
        "filler_order_number": _first(group, ("ORC", 3, 1), ("OBR", 3, 1))[:64],
        "requester_name": " ".join(filter(None, (title, given, family)))[:324],
        "clinical_question": "\n".join(dict.fromkeys(filter(None, reasons)))[:_LONGEST_TEXT],
        "priority": _PRIORITIES.get(priority[:1]) if priority else None,
        "transport": _TRANSPORTS.get(transport),
        "wished_from": at,
    }, remark


def _moment(group: Message, peer: Hl7Peer) -> tuple[Any, str]:
    text = _first(group, ("TQ1", 7, 1), ("ORC", 7, 4), ("OBR", 27, 4), ("OBR", 36, 1))
    try:
        return moments.moment(text, peer.site.zone)
    except moments.NotAMoment:
        return None, "The time could not be read, and was not taken over."


def _short(text: str, location: str) -> str:
    if len(text) > _LONGEST_NUMBER:
        raise Refused(Code.DATA_TYPE, location, "A number is longer than 16 characters.")
    return text


def _uid(text: str) -> str:
    if text and not uids.is_valid_uid(text):
        raise Refused(Code.DATA_TYPE, "IPC^1^3", "The Study Instance UID is none.")
    return text


def _first(group: Message, *places: tuple[str, int, int]) -> str:
    found = (group.text(*place) for place in places)
    return next((text for text in found if text and text != NULL), "")
