"""Questions about requests: what exists elsewhere, which policy holds, who decides what, what is one's own."""

from collections.abc import Iterable, Mapping
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import Scope, scope_of_user
from imaging.access.matching import Asked, exact_match
from imaging.access.requests.models import AccessPolicy, AccessRequest, RequestedStudy
from imaging.access.requests.policies import Approver, Asker, Elsewhere
from imaging.studies.models import Placement, Study
from imaging.studies.querysets import without_opposition

#: Studies of one patient that one request names, latest first.
MOST_STUDIES: Final = 200
MOST_SHOWN: Final = 200
#: Requests that the bar counts.
MOST_COUNTED: Final = 100

_TREATING: Final = (Placement.Kind.OWNER, Placement.Kind.REQUESTING)


def asker(user: User | AnonymousUser, *, actor: Actor, scope: Scope) -> Asker | None:
    """A person as one who may ask for access; None for who may not."""
    departments = accounts.capabilities_by_department(user).get(Capability.REQUEST_ACCESS, frozenset())
    if not departments or not isinstance(user, User):
        return None
    return Asker(user, actor, scope, departments)


def approver(user: User | AnonymousUser, *, actor: Actor, scope: Scope | None = None) -> Approver | None:
    """A person as one who decides; None for who may not. Without a scope it is asked anew what the person may see."""
    departments = accounts.capabilities_by_department(user).get(Capability.APPROVE_ACCESS, frozenset())
    if not departments or not isinstance(user, User):
        return None
    return Approver(user, actor, scope_of_user(user, actor=actor) if scope is None else scope, departments)


def elsewhere(scope: Scope, asked: Asked) -> Elsewhere | None:
    """What an exact question finds outside a scope. None for nobody, for several, for what is protected or opposed to.

    Found or not, the same statements are run.
    """
    match = exact_match(asked)
    closed = _askable().exclude(pk__in=Study.objects.visible_to(scope.without_priors(), Right.VIEW).values("pk"))
    studies = tuple(closed.filter(patient_id=match.patient.pk if match else 0).order_by("-study_at")[:MOST_STUDIES])
    if match is None or not studies:
        return None
    named = next((study for study in studies if match.study is not None and study.pk == match.study.pk), None)
    return Elsewhere(match.patient, named, studies)


def _askable() -> QuerySet[Study]:
    """Studies that can be asked for: some department treats with them now, no label and no opposition keeps them."""
    placed = Placement.objects.live().filter(
        study=OuterRef("pk"), kind__in=_TREATING, department__is_active=True, department__is_personal=False
    )
    rows = Study.objects.filter(Exists(placed), without_opposition("patient"), instance_count__gt=0, sensitivity="")
    return rows.select_related("patient")


def askable(studies: Iterable[int]) -> QuerySet[Study]:
    """Those of these studies that may be asked for."""
    return _askable().filter(pk__in=list(studies))


def policies() -> Mapping[int | None, AccessPolicy]:
    """The policy of each department that has one, by primary key; None is that of all others."""
    rows = {row.department_id: row for row in AccessPolicy.objects.all()}
    rows.setdefault(None, AccessPolicy())
    return rows


def policy_of(department: int | None, known: Mapping[int | None, AccessPolicy] | None = None) -> AccessPolicy:
    """The policy of a department: its own, else that of all others, else the portal's own."""
    rows = policies() if known is None else known
    return rows.get(department) or rows[None]


def owner_of(study: Study) -> int | None:
    """The department that made a study, by primary key."""
    return owners_of([study.pk]).get(study.pk)


def owners_of(studies: Iterable[int]) -> dict[int, int]:
    """The departments that made these studies, all by primary key. One query."""
    placed = Placement.objects.live().filter(study__in=list(studies), kind=Placement.Kind.OWNER)
    # The first placement is read last, and stays.
    return dict(placed.order_by("-placed_at", "-pk").values_list("study_id", "department_id"))


def deciding_departments(study: Study, *, escalated: bool = False) -> frozenset[int]:
    """The departments whose managers decide about a study now; the deputy's where nobody else can, or could in time."""
    known = policies()
    placed = Placement.objects.live().filter(study=study, kind__in=_TREATING)
    rows = list(placed.order_by("placed_at", "pk").values_list("department_id", "kind"))
    owners = [department for department, kind in rows if kind == Placement.Kind.OWNER]
    owning = [policy_of(owner, known) for owner in owners]
    found = {department for department, _kind in rows} if not _owners_alone(owning) else set(owners)
    if escalated or not accounts.people_capable(Capability.APPROVE_ACCESS, department_ids=found):
        found |= {policy.deputy_id for policy in owning if policy.deputy_id is not None}
    return frozenset(found)


def _owners_alone(owning: list[AccessPolicy]) -> bool:
    return any(policy.deciders == AccessPolicy.Deciders.OWNER for policy in owning)


def approvers_of(item: RequestedStudy) -> list[User]:
    """The people who may decide about a study that was asked for, without who asked."""
    departments = deciding_departments(item.study, escalated=item.request.escalated_at is not None)
    people = accounts.people_capable(Capability.APPROVE_ACCESS, department_ids=departments)
    return [person for person in people if person.pk != item.request.requester_id]


def decidable(by: Approver) -> QuerySet[RequestedStudy]:
    """What this person may decide now: never a request of one's own, nor about a study that is another patient's by now."""
    rows = RequestedStudy.objects.filter(
        _speaks_for(by),
        state=RequestedStudy.State.WAITING,
        request__state=AccessRequest.State.WAITING,
        study__patient=F("request__patient"),
    )
    return rows.exclude(request__requester=by.user)


def held(by: Approver) -> QuerySet[RequestedStudy]:
    """What was granted, holds now, and this person may revoke."""
    return running().filter(_speaks_for(by))


def running() -> QuerySet[RequestedStudy]:
    """What was granted and holds now."""
    now = timezone.now()
    return RequestedStudy.objects.filter(
        Q(grant__until=None) | Q(grant__until__gt=now), state=RequestedStudy.State.GRANTED, grant__ended_at=None
    )


def _speaks_for(by: Approver) -> Q:
    """The condition that one of the person's departments decides about the study as it is placed now."""
    known = policies()
    live = Placement.objects.live().filter(study=OuterRef("study"))
    owned = live.filter(kind=Placement.Kind.OWNER)
    rule = Q(Exists(owned.filter(department__in=by.departments)))
    requesting = Exists(live.filter(kind=Placement.Kind.REQUESTING, department__in=by.departments))
    alone = {key for key, policy in known.items() if policy.deciders == AccessPolicy.Deciders.OWNER}
    rule |= Q(requesting) & ~Q(Exists(owned.filter(_of(alone, known))))
    deputised = {key for key, policy in known.items() if policy.deputy_id in by.departments}
    if not deputised:
        return rule
    staffed = accounts.departments_of_capable(Capability.APPROVE_ACCESS)
    of_owner = live.filter(kind=Placement.Kind.OWNER, department__in=staffed)
    anybody = live.filter(kind__in=_TREATING, department__in=staffed)
    unstaffed = ~Q(Exists(anybody)) | (~Q(Exists(of_owner)) & Q(Exists(owned.filter(_of(alone, known)))))
    is_deputy = Q(Exists(owned.filter(_of(deputised, known))))
    return rule | (is_deputy & (Q(request__escalated_at__isnull=False) | unstaffed))


def _of(keys: Iterable[int | None], known: Mapping[int | None, AccessPolicy]) -> Q:
    """The condition on a placement that the policy of its department is one of these; None stands for all without a row."""
    chosen = set(keys)
    own = Q(department__in=[key for key in chosen if key is not None])
    return own | ~Q(department__in=[key for key in known if key is not None]) if None in chosen else own


def waiting_count(by: Approver) -> int:
    """How many requests wait for this person, up to ``MOST_COUNTED``."""
    return len(decidable(by).values_list("request_id", flat=True).distinct()[:MOST_COUNTED])


def requests_of(person: Asker) -> QuerySet[AccessRequest]:
    """What a person asked for, latest first."""
    rows = AccessRequest.objects.filter(requester=person.user).select_related("department", "study", "renews")
    return rows.prefetch_related("studies__grant", "studies__study").order_by("-asked_at", "-pk")


def request_of(person: Asker, pk: int) -> AccessRequest | None:
    """A request of the person's own."""
    return requests_of(person).prefetch_related("messages__author").filter(pk=pk).first()


def request_for(by: Approver, pk: int) -> AccessRequest | None:
    """A request that this person may decide, has decided, or may revoke; None for every other."""
    items = RequestedStudy.objects.filter(request=OuterRef("pk"))
    mine = (
        Q(Exists(decidable(by).filter(request=OuterRef("pk"))))
        | Q(Exists(held(by).filter(request=OuterRef("pk"))))
        | Q(Exists(items.filter(department__in=by.departments)))
    )
    rows = AccessRequest.objects.filter(mine, pk=pk).exclude(requester=by.user)
    return rows.select_related("requester", "department", "patient", "study").first()


def waiting_for(by: Approver) -> QuerySet[AccessRequest]:
    """Requests that wait for this person, longest first."""
    waits = decidable(by).filter(request=OuterRef("pk"))
    return _told(AccessRequest.objects.filter(Exists(waits)).order_by("asked_at", "pk"))


def prolonged_with(pk: int) -> frozenset[int]:
    """A request with those that it prolongs and those that prolong it, by primary key: one access, asked for in parts."""
    found: set[int] = set()
    fresh = {pk}
    while fresh:
        found |= fresh
        near = AccessRequest.objects.filter(Q(renews__in=fresh) | Q(renewals__in=fresh))
        fresh = set(near.values_list("pk", flat=True)) - found
    return frozenset(found)


def granted_by(by: Approver) -> QuerySet[AccessRequest]:
    """Requests that opened something that still holds, and that this person may revoke; the one that ends first first."""
    rows = AccessRequest.objects.filter(Exists(held(by).filter(request=OuterRef("pk"))))
    return _told(rows.exclude(requester=by.user).order_by("asked_at", "pk"))


def decided_in(by: Approver) -> QuerySet[AccessRequest]:
    """Requests that were decided in this person's departments, latest first."""
    items = RequestedStudy.objects.filter(request=OuterRef("pk"), department__in=by.departments)
    rows = AccessRequest.objects.filter(Exists(items)).exclude(requester=by.user)
    return _told(rows.order_by("-asked_at", "-pk"))


def _told(rows: QuerySet[AccessRequest]) -> QuerySet[AccessRequest]:
    return rows.select_related("requester", "department", "patient")


def seen(scope: Scope, studies: Iterable[int]) -> frozenset[int]:
    """Those of these studies whose description a reader may see now."""
    rows = Study.objects.visible_to(scope, Right.LIST).filter(pk__in=list(studies))
    return frozenset(rows.values_list("pk", flat=True))


def name_of(department: int) -> str:
    """The name of a department in the reader's language."""
    return next((row.label for row in accounts.departments_named([department])), "")


def has_here(scope: Scope, asked: Asked) -> bool:
    """Whether the reader sees studies of the patient whom a question names."""
    match = exact_match(asked)
    return Study.objects.visible_to(scope, Right.LIST).filter(patient_id=match.patient.pk if match else 0).exists()
