"""What is asked when a study is matched: which requests share a number with it, and by what it names them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, prefetch_related_objects

from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.ingest.desk import policies as desk
from imaging.orders.matching.policies import Candidate, Named, Person, same_person
from imaging.orders.models import ExamRequest, PerformedStep, ScheduledStep, StudyLink
from imaging.orders.workflow import State
from imaging.studies.correction.merging import survivor
from imaging.studies.models import InstanceVersion, Patient, Study
from imaging.studies.reading import metadata

#: More requests than this with one number are not told apart by us.
_MOST: Final = 50
#: Requests that have not been sent, or that nobody will perform any more: images may be linked to them by a person only.
UNANSWERABLE: Final = frozenset({State.DRAFT, State.REFUSED, State.CANCELLED})

_REQUEST_ATTRIBUTES: Final = "00400275"
_STEP_ID: Final = "00400009"
_REQUESTED_PROCEDURE_ID: Final = "00401001"
_ACCESSION_ISSUER: Final = "00080051"
_LOCAL_ISSUER: Final = "00400031"
_UNIVERSAL_ISSUER: Final = "00400032"


def links_of_study(study: Study) -> QuerySet[StudyLink]:
    """The requests that a study answers now, in the order in which they were linked."""
    rows = StudyLink.objects.filter(study=study, ended_at=None).order_by("pk")
    return rows.select_related(
        *("request__patient", "request__procedure", "request__requesting_department__site"),
        *("request__performing_department__site", "request__requester"),
    )


def links_held(study: Study) -> list[StudyLink]:
    """As ``links_of_study``, for what decides and shows nobody anything: each with its request and that one's patient."""
    held = list(StudyLink.objects.filter(study=study, ended_at=None).order_by("pk"))
    prefetch_related_objects(held, "request__patient")
    return held


def seen_of_study(study: Study, scope: Scope) -> list[StudyLink]:
    """Those of the requests that a study answers which the reader may see, in the order in which they were linked."""
    links = list(links_of_study(study))
    if not links:
        return []
    seen = set(ExamRequest.objects.visible_to(scope).filter(links__in=links).values_list("pk", flat=True))
    return [link for link in links if link.request_id in seen]


def links_of_request(request: ExamRequest) -> QuerySet[StudyLink]:
    """The studies that answer a request now."""
    rows = StudyLink.objects.filter(request=request, ended_at=None, study__instance_count__gt=0).order_by("pk")
    return rows.select_related("study__patient")


def seen_of_request(request: ExamRequest, scope: Scope) -> list[StudyLink]:
    """Those of the studies that answer a request which the reader may view."""
    seen = Study.objects.visible_to(scope, Right.VIEW)
    return list(links_of_request(request).filter(study__in=seen))


def request_of_study(study_instance_uid: str) -> ExamRequest | None:
    """The request that decides how a study is read: of several that it answers the most urgent, then the first."""
    rows = StudyLink.objects.filter(study__study_instance_uid=study_instance_uid, ended_at=None)
    held = rows.select_related("request__procedure", "request__requester").order_by("request__priority", "pk").first()
    return held.request if held is not None else None


def requester_name(request: ExamRequest) -> str:
    """Who asks, as a person of the portal or as another system named them."""
    requester = request.requester
    if requester is None:
        return person_name.display(request.requester_name)
    return requester.get_full_name() or requester.get_username()


def is_complete(study_instance_uid: str) -> bool:
    """Whether the images of a study are complete, as far as is known."""
    return Study.objects.filter(study_instance_uid=study_instance_uid, settled_at__isnull=False).exists()


def study_uids_of_request(key: str) -> list[str]:
    """The studies that answer a request, or that ever did: those whose readers hear of its changes."""
    rows = StudyLink.objects.filter(request__key=key).order_by("pk")
    return list(dict.fromkeys(rows.values_list("study__study_instance_uid", flat=True)))


def person_asked(request: ExamRequest) -> Person:
    """For whom a request is; a patient whose record was merged is who remains."""
    patient = request.patient
    if patient is not None:
        return person_shown(survivor(patient))
    return Person(
        patient_id=request.typed_patient_id,
        issuer_of_patient_id=request.typed_issuer,
        patient_name=request.typed_name,
        birth_date=request.typed_birth_date,
        is_typed=True,
    )


def person_shown(patient: Patient) -> Person:
    """Who a patient of the index is."""
    return Person(
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        patient_name=patient.patient_name,
        birth_date=patient.birth_date,
    )


def identity_asked(request: ExamRequest) -> dict[str, Any]:
    """Who a request is for, as attributes that are put over headers (DICOM JSON)."""
    person = person_asked(request)
    sex = survivor(request.patient).sex if request.patient else request.typed_sex
    return desk.Person(
        patient_id=person.patient_id,
        issuer_of_patient_id=person.issuer_of_patient_id,
        patient_name=person.patient_name,
        birth_date=person.birth_date.isoformat() if person.birth_date else "",
        sex=sex,
    ).attributes()


def is_for(request: ExamRequest, study: Study) -> bool:
    """Whether a request is for the patient of a study."""
    if request.patient_id is not None and request.patient_id == study.patient_id:
        return True
    return same_person(person_asked(request), person_shown(study.patient))


def by_number(study: Study) -> list[ExamRequest]:
    """The requests with the study's UID or its accession number: two indexes tell that there is none, as for most studies."""
    named = Q(study_instance_uid=study.study_instance_uid)
    if study.accession_number:
        named |= Q(accession_number=study.accession_number[:16])
    rows = ExamRequest.objects.filter(named).exclude(state=State.DRAFT)
    found = list(rows.order_by("pk").values_list("pk", flat=True)[:_MOST])
    return list(ExamRequest.objects.filter(pk__in=found).select_related("patient").order_by("pk")) if found else []


def by_step(study: Study, named: Named) -> list[ExamRequest]:
    """The requests whose scheduled step the images name, or whose exam a machine reported under the study's UID."""
    if not named.step_ids and not named.performed:
        return []
    steps = ScheduledStep.objects.filter(request=OuterRef("pk"), step_id__in=named.step_ids)
    rows = ExamRequest.objects.filter(Exists(steps) | Q(pk__in=named.performed)).exclude(state=State.DRAFT)
    return list(rows.select_related("patient").order_by("pk")[:_MOST])


def named_by(study: Study) -> Named:
    """Everything by which a study could be asked for: what its headers name, corrections applied, and what machines reported."""
    record = _record(study)
    requested = _items(record, _REQUEST_ATTRIBUTES)
    issuer = next(iter(_items(record, _ACCESSION_ISSUER)), {})
    reported = PerformedStep.objects.filter(study_instance_uid=study.study_instance_uid, step__isnull=False)
    return Named(
        study_instance_uid=study.study_instance_uid,
        accession_number=study.accession_number,
        issuer_of_accession_number=_text(issuer, _LOCAL_ISSUER) or _text(issuer, _UNIVERSAL_ISSUER),
        step_ids=_texts(requested, _STEP_ID),
        requested_procedure_ids=_texts(requested, _REQUESTED_PROCEDURE_ID),
        performed=frozenset(reported.values_list("step__request_id", flat=True)[:_MOST]),
    )


def plainly_named_by(study: Study) -> Named:
    """As ``named_by``, from the study's row alone: no header is read."""
    return Named(study_instance_uid=study.study_instance_uid, accession_number=study.accession_number)


def candidates(study: Study, requests: Iterable[ExamRequest], named: Named) -> list[Candidate]:
    """Requests as candidates for a study, without those from which a person has taken it away."""
    found = list(requests)
    refused = set(
        StudyLink.objects.filter(study=study, request__in=found, is_refused=True).values_list("request_id", flat=True)
        if found
        else ()
    )
    return [_candidate(study, request, named) for request in found if request.pk not in refused]


def _candidate(study: Study, request: ExamRequest, named: Named) -> Candidate:
    steps = request.steps.filter(step_id__in=named.step_ids) if named.step_ids else ScheduledStep.objects.none()
    return Candidate(
        request=request.pk,
        is_same_patient=is_for(request, study),
        is_ended=State(request.state) in UNANSWERABLE,
        study_instance_uid=request.study_instance_uid,
        accession_number=request.accession_number,
        issuer_of_accession_number=request.issuer_of_accession_number,
        requested_procedure_id=request.requested_procedure_id,
        step_ids=frozenset(steps.values_list("step_id", flat=True)),
    )


def studies_named_by(request: ExamRequest) -> list[Study]:
    """Studies that have the numbers of a request and answer none yet: what was there before it was asked for."""
    named = Q(pk__in=[])
    if request.study_instance_uid:
        named |= Q(study_instance_uid=request.study_instance_uid)
    if request.accession_number:
        named |= Q(accession_number=request.accession_number)
    linked = StudyLink.objects.filter(study=OuterRef("pk"), ended_at=None)
    rows = Study.objects.filter(named, ~Exists(linked), instance_count__gt=0)
    return list(rows.order_by("pk")[:_MOST])


def is_being_performed(request: ExamRequest) -> bool:
    """Whether a machine reports that the exam of a request goes on."""
    rows = PerformedStep.objects.filter(step__request=request, state=PerformedStep.State.IN_PROGRESS)
    return rows.exists()


def _record(study: Study) -> Mapping[str, Any]:
    rows = InstanceVersion.objects.current().filter(instance__study=study, instance__is_rejected=False)
    version = rows.select_related("instance__series__study", "stored_object").order_by("pk").first()
    return metadata.instance_record(version) if version is not None else {}


def _items(record: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    element = record.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [item for item in values or [] if isinstance(item, dict)][:_MOST]


def _text(item: Mapping[str, Any], tag: str) -> str:
    element = item.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0])[:64] if values else ""


def _texts(items: Iterable[Mapping[str, Any]], tag: str) -> frozenset[str]:
    return frozenset(text for item in items if (text := _text(item, tag)))
