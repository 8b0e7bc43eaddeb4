"""What waits at the reconciliation desk: studies without a request, requests without images, and what goes well together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.orders.matching import selectors
from imaging.orders.matching.policies import Likeness, Traits, likeness
from imaging.orders.models import ExamRequest, PerformedStep, StudyLink, UnmatchedStudy
from imaging.orders.performing import selectors as performing
from imaging.orders.querysets import kept_back
from imaging.orders.workflow import State
from imaging.studies.models import Patient, Placement, Study

MOST_SHOWN: Final = 100
#: Pairs that are compared for suggestions, and those that are shown.
_POOL: Final = 400
_SUGGESTED: Final = 8
_FOUND: Final = 20
_LONGEST_WORDS: Final = 64
#: Images are missed this long after the time at which the patient was expected.
_GRACE: Final = timedelta(hours=2)
#: Requests of longer ago are no more looked through for what lacks images.
_LOOKED_BACK: Final = timedelta(days=90)
_NEAR: Final = timedelta(days=14)

_MISSED: Final = (State.SCHEDULED, State.ARRIVED)
_BEGUN: Final = (State.IN_PROGRESS, State.COMPLETED)
#: What images can still be linked to.
_ANSWERABLE: Final = tuple(state for state in State if state not in selectors.UNANSWERABLE)


@dataclass(frozen=True, slots=True)
class Matcher:
    """A person who matches, in ``departments``; in those of ``corrects_in`` they may correct a patient's identity too."""

    user: User
    actor: Actor
    scope: Scope
    departments: frozenset[int]
    corrects_in: frozenset[int]


@dataclass(frozen=True, slots=True)
class SuggestedRequest:
    """A request that may be the one, and what speaks for it."""

    request: ExamRequest
    likeness: Likeness
    is_same_patient: bool


@dataclass(frozen=True, slots=True)
class SuggestedStudy:
    """A study that may be the one, and what speaks for it."""

    study: Study
    likeness: Likeness


def matcher(user: User | AnonymousUser, *, actor: Actor, scope: Scope) -> Matcher | None:
    """A person as one who matches; None for who may not."""
    held = accounts.capabilities_by_department(user)
    departments = held.get(Capability.RECONCILE, frozenset())
    if not departments or not isinstance(user, User):
        return None
    return Matcher(user, actor, scope, departments, held.get(Capability.CORRECT_IDENTITY, frozenset()))


def studies(by: Matcher, words: str = "") -> QuerySet[UnmatchedStudy]:
    """Studies of the person's departments that wait, longest first."""
    seen = Study.objects.visible_to(by.scope, Right.VIEW).filter(_made_in(by))
    rows = UnmatchedStudy.objects.filter(settled_at=None, study__in=seen)
    if words := _cleaned(words):
        rows = rows.filter(
            Q(study__accession_number__iexact=words)
            | Q(study__patient__patient_id__iexact=words)
            | Q(study__study_instance_uid=words)
            | Q(study__patient__name_norm__contains=person_name.normalised(words))
        )
    return rows.select_related("study__patient", "candidate").order_by("found_at", "pk")


def study_of(by: Matcher, study_instance_uid: str) -> Study | None:
    """A study that this person may match: one that a department of theirs made; waiting or not."""
    rows = Study.objects.visible_to(by.scope, Right.VIEW).filter(_made_in(by), study_instance_uid=study_instance_uid)
    return rows.select_related("patient").first()


def may_correct(by: Matcher, study: Study) -> bool:
    """Whether this person may give the study to another patient."""
    if not Study.objects.visible_to(by.scope.without_priors(), Right.WRITE).filter(pk=study.pk).exists():
        return False
    placed = Placement.objects.live().filter(study=study, kind=Placement.Kind.OWNER, department__in=by.corrects_in)
    return placed.exists()


def requests(by: Matcher, words: str = "") -> QuerySet[ExamRequest]:
    """Requests to the person's departments whose images should be here and are not, longest missed first."""
    now = timezone.now()
    missed = Q(state__in=_MISSED, scheduled_for__lt=now - _GRACE, scheduled_for__gt=now - _LOOKED_BACK)
    begun = Q(state__in=_BEGUN, started_at__gt=now - _LOOKED_BACK) | Q(
        state=State.COMPLETED, completed_at__gt=now - _LOOKED_BACK
    )
    rows = _performed_by(by).filter(missed | begun).filter(~Exists(_linked()))
    if words := _cleaned(words):
        rows = rows.filter(_by_words(words))
    return rows.order_by(Coalesce("scheduled_for", "started_at", "requested_at"), "pk")


def exams(by: Matcher) -> QuerySet[PerformedStep]:
    """What machines of the person's departments reported and a person has to look at, oldest first.

    Of a request that the person does not see, and under the number of a patient who is kept back from them, nothing is told.
    """
    theirs = ExamRequest.objects.visible_to(by.scope)
    rows = performing.performed_steps_to_mend(by.departments).filter(Q(step=None) | Q(step__request__in=theirs))
    cleared = _cleared(by)
    numbered = Patient.objects.filter(kept_back("pk", cleared), patient_id=OuterRef("patient_id"))
    protected = Study.objects.filter(study_instance_uid=OuterRef("study_instance_uid")).exclude(sensitivity__in=cleared)
    return rows.filter(~Exists(protected), Q(patient_id="") | ~Exists(numbered))


def studies_of_exams(by: Matcher, exams: Iterable[PerformedStep]) -> frozenset[str]:
    """Those of the studies of these exams that this person may match (Study Instance UIDs)."""
    wanted = {row.study_instance_uid for row in exams} - {""}
    seen = Study.objects.visible_to(by.scope, Right.VIEW).filter(_made_in(by), study_instance_uid__in=wanted)
    return frozenset(seen.values_list("study_instance_uid", flat=True))


def request_of(by: Matcher, key: UUID) -> ExamRequest | None:
    """A request to one of the person's departments."""
    return _performed_by(by).filter(key=key).first()


def found(by: Matcher, words: str) -> list[ExamRequest]:
    """Requests of a number or a name, latest first, images or not."""
    words = _cleaned(words)
    if not words:
        return []
    rows = _performed_by(by).filter(_by_words(words), state__in=_ANSWERABLE)
    return list(rows.order_by(F("requested_at").desc(nulls_last=True), "-pk")[:_FOUND])


def requests_like(by: Matcher, study: Study, candidate: ExamRequest | None = None) -> list[SuggestedRequest]:
    """The requests that go best with a study, best first; the one whose number it has among them."""
    near = Q(scheduled_for__range=(study.study_at - _NEAR, study.study_at + _NEAR))
    near |= Q(scheduled_for=None, requested_at__range=(study.study_at - 2 * _NEAR, study.study_at + _NEAR))
    rows = _performed_by(by).filter(state__in=_ANSWERABLE).filter(~Exists(_linked()))
    pool = list(rows.filter(Q(patient=study.patient_id) | near).order_by("-requested_at", "-pk")[:_POOL])
    if candidate is not None and candidate.pk not in {row.pk for row in pool}:
        pool += list(_performed_by(by).filter(pk=candidate.pk))
    refused = set(StudyLink.objects.filter(study=study, is_refused=True).values_list("request_id", flat=True))
    shown = traits_of_study(study)
    made = [
        SuggestedRequest(row, likeness(traits_of_request(row), shown), selectors.is_for(row, study))
        for row in pool
        if row.pk not in refused
    ]
    sure = candidate.pk if candidate is not None else None
    telling = [one for one in made if one.likeness.is_worth_telling or one.request.pk == sure]
    return sorted(telling, key=lambda one: (one.request.pk != sure, -one.likeness.weight, one.request.pk))[:_SUGGESTED]


def studies_like(by: Matcher, request: ExamRequest) -> list[SuggestedStudy]:
    """The waiting studies that go best with a request, best first."""
    asked = traits_of_request(request)
    made = [SuggestedStudy(row.study, likeness(asked, traits_of_study(row.study))) for row in studies(by)[:_POOL]]
    telling = [one for one in made if one.likeness.is_worth_telling]
    return sorted(telling, key=lambda one: (-one.likeness.weight, one.study.pk))[:_SUGGESTED]


def traits_of_study(study: Study) -> Traits:
    """What of a study is compared."""
    return Traits(
        person=selectors.person_shown(study.patient),
        at=study.study_at,
        modalities=frozenset(study.modalities),
        body_part_examined=study.body_part_examined,
        accession_number=study.accession_number,
    )


def traits_of_request(request: ExamRequest) -> Traits:
    """What of a request is compared."""
    procedure = request.procedure
    return Traits(
        person=selectors.person_asked(request),
        at=request.scheduled_for or request.started_at or request.requested_at or request.created_at,
        modalities=frozenset({procedure.modality} if procedure else ()),
        body_part_examined=procedure.body_part_examined if procedure else "",
        accession_number=request.accession_number,
    )


def version(
    shown: Iterable[UnmatchedStudy], asked: Iterable[ExamRequest], reported: Iterable[PerformedStep]
) -> list[object]:
    """What changes of the desk while it is looked at."""
    return [
        [(row.pk, row.state, row.changed_at) for row in reported],
        [(row.pk, row.why, row.study.version, row.study.thumbnail_id) for row in shown],
        [(row.pk, row.version, row.state) for row in asked],
    ]


def _cleared(by: Matcher) -> list[str]:
    """The labels that may be seen in every department in which this person matches: none is lent to another department."""
    sets = [labels for labels, places in by.scope.label_sets(Right.VIEW).items() if places & by.departments]
    return sorted(frozenset.intersection(*sets)) if sets else [""]


def _made_in(by: Matcher) -> Q:
    placed = Placement.objects.live().filter(
        study=OuterRef("pk"), kind=Placement.Kind.OWNER, department__in=by.departments
    )
    return Q(Exists(placed))


def _performed_by(by: Matcher) -> QuerySet[ExamRequest]:
    rows: QuerySet[ExamRequest] = ExamRequest.objects.visible_to(by.scope)
    return rows.filter(performing_department__in=by.departments).select_related(
        "patient", "procedure", "requester", "requesting_department", "performing_department"
    )


def _linked() -> QuerySet[StudyLink]:
    return StudyLink.objects.filter(request=OuterRef("pk"), ended_at=None)


def _by_words(words: str) -> Q:
    name = person_name.normalised(words)
    named = Q(accession_number__iexact=words) | Q(patient__patient_id__iexact=words) | Q(typed_patient_id__iexact=words)
    if name:
        named |= Q(patient_norm__contains=name) | Q(patient__name_norm__contains=name)
    return named


def _cleaned(words: str) -> str:
    return words.replace("\x00", "").strip()[:_LONGEST_WORDS]
