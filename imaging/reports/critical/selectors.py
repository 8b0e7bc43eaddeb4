"""Questions about critical findings: whose they are, who may be told, what is over its time."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.reports.models import CriticalFinding, ReadingItem
from imaging.studies.models import GRANTED, Placement, Study

#: People that a form offers as recipients.
MOST_RECIPIENTS = 300


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the pages, with what they may see and the departments for which they write reports."""

    user: User
    actor: Actor
    scope: Scope
    writes_in: frozenset[int]


def person(user: object, *, actor: Actor, scope: Scope) -> Person | None:
    """Who is signed in; None for nobody."""
    if not isinstance(user, User):
        return None
    held = accounts.capabilities_by_department(user)
    return Person(user, actor, scope, held.get(Capability.WRITE_REPORT, frozenset()))


def findings_for(by: Person) -> QuerySet[CriticalFinding]:
    """The findings that somebody may know of: of studies they may see, and those that name them."""
    rows: QuerySet[CriticalFinding] = CriticalFinding.objects.visible_to(by.scope, Right.VIEW)
    named = CriticalFinding.objects.filter(Q(recipient=by.user) | Q(raised_by=by.user))
    return (rows | named).select_related("study__patient", "recipient", "raised_by", "acknowledged_by")


def waiting_for(by: Person) -> QuerySet[CriticalFinding]:
    """What this person is to acknowledge, the soonest first."""
    return _open().filter(recipient=by.user).order_by("due_at")


def raised_by(by: Person) -> QuerySet[CriticalFinding]:
    """What this person raised, latest first."""
    rows = CriticalFinding.objects.filter(raised_by=by.user)
    return rows.select_related("study__patient", "recipient", "raised_by", "acknowledged_by").order_by("-raised_at")


def open_around(by: Person) -> QuerySet[CriticalFinding]:
    """What nobody has acknowledged of the studies that this person may see."""
    rows = findings_for(by).filter(acknowledged_at=None, withdrawn_at=None)
    return rows.exclude(recipient=by.user).order_by("due_at")


def of_study(study: Study) -> QuerySet[CriticalFinding]:
    """The findings of a study that the reader has opened, latest first."""
    return study.critical_findings.select_related("recipient", "raised_by", "acknowledged_by").order_by("-raised_at")


def holding(study: Study) -> list[CriticalFinding]:
    """The findings of a study that the reader has opened and that nobody has taken back, in the order in which they were raised."""
    rows = study.critical_findings.filter(withdrawn_at=None).select_related("recipient", "acknowledged_by")
    return list(rows.order_by("raised_at", "pk"))


def overdue(now: datetime) -> QuerySet[CriticalFinding]:
    """What is not acknowledged and over its time."""
    return _open().filter(due_at__lte=now).order_by("due_at")


def may_raise(by: Person, study: Study) -> bool:
    """Whether this person writes reports where the study lies."""
    return Placement.objects.filter(study=study, department__in=by.writes_in).live().exclude(kind__in=GRANTED).exists()


def recipients(study: Study) -> list[User]:
    """Who can be told: the people who treat patients, or read, where the study lies; who asked for it first."""
    places = Placement.objects.filter(study=study).live().exclude(kind__in=GRANTED)
    departments = list(places.values_list("department_id", flat=True))
    people = accounts.people_capable(Capability.REQUEST_EXAM, department_ids=departments)[:MOST_RECIPIENTS]
    asked = requester_of(study)
    return sorted(people, key=lambda one: (one.pk != asked, one.label.casefold()))


def requester_of(study: Study) -> int | None:
    """Who asked for the exam, by primary key."""
    return ReadingItem.objects.filter(study=study).values_list("asked_by_id", flat=True).first()


def open_of_study(study: Study) -> list[CriticalFinding]:
    """What nobody has acknowledged of a study that the reader has opened, the soonest first."""
    rows = study.critical_findings.filter(acknowledged_at=None, withdrawn_at=None)
    return list(rows.select_related("recipient", "raised_by").order_by("due_at"))


def people_above(finding: CriticalFinding) -> list[User]:
    """To whom it is passed on: who manages the departments in which the study lies."""
    places = Placement.objects.filter(study=finding.study).live().exclude(kind__in=GRANTED)
    departments = list(places.values_list("department_id", flat=True))
    found = accounts.people_capable(Capability.MANAGE_DEPARTMENT, department_ids=departments)
    return [one for one in found if one.pk != finding.recipient_id]


def _open() -> QuerySet[CriticalFinding]:
    rows = CriticalFinding.objects.filter(acknowledged_at=None, withdrawn_at=None)
    return rows.select_related("study__patient", "recipient", "raised_by")
