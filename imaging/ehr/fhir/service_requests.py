"""ServiceRequest: exams that were asked for, of the reader's departments, and where they stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import audit
from imaging.dicom import person_name
from imaging.ehr.fhir import identifiers, ids, ordering, patients, places
from imaging.ehr.fhir.kinds import ID, LAST_UPDATED, Asking, Kind, Page, Wanted, titled
from imaging.ehr.fhir.outcomes import Refused
from imaging.ehr.fhir.parameters import Criteria, Parameter, Token, Type
from imaging.fhir.requests import CodeFacts, RequestFacts, service_request_of
from imaging.fhir.values import LOINC, Number, Resource
from imaging.orders.models import ExamRequest, Priority, StudyLink
from imaging.orders.workflow import State

_STATUSES: Final = "http://hl7.org/fhir/request-status"
_PRIORITIES: Final = "http://hl7.org/fhir/request-priority"
#: Value set request-status by where the request stands. A draft is shown to nobody.
STATUS: Final[Mapping[State, str]] = MappingProxyType(
    {
        **dict.fromkeys((State.REQUESTED, State.VETTED, State.SCHEDULED, State.ARRIVED, State.IN_PROGRESS), "active"),
        **dict.fromkeys((State.RETURNED, State.NO_SHOW), "on-hold"),
        **dict.fromkeys((State.REFUSED, State.CANCELLED, State.DISCONTINUED), "revoked"),
        **dict.fromkeys((State.COMPLETED, State.REPORTED, State.ACKNOWLEDGED), "completed"),
    }
)
PRIORITY: Final[Mapping[Priority, str]] = MappingProxyType(
    {Priority.STAT: "stat", Priority.URGENT: "urgent", Priority.ROUTINE: "routine"}
)


class ServiceRequests(Kind):
    """Exam requests."""

    name = "ServiceRequest"
    about = (
        "Exam requests of the reader's departments, from the moment they are sent. A machine with the right to write "
        "orders exams (create), tells an order anew or revokes it (update)."
    )
    is_written = True
    parameters = (
        ID,
        LAST_UPDATED,
        Parameter("patient", Type.REFERENCE, "For whom", target="Patient", element="subject"),
        Parameter("subject", Type.REFERENCE, "For whom", target="Patient", element="subject"),
        Parameter("patient.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("subject.identifier", Type.TOKEN, "A number of the patient"),
        Parameter("identifier", Type.TOKEN, "Accession number, placer's or filler's order number"),
        Parameter("status", Type.TOKEN, "active, on-hold, revoked or completed"),
        Parameter("priority", Type.TOKEN, "routine, urgent or stat"),
        Parameter("code", Type.TOKEN, "The exam: of the hospital's catalogue, or LOINC"),
        Parameter("authored", Type.DATE, "When it was sent"),
        Parameter("occurrence", Type.DATE, "For when it is booked"),
    )

    def read(self, asking: Asking, key: str) -> Resource | None:
        """One request; on record as opened."""
        request = _visible(asking).filter(key__in=ids.uuids([key])).first()
        if request is None:
            return None
        patient = request.patient
        audit.record(
            audit.Action.REQUEST_READ,
            actor=asking.actor,
            subject_type="request",
            subject_uid=str(request.key),
            patient_id=patient.patient_id if patient else request.typed_patient_id,
            issuer_of_patient_id=patient.issuer_of_patient_id if patient else request.typed_issuer,
        )
        return _shown([request])[0]

    def search(self, asking: Asking, wanted: Wanted) -> Page:
        """Latest begun first."""
        return places.latest_first(_found(asking, wanted.criteria), wanted, show=_shown)

    def count(self, asking: Asking, criteria: Criteria) -> int:
        """How many there are."""
        return _found(asking, criteria).count()

    def create(self, asking: Asking, body: Resource) -> tuple[str, bool]:
        """Place an order."""
        request, is_new = ordering.place(asking, body)
        return str(request.key), is_new

    def update(self, asking: Asking, key: str, body: Resource) -> None:
        """Tell an order anew, or revoke it."""
        request = _visible(asking).filter(key__in=ids.uuids([key])).first()
        if request is None:
            raise Refused(404)
        ordering.tell_anew(asking, request, body)

    def several(self, asking: Asking, keys: Collection[str]) -> list[Resource]:
        """These."""
        return _shown(list(_visible(asking).filter(key__in=ids.uuids(keys)).order_by("pk")))


def answered(asking: Asking, studies: Collection[int]) -> dict[int, list[ExamRequest]]:
    """The requests that these studies answer, by the key of the study, as far as the reader may see them."""
    seen = ExamRequest.objects.visible_to(asking.scope)
    links = StudyLink.objects.filter(study__in=studies, ended_at=None, request__in=seen).order_by("pk")
    found: dict[int, list[ExamRequest]] = {}
    for link in links.select_related("request__procedure"):
        found.setdefault(link.study_id, []).append(link.request)
    return found


def _visible(asking: Asking) -> QuerySet[ExamRequest]:
    rows: QuerySet[ExamRequest] = ExamRequest.objects.visible_to(asking.scope).exclude(state=State.DRAFT)
    return rows.select_related("patient", "procedure", "requester", "requesting_department", "performing_department")


def _found(asking: Asking, asked: Criteria) -> QuerySet[ExamRequest]:
    rows = _visible(asking)
    known = patients.meant(asked)
    if known is not None:
        rows = rows.filter(patient__in=known)
    for keys in asked.strings("_id"):
        rows = rows.filter(key__in=ids.uuids(keys))
    for tokens in asked.tokens("identifier"):
        rows = rows.filter(_numbered(tokens))
    for codes in asked.codes("status", system=_STATUSES):
        rows = rows.filter(state__in=[state for state, code in STATUS.items() if code in codes])
    for codes in asked.codes("priority", system=_PRIORITIES):
        rows = rows.filter(priority__in=[number for number, code in PRIORITY.items() if code in codes])
    for tokens in asked.tokens("code"):
        rows = rows.filter(_coded(tokens))
    for name, column in (("authored", "requested_at"), ("occurrence", "scheduled_for"), ("_lastUpdated", "changed_at")):
        span = asked.span(name)
        rows = rows.filter(**{f"{column}__gte": span.since}) if span.since else rows
        rows = rows.filter(**{f"{column}__lt": span.until}) if span.until else rows
    return rows


def _numbered(tokens: Sequence[Token]) -> Q:
    """One of its numbers. Who issued them is not known here by OID: only what is asked without a system is found."""
    values = [token.value for token in tokens if not token.system and token.value]
    return Q(accession_number__in=values) | Q(placer_order_number__in=values) | Q(filler_order_number__in=values)


def _coded(tokens: Sequence[Token]) -> Q:
    own = [token.value for token in tokens if token.system in {None, ordering.CATALOGUE}]
    loinc = [token.value for token in tokens if token.system in {None, LOINC} and token.value]
    return Q(procedure__code__in=own) | Q(procedure__loinc__in=loinc)


def _shown(requests: Sequence[ExamRequest]) -> list[Resource]:
    known = identifiers.oids()
    shown = []
    for request in requests:
        subject = f"Patient/{request.patient_id}" if request.patient_id else ""
        resource = service_request_of(_facts(request, known), subject=subject)
        shown.append(titled(resource, str(request.key), updated=request.changed_at.isoformat()))
    return shown


def _facts(request: ExamRequest, known: Mapping[str, str]) -> RequestFacts:
    issuer = request.issuer_of_accession_number
    performer = request.performing_department
    return RequestFacts(
        numbers=(
            Number(value=request.placer_order_number, type_code="PLAC"),
            Number(value=request.filler_order_number, type_code="FILL"),
            Number(value=request.accession_number, type_code="ACSN", issuer=issuer, oid=known.get(issuer, "")),
        ),
        status=STATUS[State(request.state)],
        priority=PRIORITY[Priority(request.priority)],
        code=_code(request),
        authored_at=timezone.localtime(request.requested_at) if request.requested_at else None,
        booked_for=timezone.localtime(request.scheduled_for) if request.scheduled_for else None,
        requester=_requester(request),
        performer=performer.label if performer else "",
        reason=request.clinical_question,
        side=request.laterality,
        subject_name=person_name.display(request.typed_name),
        note=request.ended_reason,
    )


def _code(request: ExamRequest) -> CodeFacts | None:
    found = request.procedure
    if found is None:
        return None
    return CodeFacts(
        system=ordering.CATALOGUE, code=found.code, name=found.label, loinc=found.loinc, radlex=found.radlex
    )


def _requester(request: ExamRequest) -> str:
    if request.requester is not None:
        return request.requester.label
    department = request.requesting_department
    return person_name.display(request.requester_name) or (department.label if department else "")
