"""Questions about requests: who may ask, which are one's own, which belong to a department, what there is about one."""

import uuid
from collections.abc import Sequence
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.models import Department, User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.orders.models import ExamRequest, RequestAttachment, StudyLink
from imaging.orders.requesting.policies import Asker
from imaging.orders.workflow import ENDED, State
from imaging.studies.models import Study

PAGE: Final = 50
#: What the list offers to choose: a word of the address, and the states it stands for (empty: all).
GROUPS: Final[dict[str, tuple[State, ...]]] = {
    "open": tuple(state for state in State if state not in {*ENDED, State.REPORTED, State.NO_SHOW}),
    "answer": (State.RETURNED,),
    "draft": (State.DRAFT,),
    "reported": (State.REPORTED,),
    "ended": (*sorted(ENDED), State.NO_SHOW),
    "all": (),
}

_READING: Final = frozenset(
    {Capability.REQUEST_EXAM, Capability.VET_REQUEST, Capability.SCHEDULE_EXAM, Capability.ACQUIRE}
)


def asker(user: User | AnonymousUser, *, actor: Actor, scope: Scope) -> Asker | None:
    """A person as one who may ask for exams; None for who may not."""
    held = accounts.capabilities_by_department(user)
    departments = held.get(Capability.REQUEST_EXAM, frozenset())
    if not departments or not isinstance(user, User):
        return None
    return Asker(user, actor, scope, departments, held)


def reader(user: User | AnonymousUser, *, actor: Actor, scope: Scope) -> Asker | None:
    """A person as one who may read requests, because they ask for exams or do them; None for others."""
    held = accounts.capabilities_by_department(user)
    if not isinstance(user, User) or not _READING & set(held):
        return None
    return Asker(user, actor, scope, held.get(Capability.REQUEST_EXAM, frozenset()), held)


def requests(scope: Scope) -> QuerySet[ExamRequest]:
    """What a reader may see, with what every line shows."""
    rows: QuerySet[ExamRequest] = ExamRequest.objects.visible_to(scope)
    return rows.select_related(
        "patient", "procedure", "requester", "requesting_department", "performing_department", "vetted_by"
    )


def request_of(scope: Scope, key: uuid.UUID) -> ExamRequest | None:
    """One request that a reader may see; None for a stranger as for none."""
    return requests(scope).filter(key=key).first()


def listed(
    person: Asker, *, is_mine: bool, group: str, priority: int | None = None, before: int | None = None
) -> list[ExamRequest]:
    """A page of requests and one more, latest first: one's own, or those of one's departments."""
    whose = Q(requester=person.user) if is_mine else Q(requesting_department__in=person.departments)
    rows = requests(person.scope).filter(whose)
    if states := GROUPS.get(group, ()):
        rows = rows.filter(state__in=states)
    if priority is not None:
        rows = rows.filter(priority=priority)
    if before is not None:
        last = ExamRequest.objects.filter(pk=before).values_list("created_at", flat=True).first()
        if last is not None:
            rows = rows.filter(Q(created_at__lt=last) | Q(created_at=last, pk__lt=before))
    return list(rows.order_by("-created_at", "-pk")[: PAGE + 1])


def waiting_for(person: Asker) -> int:
    """How many of one's own requests wait for an answer of one's own; 99 stands for more."""
    rows = ExamRequest.objects.visible_to(person.scope).filter(requester=person.user, state=State.RETURNED)
    return rows[:99].count()


def studies_of(request: ExamRequest, scope: Scope) -> list[Study]:
    """The studies that answer a request, as far as the reader may open them."""
    linked = StudyLink.objects.filter(request=request, ended_at=None).values("study")
    return list(Study.objects.visible_to(scope, Right.VIEW).filter(pk__in=linked).order_by("-study_at"))


def attachments_of(request: ExamRequest) -> list[RequestAttachment]:
    """What lies beside a request."""
    rows = RequestAttachment.objects.filter(request=request, removed_at=None)
    return list(rows.select_related("stored_object", "added_by"))


def performers() -> Sequence[Department]:
    """The departments in which somebody vets requests: those that do exams."""
    return accounts.departments_named(accounts.departments_of_capable(Capability.VET_REQUEST))
