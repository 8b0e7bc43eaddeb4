"""A room's day for those who book it, and the requests that wait for a place."""

import datetime as dt
import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Capability
from imaging.orders.models import Room
from imaging.orders.requesting import facts
from imaging.orders.requesting.asking import for_readers, stepping, the_request, version_of
from imaging.orders.requesting.policies import Asker
from imaging.orders.scheduling import selectors, services
from imaging.orders.scheduling.places import day_span

_PLACES = 6


@require_safe
@for_readers
def schedule(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show a room's day, what waits, and the next free places of the request that is chosen."""
    rooms = _rooms(person)
    room = next((one for one in rooms if one.code == request.GET.get("room")), rooms[0] if rooms else None)
    waiting = selectors.waiting(person)
    chosen = next((row for row in waiting if str(row.key) == request.GET.get("request")), None)
    context: dict[str, Any] = {
        "rooms": rooms,
        "room": room,
        "waiting": [facts.line(row) for row in waiting],
        "chosen": facts.line(chosen) if chosen else None,
    }
    if room is not None:
        day = the_day(request, room)
        span = day_span(day, room.department.site.zone)
        context |= {
            "day": day,
            "before": day - dt.timedelta(days=1),
            "after": day + dt.timedelta(days=1),
            "steps": [(step, facts.line(step.request)) for step in selectors.of_day(person, room, day)],
            "opened": selectors.opened(room, day),
            "downtimes": selectors.downtimes(room, span),
            "zone": room.department.site.time_zone,
        }
    if chosen is not None:
        suitable = [one for one in rooms if selectors.suits(one, chosen)]
        context["places"] = [
            (one, place) for one in suitable for place in selectors.next_places(chosen, one, most=_PLACES)
        ]
        context["suitable"] = suitable
    return render(request, "imaging/orders/scheduling/day.html", context)


def the_day(request: HttpRequest, room: Room) -> dt.date:
    """The day of the address, or today where the room is."""
    try:
        day = dt.date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        day = timezone.now().astimezone(room.department.site.zone).date()
    return min(max(day, dt.date(1990, 1, 1)), dt.date(2200, 1, 1))


@require_POST
@for_readers
def book(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Book a place, or move a booking: room, day and time of the room's site."""
    the_request(person, key)
    room = next((one for one in _rooms(person) if one.code == request.POST.get("room")), None)
    if room is None:
        raise Http404
    try:
        clock = dt.datetime.fromisoformat(request.POST.get("at", ""))
    except ValueError:
        messages.warning(request, _("Nothing was booked: give a day and a time."))
        return redirect("orders:schedule")
    starts = clock if clock.tzinfo else clock.replace(tzinfo=room.department.site.zone)

    _book(request, person, key, room, starts)
    return redirect(f"{reverse('orders:schedule')}?room={room.code}&day={starts.date().isoformat()}")


def _book(request: HttpRequest, person: Asker, key: uuid.UUID, room: Room, starts: dt.datetime) -> None:
    def take() -> str:
        reason = request.POST.get("overruling", "").replace("\x00", "")
        seen = version_of(request) or 0
        services.book(key, room, starts, by=person.by, seen_version=seen, overruling=reason)
        return _("Booked. Who asked is told.")

    try:
        stepping(request, key, take)
    except services.Taken:
        messages.warning(request, _("Nothing was booked: the place is taken. The day shows by whom; choose another."))
    except services.Closed:
        messages.warning(
            request,
            _("Nothing was booked: the room is closed then. Only a STAT exam is booked all the same, with a reason."),
        )
    except services.NotSuited:
        messages.warning(request, _("Nothing was booked: this exam is not done in this room."))


@require_POST
@for_readers
def unbook(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Give a place back: the request waits again."""
    the_request(person, key)

    def take() -> str:
        services.unbook(key, by=person.by, seen_version=version_of(request) or 0)
        return _("The place is free again, and the request waits for another.")

    stepping(request, key, take)
    return redirect("orders:schedule")


def _rooms(person: Asker) -> list[Room]:
    if not person.capabilities.get(Capability.SCHEDULE_EXAM):
        raise PermissionDenied
    return selectors.rooms(person, Capability.SCHEDULE_EXAM)
