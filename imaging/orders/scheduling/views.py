"""The calendar of rooms for those who book them, the requests that wait for a place, and the place of one request."""

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Capability
from imaging.orders.models import ExamRequest, Priority, Room
from imaging.orders.requesting import facts
from imaging.orders.requesting.asking import conditional, for_readers, opened, the_request, version_of
from imaging.orders.requesting.policies import Asker
from imaging.orders.scheduling import board, selectors, services
from imaging.orders.transitions import ChangedMeanwhile, NotAllowed
from imaging.orders.workflow import TransitionRefused

#: Free places that are offered for a request, and in one room.
_PLACES: Final = 6
_FIRST, _LAST = dt.date(1990, 1, 1), dt.date(2200, 1, 1)


class _NotBooked(Exception):
    """What was asked for was not done; the text says why and what to do. ``asks_why`` where a reason would let it be done."""

    def __init__(self, words: str, *, asks_why: bool = False) -> None:
        super().__init__(words)
        self.asks_why = asks_why


@require_safe
@for_readers
def schedule(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show a day of all rooms, or a week of one, and what waits for a place."""
    return render(request, "imaging/orders/scheduling/schedule.html", _shown(request.GET, person))


@require_safe
@for_readers
def rooms_board(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Give the calendar alone; 304 while nothing in it has changed."""
    return conditional(request, "imaging/orders/scheduling/_board.html", _shown(request.GET, person))


def _shown(given: QueryDict, person: Asker) -> dict[str, Any]:
    rooms = _rooms(person)
    room = next((one for one in rooms if one.code == given.get("room")), rooms[0] if rooms else None)
    waiting = [facts.line(row) for row in selectors.waiting(person)]
    if room is None:
        return {"rooms": rooms, "room": None, "waiting": waiting}
    today = timezone.now().astimezone(room.department.site.zone).date()
    day, is_week = _day(given, today), given.get("view") == "week"
    step = dt.timedelta(days=7 if is_week else 1)
    here = {"view": "week", "room": room.code} if is_week else {}
    return {
        "rooms": rooms,
        "room": room,
        "day": day,
        "today": today,
        "is_week": is_week,
        "board": board.of_week(person, room, day) if is_week else board.of_day(person, rooms, day),
        "waiting": waiting,
        "here": urlencode({**here, "day": day.isoformat()}),
        "came": urlencode({f"from_{name}": value for name, value in ({**here, "day": day.isoformat()}).items()}),
        "before": urlencode({**here, "day": (day - step).isoformat()}),
        "after": urlencode({**here, "day": (day + step).isoformat()}),
        "now": urlencode(here),
    }


def _day(given: QueryDict, today: dt.date) -> dt.date:
    """The day of the address, or today where the room is."""
    try:
        return min(max(dt.date.fromisoformat(given.get("day", "")), _FIRST), _LAST)
    except ValueError:
        return today


@require_safe
@for_readers
def one(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Show the place of one request and where else it finds one: a page, or the words of the calendar's dialog."""
    rooms = _rooms(person)
    the_request(person, key)
    found = opened(person, key)
    suitable = [room for room in rooms if selectors.suits(room, found)]
    step = selectors.live_step(found)
    wished = request.GET.get("at", "")[:40]
    context = {
        "line": facts.line(found),
        "step": step,
        "suitable": suitable,
        "places": [(room, place) for room in suitable for place in selectors.next_places(found, room, most=_PLACES)],
        "here": _here(request.GET),
        "back": _calendar(request.GET),
        "room_code": request.GET.get("room", "") or (step.room.code if step else ""),
        "wished": _local(wished, rooms, request.GET.get("room", "")),
        "is_stat": found.priority == Priority.STAT,
        "may_unbook": step is not None and found.state == ExamRequest.State.SCHEDULED,
        "is_bookable": found.pk in {row.pk for row in selectors.waiting(person)} or step is not None,
    }
    part = "_one" if request.headers.get("HX-Request") else "one"
    return render(request, f"imaging/orders/scheduling/{part}.html", context)


def _local(wished: str, rooms: list[Room], code: str) -> str:
    """A moment as a field for local time has it, by the clock of the room's site; empty for none."""
    room = next((one for one in rooms if one.code == code), None)
    try:
        at = dt.datetime.fromisoformat(wished)
    except ValueError:
        return ""
    if room is not None and at.tzinfo:
        at = at.astimezone(room.department.site.zone)
    return at.strftime("%Y-%m-%dT%H:%M")


@require_POST
@for_readers
def book(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Book a place, or move a booking: room, day and time of the room's site. JSON for the calendar, which stays as it is."""
    the_request(person, key)

    def take() -> str:
        room = next((one for one in _rooms(person) if one.code == request.POST.get("room")), None)
        if room is None:
            raise Http404
        return _booked(request, person, key, room)

    return _told(request, key, take)


def _booked(request: HttpRequest, person: Asker, key: uuid.UUID, room: Room) -> str:
    try:
        clock = dt.datetime.fromisoformat(request.POST.get("at", ""))
        starts = clock if clock.tzinfo else clock.replace(tzinfo=room.department.site.zone)
        # A year with which no zone can reckon is no time either.
        starts.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise _NotBooked(_("Nothing was booked: give a day and a time.")) from None
    reason = request.POST.get("overruling", "").replace("\x00", "")
    try:
        services.book(key, room, starts, by=person.by, seen_version=version_of(request) or 0, overruling=reason)
    except services.Taken:
        raise _NotBooked(_("Nothing was booked or moved: the place is taken. Choose another.")) from None
    except services.Closed:
        is_stat = ExamRequest.objects.filter(key=key, priority=Priority.STAT).exists()
        said = _(
            "Nothing was booked or moved: the room is closed then. Choose another time; only a STAT exam is booked then, with a reason."
        )
        raise _NotBooked(said, asks_why=is_stat) from None
    except services.NotSuited:
        raise _NotBooked(
            _("Nothing was booked or moved: this exam is not done in this room. Choose another room.")
        ) from None
    return _("Booked. Who asked is told.")


@require_POST
@for_readers
def unbook(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Give a place back: the request waits again."""
    the_request(person, key)
    _rooms(person)

    def take() -> str:
        services.unbook(key, by=person.by, seen_version=version_of(request) or 0)
        return _("The place is free again, and the request waits for another.")

    return _told(request, key, take)


def _told(request: HttpRequest, key: uuid.UUID, take: Callable[[], str]) -> HttpResponseBase:
    """Do it and say so: to a script as JSON (409 for what was not done), to a form on the calendar that it came from."""
    problem: _NotBooked | None = None
    said = ""
    try:
        said = take()
    except _NotBooked as refused:
        problem = refused
    except ChangedMeanwhile:
        problem = _NotBooked(_("Somebody has changed this request meanwhile. Nothing was done: look at it first."))
    except TransitionRefused:
        problem = _NotBooked(_("The request has gone on meanwhile: this cannot be done any more."))
    except NotAllowed as refused:
        raise PermissionDenied from refused
    if request.headers.get("Accept") == "application/json":
        if problem is None:
            return JsonResponse({"said": said})
        return JsonResponse({"problem": str(problem), "asks_why": problem.asks_why}, status=409)
    if problem is None:
        messages.success(request, said)
        return redirect(_calendar(request.GET))
    messages.warning(request, str(problem))
    asked = {"room": request.POST.get("room", "")[:16], "at": request.POST.get("at", "")[:40]}
    return redirect(f"{reverse('orders:schedule-one', args=[key])}?{urlencode(asked)}&{_here(request.GET)}")


def _here(given: QueryDict) -> str:
    """Which calendar an address came from, as part of an address."""
    kept = {name: given.get(f"from_{name}", "")[:16] for name in ("view", "room", "day")}
    return urlencode({f"from_{name}": value for name, value in kept.items() if value})


def _calendar(given: QueryDict) -> str:
    kept = {name: given.get(f"from_{name}", "")[:16] for name in ("view", "room", "day")}
    query = urlencode({name: value for name, value in kept.items() if value})
    return f"{reverse('orders:schedule')}{'?' if query else ''}{query}"


def _rooms(person: Asker) -> list[Room]:
    if not person.capabilities.get(Capability.SCHEDULE_EXAM):
        raise PermissionDenied
    return selectors.rooms(person, Capability.SCHEDULE_EXAM)
