"""Questions about emergency accesses: which are open, which wait for a review, what was looked at by one."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone

from accounts.actor import Actor
from accounts.audit import selectors as audited
from accounts.models import AuditEvent, User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.access.emergency.models import EmergencyAccess, EmergencyPolicy, EmergencyReview, Verdict
from imaging.access.emergency.querysets import FINAL
from imaging.studies.models import Patient, Study

PAGE: Final = 50
#: Beyond this a badge says only that there are more.
MOST_COUNTED: Final = 100
MOST_EVENTS: Final = 500
_MOST_OWN: Final = 20
_HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many accesses wait for a verdict, and how many of them for too long."""

    waiting: int
    overdue: int
    open_now: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was opened in a stretch of days, and what became of it. ``typical`` is the median time to the first verdict."""

    days: int
    started: int
    people: int
    unusual: int
    waiting: int
    verdicts: tuple[tuple[str, int], ...]
    typical: dt.timedelta | None
    late: int

    @property
    def typical_hours(self) -> int | None:
        """The typical time in whole hours, begun ones counted."""
        return None if self.typical is None else int(self.typical.total_seconds() // 3600) + 1


def policy() -> EmergencyPolicy:
    """Return the hospital's rules; those of a new portal where nobody has said otherwise."""
    return EmergencyPolicy.objects.filter(pk=1).first() or EmergencyPolicy(pk=1)


def active_of(user: User) -> list[EmergencyAccess]:
    """Return what a person has open now in an emergency, the one that ends first before the others. No query for most."""
    if user.own_place_id is None:
        return []
    rows = EmergencyAccess.objects.active().filter(user=user).select_related("patient")
    return list(rows.order_by("until", "pk"))


def active_about(user: User, patient: Patient) -> EmergencyAccess | None:
    """Return the access by which a person has this patient open now."""
    return EmergencyAccess.objects.active().filter(user=user, patient=patient).order_by("-until").first()


def by_form(user: User, form_key: UUID) -> EmergencyAccess | None:
    """Return what a form has opened already, when it is sent twice."""
    return EmergencyAccess.objects.filter(user=user, form_key=form_key).first()


def own(user: User, pk: UUID) -> EmergencyAccess | None:
    """Return one of a person's own accesses."""
    return EmergencyAccess.objects.filter(user=user, pk=pk).select_related("patient", "user").first()


def history_of(user: User) -> list[EmergencyAccess]:
    """Return a person's latest accesses with what was found of them."""
    rows = EmergencyAccess.objects.filter(user=user).select_related("patient").prefetch_related("reviews")
    return list(rows[:_MOST_OWN])


def number_since(user: User, moment: dt.datetime) -> int:
    """Return how many records a person has opened since then."""
    return EmergencyAccess.objects.filter(user=user, started_at__gte=moment).count()


def is_unusual(user: User, rules: EmergencyPolicy) -> bool:
    """Whether one more within the hour is more than usual."""
    return number_since(user, timezone.now() - _HOUR) >= rules.per_hour


def studies_open_by(emergency: EmergencyAccess, *, scope: Scope) -> list[Study]:
    """Return the patient's studies that the reader may see now, latest first."""
    rows = Study.objects.visible_to(scope, Right.VIEW).filter(patient=emergency.patient_id)
    return list(rows.order_by("-study_at", "-pk")[:200])


def reviewable(pk: UUID) -> EmergencyAccess | None:
    """Return one access for who reviews."""
    rows = EmergencyAccess.objects.select_related("patient", "user", "ended_by", "grant")
    return rows.filter(pk=pk).first()


def queue(state: str, *, page: int) -> tuple[list[EmergencyAccess], bool]:
    """Return a page of what waits for a verdict, longest first, or of what has one, latest first; whether there is more."""
    rows: QuerySet[EmergencyAccess] = EmergencyAccess.objects.select_related("patient", "user")
    if state == "done":
        rows = rows.filter(verdict__in=FINAL).order_by("-started_at", "-pk")
    else:
        rows = rows.to_review().order_by("review_due_at", "pk")  # type: ignore[attr-defined]
    found = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    return found[:PAGE], len(found) > PAGE


def counts() -> Counts:
    """Return what waits for the reviewers."""
    now = timezone.now()
    numbers = EmergencyAccess.objects.to_review().aggregate(
        waiting=Count("pk"),
        overdue=Count("pk", filter=Q(review_due_at__lte=now)),
        open_now=Count("pk", filter=Q(ended_at=None, until__gt=now)),
    )
    return Counts(**numbers)


def waiting_count() -> int:
    """Return how many wait, at most :data:`MOST_COUNTED`: for a badge on every page."""
    return len(EmergencyAccess.objects.to_review().values_list("pk", flat=True)[:MOST_COUNTED])


def number_before(emergency: EmergencyAccess) -> int:
    """Return how often the same person had opened the same record before."""
    earlier = EmergencyAccess.objects.filter(user=emergency.user_id, patient=emergency.patient_id)
    return earlier.filter(started_at__lt=emergency.started_at).count()


def is_protected(emergency: EmergencyAccess) -> bool:
    """Whether a label protects anything of the patient."""
    return Study.objects.filter(patient=emergency.patient_id).exclude(sensitivity="").exists()


def latest_review(emergency: EmergencyAccess) -> EmergencyReview | None:
    """Return what was found last of an access; None while nobody has looked."""
    return next(iter(emergency.reviews.all()), None)


def reviews_of(emergency: EmergencyAccess) -> list[EmergencyReview]:
    """Return what was found of an access, latest first."""
    return list(emergency.reviews.select_related("reviewer"))


def opened_by(emergency: EmergencyAccess) -> list[AuditEvent]:
    """Return what the person did about this patient between start and end, in order: out of the audit."""
    actor = Actor(kind="user", id=str(emergency.user_id), name="")
    studies = Study.objects.filter(patient=emergency.patient_id).values_list("study_instance_uid", flat=True)
    events = audited.events_of_actor(actor.kind, actor.id, since=emergency.started_at, until=emergency.closed_at)
    about = Q(subject_type="study", subject_uid__in=list(studies[:2000])) | Q(detail__emergency=str(emergency.pk))
    return list(events.filter(about).order_by("at", "id")[: MOST_EVENTS + 1])


def statistics(days: int) -> Statistics:
    """Return what was opened in the last ``days`` days, and what became of it."""
    rows = list(
        EmergencyAccess.objects.filter(started_at__gte=timezone.now() - dt.timedelta(days=days))
        .annotate(first_review=Min("reviews__reviewed_at"))
        .values_list("user_id", "is_unusual", "verdict", "started_at", "review_due_at", "first_review")
    )
    verdicts = Counter(verdict for _user, _unusual, verdict, *_rest in rows)
    taken = sorted(first - started for *_head, started, _due, first in rows if first is not None)
    return Statistics(
        days=days,
        started=len(rows),
        people=len({user for user, *_rest in rows}),
        unusual=sum(unusual for _user, unusual, *_rest in rows),
        waiting=sum(verdicts[name] for name in ("", Verdict.FOLLOW_UP.value)),
        verdicts=tuple((str(verdict.label), verdicts[verdict.value]) for verdict in Verdict),
        typical=_median(taken),
        late=sum((first or timezone.now()) > due for *_head, due, first in rows),
    )


def _median(values: Iterable[dt.timedelta]) -> dt.timedelta | None:
    ordered = list(values)
    return ordered[len(ordered) // 2] if ordered else None
