"""Which shares somebody looks after, and what they may do about each: their own, a department's, or all."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.utils import timezone

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.holding import held_roles
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.sharing.models import Share, ShareEvent, ShareVisit
from imaging.sharing.querysets import ShareQuerySet
from imaging.studies.models import Patient, Study

#: Lines of one page of the list.
PAGE: Final = 50
#: What happened, and who came in, as far as the page of one share tells it.
MOST_TOLD: Final = 200
#: How long before its end a share is told to end soon.
SOON: Final = dt.timedelta(days=2)
_STATE = Share.State


class Whose(StrEnum):
    """Whose shares a list shows."""

    MINE = "mine"
    DEPARTMENT = "department"
    ALL = "all"


class Show(StrEnum):
    """Which of them."""

    OPEN = "open"
    WAITING = "waiting"
    ENDING = "ending"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Somebody at the desk.

    ``places`` are the departments in which they work, ``answers_in`` those whose shares they look after, ``decides_in``
    those in which they allow the shares of others; ``shares_in`` is where they share themselves.
    """

    user: User
    scope: Scope
    actor: Actor
    places: frozenset[int]
    answers_in: frozenset[int]
    decides_in: frozenset[int]
    shares_in: frozenset[int]
    is_officer: bool

    @property
    def offered(self) -> list[Whose]:
        """The lists that this person has."""
        found = [Whose.MINE]
        if self.answers_in:
            found.append(Whose.DEPARTMENT)
        return [*found, Whose.ALL] if self.is_officer else found


def keeper(user: User | AnonymousUser, *, actor: Actor, scope: Scope) -> Keeper | None:
    """Return a person at the desk; None for people who never share, and look after nobody's shares."""
    if not isinstance(user, User):
        return None
    held = accounts.capabilities_by_department(user)
    decides = held.get(Capability.APPROVE_ACCESS, frozenset())
    found = Keeper(
        user,
        scope,
        actor,
        places=frozenset(role.department for role in held_roles(user)),
        answers_in=decides | held.get(Capability.MANAGE_DEPARTMENT, frozenset()),
        decides_in=decides,
        shares_in=scope.departments_with(Right.SHARE),
        is_officer=Capability.MANAGE_PRIVACY in held,
    )
    has_own = bool(found.shares_in) or _own(found).exists()
    return found if has_own or found.answers_in or found.is_officer else None


def _own(person: Keeper) -> ShareQuerySet:
    """What somebody shared, for departments in which they still work."""
    return Share.objects.filter(created_by=person.user, department__in=person.places)


def kept_by(person: Keeper, whose: Whose | None = None) -> ShareQuerySet:
    """Return the shares of one list, or of all lists that this person has."""
    if whose is not None and whose not in person.offered:
        return Share.objects.none()
    if whose is Whose.MINE:
        return _own(person)
    if whose is Whose.DEPARTMENT:
        return Share.objects.filter(department__in=person.answers_in)
    if person.is_officer:
        return Share.objects.all()
    mine = Q(created_by=person.user, department__in=person.places)
    return Share.objects.filter(mine | Q(department__in=person.answers_in))


def listed(person: Keeper, whose: Whose, show: Show, *, begin: int = 0, words: str = "") -> tuple[ShareQuerySet, bool]:
    """Return a page of a list with whether there are more: what waits longest or ends first comes first.

    ``begin`` is how many are left out in front; ``words`` are looked for in the recipient, and in the
    patient where the reader sees a study of theirs.
    """
    rows = _shown(kept_by(person, whose), show)
    if words:
        seen = Patient.objects.visible_to(person.scope, Right.LIST).filter(
            Q(patient_name__icontains=words) | Q(patient_id__iexact=words)
        )
        rows = rows.filter(
            Q(recipient_name__icontains=words)
            | Q(recipient_email__icontains=words)
            | Q(patient__in=seen.values("pk"))
            | Q(created_by__display_name__icontains=words)
        )
    keys = list(rows.values_list("pk", flat=True)[begin : begin + PAGE + 1])
    page = rows.filter(pk__in=keys[:PAGE]).select_related("created_by", "department", "patient", "record")
    return page.prefetch_related("items__study"), len(keys) > PAGE


def _shown(rows: ShareQuerySet, show: Show) -> ShareQuerySet:
    now = timezone.now()
    if show is Show.ENDED:
        return rows.ended().order_by("-created_at", "-pk")
    going = rows.filter(valid_until__gt=now)
    if show is Show.WAITING:
        return going.filter(state__in=[_STATE.WAITING, _STATE.PREPARING]).order_by("created_at", "pk")
    if show is Show.ENDING:
        return going.filter(state=_STATE.OPEN, valid_until__lte=now + SOON).order_by("valid_until", "pk")
    return going.filter(state=_STATE.OPEN).order_by("-created_at", "-pk")


#: What the list shows of a share that time and people change: when none of it has, its rows are the same.
_MARKS: Final = ("pk", "version", "state", "opens", "most_opens", "wrong", "last_opened_at", "valid_until")


def marks_of(page: ShareQuerySet) -> list[tuple[object, ...]]:
    """Return what makes the rows of a page what they are."""
    return list(page.select_related(None).prefetch_related(None).values_list(*_MARKS))


def share_for(person: Keeper, key: str) -> Share | None:
    """Return one share that this person looks after; None for every other."""
    rows = kept_by(person).select_related(
        "created_by", "department__site", "patient", "decided_by", "ended_by", "record"
    )
    return rows.filter(key=key).first()


def seen(scope: Scope, studies: Iterable[int]) -> frozenset[int]:
    """Return those of these studies, by primary key, that a reader may see in a list now."""
    rows = Study.objects.visible_to(scope, Right.LIST).filter(pk__in=list(studies))
    return frozenset(rows.values_list("pk", flat=True))


def sees_patient(scope: Scope, patient: Patient | None) -> bool:
    """Whether a reader may see this patient in a list now."""
    return patient is not None and Patient.objects.visible_to(scope, Right.LIST).filter(pk=patient.pk).exists()


def events_of(share: Share) -> list[ShareEvent]:
    """Return what happened to a share, latest first."""
    return list(share.events.select_related("person", "visit", "study")[:MOST_TOLD])


def visits_of(share: Share) -> list[ShareVisit]:
    """Return who came in, latest first."""
    return list(share.visits.all()[:MOST_TOLD])


def sharers(pks: Collection[int]) -> dict[int, Share]:
    """Return shares by primary key, with who made them: for pages that name who looked."""
    return {row.pk: row for row in Share.objects.filter(pk__in=pks).select_related("created_by", "department")}
