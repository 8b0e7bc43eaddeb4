"""Questions about rooms: which are one's own, what is booked in them, where a request finds a place."""

import datetime as dt
import itertools
from collections.abc import Iterable
from typing import Final

from django.db.models import Q
from django.utils import timezone

from accounts.roles import Capability
from imaging.orders.models import Downtime, ExamRequest, OpeningHours, Room, ScheduledStep
from imaging.orders.requesting import selectors as requesting
from imaging.orders.requesting.policies import Asker
from imaging.orders.scheduling.places import Hours, Span, day_span, free_places, open_spans
from imaging.orders.workflow import State

#: How far ahead a free place is looked for.
DAYS_AHEAD: Final = 28
#: Most requests beside the day.
MOST_WAITING: Final = 50


def rooms(person: Asker, *capabilities: Capability) -> list[Room]:
    """The rooms in use of the departments in which a person has one of the capabilities."""
    places = frozenset().union(*(person.capabilities.get(one, frozenset()) for one in capabilities))
    rows = Room.objects.filter(department__in=places, is_active=True)
    return list(rows.select_related("department__site", "station"))


def suits(room: Room, request: ExamRequest) -> bool:
    """Whether the exam of a request can be done in a room."""
    procedure = request.procedure
    return (
        procedure is not None
        and procedure.modality in room.modalities
        and room.department_id == request.performing_department_id
    )


def length_of(request: ExamRequest) -> dt.timedelta:
    """How long a request keeps its room."""
    return dt.timedelta(minutes=request.procedure.duration_minutes if request.procedure else 15)


def opened(room: Room, day: dt.date) -> list[Span]:
    """When a room is open on a day of its site."""
    rows = OpeningHours.objects.filter(room=room)
    hours = [Hours(row.weekday, row.opens, row.closes) for row in rows]
    return open_spans(hours, day, room.department.site.zone)


def downtimes(room: Room, span: Span) -> list[Downtime]:
    """What keeps a room closed within a span."""
    return list(Downtime.objects.filter(room=room, starts_at__lt=span.ends, ends_at__gt=span.starts))


def booked(room: Room, span: Span) -> list[ScheduledStep]:
    """What keeps its place in a room within a span, in order."""
    rows = ScheduledStep.objects.filter(
        room=room, status__in=ScheduledStep.LIVE, starts_at__lt=span.ends, ends_at__gt=span.starts
    )
    return list(rows.select_related("request"))


def steps_in(rooms: Iterable[Room], span: Span) -> list[ScheduledStep]:
    """Everything of these rooms within a span but what was cancelled, also for requests that the reader does not see; in order."""
    rows = ScheduledStep.objects.filter(room__in=list(rooms), starts_at__lt=span.ends, ends_at__gt=span.starts)
    rows = rows.exclude(status=ScheduledStep.Status.CANCELLED).order_by("starts_at", "pk")
    return list(rows.select_related("request__patient", "request__procedure"))


def seen_of(person: Asker, steps: Iterable[ScheduledStep]) -> frozenset[int]:
    """The requests of these steps that the reader sees, by primary key."""
    rows = ExamRequest.objects.visible_to(person.scope).filter(pk__in={step.request_id for step in steps})
    return frozenset(rows.values_list("pk", flat=True))


def downtimes_in(rooms: Iterable[Room], span: Span) -> list[Downtime]:
    """What keeps these rooms closed within a span."""
    rows = Downtime.objects.filter(room__in=list(rooms), starts_at__lt=span.ends, ends_at__gt=span.starts)
    return list(rows.order_by("starts_at"))


def hours_of(rooms: Iterable[Room]) -> dict[int, list[Hours]]:
    """The opening hours of these rooms, by room."""
    found: dict[int, list[Hours]] = {room.pk: [] for room in rooms}
    for row in OpeningHours.objects.filter(room__in=list(found)):
        found[row.room_id].append(Hours(row.weekday, row.opens, row.closes))
    return found


def live_step(request: ExamRequest) -> ScheduledStep | None:
    """The place that a request has, if it has one."""
    rows = ScheduledStep.objects.filter(request=request, status__in=ScheduledStep.LIVE)
    return rows.select_related("room__department__site").first()


def of_day(person: Asker, room: Room, day: dt.date) -> list[ScheduledStep]:
    """Everything of a room's day that the reader may see, also what was missed or broken off; in order."""
    span = day_span(day, room.department.site.zone)
    rows = ScheduledStep.objects.filter(room=room, starts_at__gte=span.starts, starts_at__lt=span.ends)
    rows = rows.exclude(status=ScheduledStep.Status.CANCELLED).filter(request__in=requesting.requests(person.scope))
    return list(rows.select_related("request__patient", "request__procedure", "request__requesting_department"))


def waiting(person: Asker) -> list[ExamRequest]:
    """Requests that can be booked, the most urgent and oldest first."""
    ready = Q(state=State.VETTED) | Q(state=State.REQUESTED, procedure__needs_vetting=False) | Q(state=State.NO_SHOW)
    places = person.capabilities.get(Capability.SCHEDULE_EXAM, frozenset())
    rows = requesting.requests(person.scope).filter(ready, performing_department__in=places)
    return list(rows.order_by("priority", "requested_at", "pk")[:MOST_WAITING])


def next_places(request: ExamRequest, room: Room, *, most: int, since: dt.datetime | None = None) -> list[Span]:
    """The first free places for a request in a room, from now (or ``since``) on."""
    begin = since or timezone.now()
    zone = room.department.site.zone
    today = begin.astimezone(zone).date()
    whole = Span(begin, begin + dt.timedelta(days=DAYS_AHEAD + 1))
    taken = [Span(step.starts_at, step.ends_at) for step in booked(room, whole)]
    taken += [Span(down.starts_at, down.ends_at) for down in downtimes(room, whole)]
    hours = [Hours(row.weekday, row.opens, row.closes) for row in OpeningHours.objects.filter(room=room)]
    days = (open_spans(hours, today + dt.timedelta(days=ahead), zone) for ahead in range(DAYS_AHEAD))
    every = itertools.chain.from_iterable(days)
    grid = dt.timedelta(minutes=room.slot_minutes)
    return list(
        itertools.islice(free_places(list(every), taken, length=length_of(request), grid=grid, since=begin), most)
    )
