"""Orders that come as ServiceRequest: placed, told anew, revoked, by the same steps as those of HL7 v2 (FH-4).

What may become of an order is ``orders``' own; here its words are found in the resource. A system may change what came this
way; what was asked for on a page, or by HL7, is kept by those who asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Department
from accounts.roles import Right
from imaging.ehr import identity
from imaging.ehr.fhir import identifiers, ids
from imaging.ehr.fhir.kinds import Asking
from imaging.ehr.fhir.outcomes import Refused
from imaging.ehr.fhir.parameters import Token
from imaging.fhir.values import Resource
from imaging.orders.models import ExamRequest, Priority, Procedure
from imaging.orders.requesting import from_others
from imaging.orders.requesting.from_others import Number, Order
from imaging.orders.transitions import By
from imaging.orders.workflow import TransitionRefused
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient

#: The hospital's own catalogue of exams, and its departments, as systems of codes.
CATALOGUE: Final = "urn:negatoscope:procedure"
DEPARTMENTS: Final = "urn:negatoscope:department"
_PRIORITIES: Final = {
    "stat": Priority.STAT,
    "asap": Priority.URGENT,
    "urgent": Priority.URGENT,
    "routine": Priority.ROUTINE,
}
_INTENTS: Final = frozenset({"order", "original-order", "instance-order", "filler-order"})
_ENDED: Final = frozenset({"revoked", "entered-in-error"})
_SOURCE: Final = "fhir:"
_LONGEST_NUMBER: Final = 16  # PS3.5 section 6.2, VR SH
_LONGEST_PLACER: Final = 64
_LONGEST_TEXT: Final = 4000


def place(asking: Asking, body: Resource) -> tuple[ExamRequest, bool]:
    """Place an order; the request, and whether it is new. The same number again tells it anew. Raises ``Refused``."""
    _may_write(asking)
    if body.get("status") != "active":
        raise _unprocessable(_("An order begins as active."), "ServiceRequest.status")
    return _placed(asking, body, source=f"{_SOURCE}{asking.actor.id}", known=None)


def tell_anew(asking: Asking, request: ExamRequest, body: Resource) -> None:
    """Change or revoke an order that came this way. Raises ``Refused``."""
    _may_write(asking)
    writes_in = asking.scope.departments_with(Right.WRITE)
    if not request.source.startswith(_SOURCE) or request.requesting_department_id not in writes_in:
        raise Refused(403, _("This request is kept by who asked for it, not by your system."))
    status = body.get("status")
    if status in _ENDED:
        reason = " ".join(_texts(body.get("note"))) or _("cancelled by the ordering system")
        number = Number(
            source=request.source,
            placer=request.placer_order_number,
            requested_procedure_id=request.requested_procedure_id,
        )
        try:
            from_others.withdraw(number, reason=reason[:400], by=By(asking.actor))
        except TransitionRefused as error:
            raise _too_far() from error
        return
    if status != "active":
        raise _unprocessable(_("An order is active, revoked, or entered in error; the rest is seen here."), "status")
    _placed(asking, body, source=request.source, known=request)


def _placed(asking: Asking, body: Resource, *, source: str, known: ExamRequest | None) -> tuple[ExamRequest, bool]:
    if body.get("intent") not in _INTENTS:
        raise _unprocessable(_("This is no order."), "ServiceRequest.intent")
    requesting = _requesting(asking, body)
    order = Order(
        number=_number(body, source, known),
        site=requesting.site,
        patient=_in_use(_patient(asking, body)),
        procedure=_procedure(body),
        requesting_department=requesting,
        performing_department=_department(_first(body.get("performer")), "ServiceRequest.performer"),
        particulars=_particulars(body),
    )
    try:
        with transaction.atomic():
            _alone(order.number)
            return from_others.place(order, by=By(asking.actor))
    except from_others.NumberTaken as error:
        raise Refused(409, _("The accession number is that of another order."), code="duplicate") from error
    except from_others.NobodyPerforms as error:
        text = _("Nobody is known who performs this exam: name the department as performer.")
        raise _unprocessable(text, "ServiceRequest.performer") from error
    except TransitionRefused as error:
        raise _too_far() from error


def _alone(number: Number) -> None:
    """Let the same order that is sent twice at once wait for itself: the second finds the first. Until the transaction ends."""
    with connection.cursor() as cursor:
        name = f"fhir order {number.source} {number.placer}"
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def _may_write(asking: Asking) -> None:
    if asking.actor.kind != "machine" or not asking.scope.departments_with(Right.WRITE):
        raise Refused(403, _("Orders are placed here by machines whose key has the right to write."))


def _too_far() -> Refused:
    return Refused(409, _("The exam has gone too far for this. Nothing was changed."), code="business-rule")


def _unprocessable(text: str, element: str) -> Refused:
    return Refused(422, text, code="business-rule", expression=element)


def _number(body: Resource, source: str, known: ExamRequest | None) -> Number:
    numbers = {_type_of(one): str(one.get("value", "")) for one in body.get("identifier") or () if one.get("value")}
    placer = numbers.get("PLAC") or numbers.get("") or (known.placer_order_number if known else "")
    accession = numbers.get("ACSN", "")
    if not placer:
        raise _unprocessable(_("The placer's order number is missing (type PLAC)."), "ServiceRequest.identifier")
    if len(placer) > _LONGEST_PLACER or len(accession) > _LONGEST_NUMBER:
        raise _unprocessable(_("A number is longer than DICOM takes."), "ServiceRequest.identifier")
    if known is None:
        return Number(source=source, placer=placer, accession_number=accession)
    if placer != known.placer_order_number or accession not in {"", known.accession_number}:
        raise _unprocessable(_("The numbers of an order do not change."), "ServiceRequest.identifier")
    return Number(source=source, placer=placer, requested_procedure_id=known.requested_procedure_id)


def _type_of(found: Resource) -> str:
    codings = (found.get("type") or {}).get("coding") or [{}]
    return str(codings[0].get("code", ""))


def _patient(asking: Asking, body: Resource) -> Patient:
    """By reference, one that is seen; by number, one of an issuer that is told (ID-1)."""
    subject = body.get("subject") or {}
    kind, _slash, key = str(subject.get("reference", "")).rpartition("/")
    if key and kind.rpartition("/")[2] in {"Patient", ""}:
        found = Patient.objects.visible_to(asking.scope).filter(pk__in=ids.numbers([key])).first()
        if found is not None:
            return survivor(found)
    number = subject.get("identifier") or {}
    if number.get("value") and number.get("system"):
        keys = identifiers.bearers([Token(str(number["value"]), str(number["system"]))])
        people = {survivor(patient) for patient in Patient.objects.filter(pk__in=keys)}
        if len(people) == 1:
            return people.pop()
    text = _(
        "Nobody, or not one person alone, is known by this. Refer to a Patient of yours, or to a number and its system."
    )
    raise _unprocessable(text, "ServiceRequest.subject")


def _in_use(patient: Patient) -> Patient:
    if identity.is_out_of_use(patient):
        text = _("The register has taken this identity out of use: nothing new is linked to it.")
        raise _unprocessable(text, "ServiceRequest.subject")
    return patient


def _procedure(body: Resource) -> Procedure:
    codings = (body.get("code") or {}).get("coding") or []
    found = from_others.procedure_called(str(one["code"]) for one in codings if one.get("code"))
    if found is None:
        text = _("The catalogue has no exam, or several, with this code.")
        raise _unprocessable(text, "ServiceRequest.code")
    return found


def _requesting(asking: Asking, body: Resource) -> Department:
    """The department that asks: as it is named, otherwise the only one for which this system writes."""
    writes_in = asking.scope.departments_with(Right.WRITE)
    named = _department(body.get("requester"), "ServiceRequest.requester")
    if named is not None and named.pk in writes_in:
        return named
    if named is None and len(writes_in) == 1:
        return Department.objects.select_related("site").get(pk=min(writes_in))
    text = _("Say which of your departments asks: requester.identifier with system %(system)s and its code.")
    raise _unprocessable(text % {"system": DEPARTMENTS}, "ServiceRequest.requester")


def _department(found: Any, element: str) -> Department | None:
    """The department that a reference names by its code; None where it names something else. Raises ``Refused``."""
    number = (found or {}).get("identifier") or {}
    if number.get("system") != DEPARTMENTS:
        return None
    rows = Department.objects.active().select_related("site").filter(code__iexact=str(number.get("value", "")))
    known = rows.first()
    if known is None:
        raise _unprocessable(_("There is no department with this code."), element)
    return known


def _particulars(body: Resource) -> dict[str, Any]:
    reasons = [*_texts(body.get("reasonCode")), *_texts(body.get("note"))]
    requester = body.get("requester") or {}
    return {
        "requester_name": str(requester.get("display", ""))[:324],
        "clinical_question": "\n".join(dict.fromkeys(reasons))[:_LONGEST_TEXT],
        "priority": _PRIORITIES.get(str(body.get("priority", ""))),
        "wished_from": _moment(body),
    }


def _texts(values: Any) -> Iterable[str]:
    """The words of concepts and notes."""
    for one in values or ():
        codings = one.get("coding") or [{}]
        words = one.get("text") or codings[0].get("display")
        if words:
            yield str(words)


def _moment(body: Resource) -> dt.datetime | None:
    text = str(body.get("occurrenceDateTime") or (body.get("occurrencePeriod") or {}).get("start") or "")
    try:
        found = dt.datetime.fromisoformat(text) if len(text) > len("2026-01") else None
    except ValueError:
        return None
    return timezone.make_aware(found) if found is not None and found.tzinfo is None else found


def _first(values: Any) -> Any:
    return values[0] if values else None
