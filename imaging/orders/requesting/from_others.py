"""Requests that another system keeps: placed, changed, cancelled and followed by the number that it gave them.

They live by the same table of steps as those of the page. What the other system does not tell stays as it is here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts.models import Department, Site
from imaging.dicom import uids
from imaging.orders import transitions
from imaging.orders.models import ExamRequest, Procedure
from imaging.orders.requesting import numbering, patients, services
from imaging.orders.transitions import By
from imaging.orders.workflow import CHANGEABLE, State, Step, TransitionRefused
from imaging.studies.models import Patient

#: Until the exam begins its particulars may be told anew; the exam itself only until somebody has vetted it.
_TOLD_ANEW: Final = frozenset({*CHANGEABLE, State.VETTED, State.SCHEDULED, State.NO_SHOW})
_PARTICULARS: Final = (
    "priority",
    "wished_from",
    "transport",
    "clinical_question",
    "requester_name",
    "filler_order_number",
)


class NumberTaken(ValueError):
    """The accession number is that of another request."""


class NobodyPerforms(ValueError):
    """Neither the order nor the catalogue says which department performs the exam."""


class NoSuchOrder(LookupError):
    """The other system has placed no order with this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """What another system calls an order. One order may be several procedures, which their own numbers tell apart.

    ``is_only`` where the message tells of one procedure of the order alone.
    """

    source: str
    placer: str
    requested_procedure_id: str = ""
    accession_number: str = ""
    is_only: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What another system asks for. Empty text and None say nothing."""

    number: Number
    site: Site
    patient: Patient
    procedure: Procedure
    requesting_department: Department | None
    performing_department: Department | None
    study_instance_uid: str = ""
    particulars: Mapping[str, Any]


@transaction.atomic
def place(order: Order, *, by: By) -> tuple[ExamRequest, bool]:
    """Place an order, or tell one anew that is known; the request, and whether it is new.

    Raises ``NumberTaken``, ``NobodyPerforms`` and ``TransitionRefused``: then nothing was written.
    """
    known = _called(order.number).first()
    if known is not None:
        return _told_anew(known, order, by=by), False
    performer = order.performing_department or services.performer_of(order.procedure)
    if performer is None:
        raise NobodyPerforms
    numbers = _numbers(order)
    request = ExamRequest(
        source=order.number.source,
        placer_order_number=order.number.placer,
        patient=order.patient,
        procedure=order.procedure,
        requesting_department=order.requesting_department,
        performing_department=performer,
    )
    for name, value in _said(order).items():
        setattr(request, name, value)
    request.patient_norm = patients.norm(request)
    request.save()
    transitions.record(request, "begin", before=State.DRAFT, by=by, detail={"placer": order.number.placer})
    return transitions.take(request.key, Step.SEND, by=by, changes=numbers), True


@transaction.atomic
def withdraw(number: Number, *, reason: str, by: By) -> int:
    """Cancel what was ordered under a number; how many were not cancelled before. Raises ``NoSuchOrder``, ``TransitionRefused``."""
    open_ones = [row for row in _all_called(number) if row.state != State.CANCELLED]
    for row in open_ones:
        transitions.take(row.key, Step.CANCEL, by=by, reason=reason)
    return len(open_ones)


@transaction.atomic
def follow(number: Number, step: Step, *, reached: State, by: By) -> int:
    """Take a step that the other system has seen; how many stood elsewhere. Raises ``NoSuchOrder``, ``TransitionRefused``."""
    behind = [row for row in _all_called(number) if row.state != reached]
    for row in behind:
        transitions.take(row.key, step, by=by)
    return len(behind)


def procedure_called(codes: Iterable[str]) -> Procedure | None:
    """The exam of the catalogue with the first of these codes that names one: its own, or the one exam coded so in a common system."""
    offered = Procedure.objects.filter(is_active=True)
    for code in codes:
        known = offered.filter(code__iexact=code).first()
        if known is not None:
            return known
        coded = offered.filter(Q(loinc__iexact=code) | Q(radlex__iexact=code) | Q(ccam__iexact=code))[:2]
        if len(coded) == 1:
            return coded[0]
    return None


def placed_under(source: str, placer: str) -> list[ExamRequest]:
    """Every request of an order, in the order in which they were placed."""
    return list(_called(Number(source=source, placer=placer)).select_related("patient"))


def _called(number: Number) -> QuerySet[ExamRequest]:
    """The requests of an order: of the procedure that is meant, or all. One that was placed without numbers got ours."""
    rows = ExamRequest.objects.filter(source=number.source, placer_order_number=number.placer).order_by("pk")
    if number.requested_procedure_id:
        meant = rows.filter(requested_procedure_id=number.requested_procedure_id)
    elif number.accession_number:
        meant = rows.filter(accession_number=number.accession_number)
    else:
        return rows
    if number.is_only and not meant.exists():
        return rows.filter(requested_procedure_id=F("accession_number"))
    return meant


def _all_called(number: Number) -> list[ExamRequest]:
    rows = list(_called(number))
    if not rows:
        raise NoSuchOrder(number.placer)
    return rows


def _said(order: Order) -> dict[str, Any]:
    given = {name: order.particulars.get(name) for name in _PARTICULARS}
    return {name: value for name, value in given.items() if value not in {None, ""}}


def _told_anew(known: ExamRequest, order: Order, *, by: By) -> ExamRequest:
    request = transitions.locked(known.key)
    changes = _said(order)
    if order.requesting_department is not None:
        changes["requesting_department"] = order.requesting_department
    if request.procedure != order.procedure:
        if request.state not in CHANGEABLE:
            raise TransitionRefused(Step.SEND, State(request.state))
        changes["procedure"] = order.procedure
    changed = services.put(request, changes)
    if not changed:
        return request
    if request.state not in _TOLD_ANEW:
        raise TransitionRefused(Step.SEND, State(request.state))
    request.version += 1
    request.save()
    transitions.record(request, "change", before=State(request.state), by=by, detail={"changed": sorted(changed)})
    return request


def _numbers(order: Order) -> dict[str, str]:
    """The numbers that the order brings, and ours for what it leaves out. Raises ``NumberTaken``."""
    issuer = order.site.issuer_of_patient_id
    if not order.number.accession_number:
        ours = numbering.numbers(order.site).columns()
        own_id = order.number.requested_procedure_id or ours["requested_procedure_id"]
        uid = order.study_instance_uid or ours["study_instance_uid"]
        return {**ours, "requested_procedure_id": own_id, "study_instance_uid": uid}
    numbers = {
        "accession_number": order.number.accession_number,
        "issuer_of_accession_number": issuer,
        "requested_procedure_id": order.number.requested_procedure_id or order.number.accession_number,
    }
    if ExamRequest.objects.filter(**numbers).exists():
        raise NumberTaken(order.number.accession_number)
    return {**numbers, "study_instance_uid": order.study_instance_uid or uids.new_uid()}
