"""Questions about exams as machines report them."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet

from imaging.ingest.models import ApplicationEntity
from imaging.orders.models import PerformedStep, Room, ScheduledStep, StudyLink
from imaging.orders.performing import mpps
from imaging.orders.performing.mpps import Named
from imaging.orders.performing.stations import Station, rooms_of
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Instance, Study

_S = ScheduledStep.Status
#: Steps that a machine can no more mean: somebody else's place now.
_GIVEN_UP = (_S.CANCELLED, _S.NO_SHOW)


def steps_named(named: Iterable[Named], *, station: Station, patient_id: str) -> list[ScheduledStep]:
    """The booked steps of a station's rooms that a report stands for; what names another patient stands for none."""
    found: dict[int, ScheduledStep] = {}
    for one in named:
        step = _step(one, station)
        if step is not None and _is_for(step, patient_id):
            found[step.pk] = step
    return list(found.values())


def _step(named: Named, station: Station) -> ScheduledStep | None:
    rows = ScheduledStep.objects.filter(room__in=rooms_of(station)).select_related("request__patient")
    if named.step_id and (step := rows.filter(step_id=named.step_id).first()) is not None:
        return step if _agrees(named, step) else None
    same = Q(request__study_instance_uid=named.study_instance_uid)
    if named.accession_number:
        same |= Q(request__accession_number=named.accession_number)
    if named.requested_procedure_id:
        same &= Q(request__requested_procedure_id__in=("", named.requested_procedure_id))
    likely = list(rows.filter(same).exclude(status__in=_GIVEN_UP).order_by("-pk")[:10])
    return likely[0] if likely and len({step.request_id for step in likely}) == 1 else None


def _agrees(named: Named, step: ScheduledStep) -> bool:
    """Whether the other numbers of a report do not belong to another request: numbers of steps may be typed."""
    known = step.request
    told = ((named.study_instance_uid, known.study_instance_uid), (named.accession_number, known.accession_number))
    both = [mine == theirs for mine, theirs in told if mine and theirs]
    return not both or any(both)


def _is_for(step: ScheduledStep, patient_id: str) -> bool:
    patient = step.request.patient
    known = {step.request.typed_patient_id}
    if patient is not None:
        known |= {patient.patient_id, survivor(patient).patient_id}
    return not patient_id or not known - {""} or patient_id in known


def has_images(study_instance_uid: str) -> bool:
    """Whether anything of a study has come."""
    return Study.objects.filter(study_instance_uid=study_instance_uid, instance_count__gt=0).exists()


def is_whole(study_instance_uid: str) -> bool:
    """Whether machines say that a study is finished, and all that they say to have made of it is here."""
    reports = list(PerformedStep.objects.filter(study_instance_uid=study_instance_uid).only("state", "attributes"))
    if not reports or any(report.state == PerformedStep.State.IN_PROGRESS for report in reports):
        return False
    made = frozenset[str]().union(*(mpps.instances(report.attributes) for report in reports))
    here = Instance.objects.filter(study__study_instance_uid=study_instance_uid, sop_instance_uid__in=made)
    return bool(made) and here.count() == len(made)


def performed_steps_to_mend(department_ids: Iterable[int]) -> QuerySet[PerformedStep]:
    """What a person has to look at, oldest first: exams made with somebody else's line of the worklist, and exams of no known step.

    The first are of these departments' rooms, the others of their machines. An exam of no known step whose study was linked
    to a request is settled by that.
    """
    departments = list(department_ids)
    stations = Room.objects.filter(department__in=departments, station__isnull=False).values("station")
    machines = ApplicationEntity.objects.filter(Q(departments__in=departments) | Q(pk__in=stations)).values("ae_title")
    linked = StudyLink.objects.filter(study__study_instance_uid=OuterRef("study_instance_uid"), ended_at=None)
    wrong = Q(discontinuation_code=mpps.WRONG_ENTRY) & (
        Q(step__room__department__in=departments) | Q(step=None, sender__in=machines)
    )
    unknown = Q(step=None, sender__in=machines) & ~Exists(linked)
    rows = PerformedStep.objects.filter(wrong | unknown, mended_at=None)
    return rows.select_related("step__request__patient", "step__room").order_by("received_at", "pk")
