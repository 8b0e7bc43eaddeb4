"""The day of a room for those who work in it: who comes, who is here, what is done."""

import datetime as dt
import uuid
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.roles import Capability
from imaging.orders import transitions
from imaging.orders.models import Room
from imaging.orders.performing import by_hand, day
from imaging.orders.requesting import facts
from imaging.orders.requesting.asking import act_of, conditional, for_readers, opened, stepping, the_request
from imaging.orders.requesting.policies import Asker
from imaging.orders.scheduling import selectors
from imaging.orders.scheduling.places import day_span
from imaging.orders.workflow import RULES, Step

_ROOM_WORKERS: Final = (Capability.SCHEDULE_EXAM, Capability.ACQUIRE)
_FIRST, _LAST = dt.date(1990, 1, 1), dt.date(2200, 1, 1)


@require_safe
@for_readers
def exams(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show a room's day with what may be said of each exam."""
    context = _day(request, person)
    audit.record_read(
        audit.Action.REQUESTS_LISTED,
        actor=person.actor,
        subject_type="request",
        subject_uid="",
        detail={"room": context["room"].code if context["room"] else "", "count": len(context["rows"])},
    )
    return render(request, "imaging/orders/performing/day.html", context)


@require_safe
@for_readers
def rows(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Give the exams alone; 304 while nothing that they show has changed."""
    return conditional(request, "imaging/orders/performing/_rows.html", _day(request, person))


def _rooms(person: Asker) -> list[Room]:
    if not person.capabilities.keys() & set(_ROOM_WORKERS):
        raise PermissionDenied
    return selectors.rooms(person, *_ROOM_WORKERS)


def _day(request: HttpRequest, person: Asker) -> dict[str, Any]:
    rooms = _rooms(person)
    room = next((one for one in rooms if one.code == request.GET.get("room")), rooms[0] if rooms else None)
    if room is None:
        return {"rooms": rooms, "room": None, "rows": []}
    zone = room.department.site.zone
    now = day.today(zone, timezone.now())
    shown = _shown(request.GET, now)
    steps = selectors.of_day(person, room, shown)
    return {
        "rooms": rooms,
        "room": room,
        "zone": room.department.site.time_zone,
        "day": shown,
        "is_today": shown == now,
        "before": shown - dt.timedelta(days=1),
        "after": shown + dt.timedelta(days=1),
        "here": urlencode({"room": room.code, "day": shown.isoformat()}),
        "rows": [day.exam(step, person) for step in steps],
        "downtimes": selectors.downtimes(room, day_span(shown, zone)),
    }


def _shown(given: QueryDict, now: dt.date) -> dt.date:
    """The day of the address, or today where the room is."""
    try:
        return min(max(dt.date.fromisoformat(given.get("day", "")), _FIRST), _LAST)
    except ValueError:
        return now


@require_safe
@for_readers
def why(request: HttpRequest, person: Asker, key: uuid.UUID, step: str) -> HttpResponseBase:
    """Ask why, before something is said that colleagues and the requester want to understand: a page, or a dialog's words."""
    the_request(person, key)
    taken = _step(step)
    if taken is None or not RULES[taken].needs_reason:
        raise Http404
    found = opened(person, key)
    if taken not in transitions.offered(found, person.by):
        messages.warning(request, _("The request has gone on meanwhile: this cannot be done any more."))
        return redirect(_back(request.GET))
    context = {
        "exam": found,
        "line": facts.line(found),
        "act": day.act(taken),
        "reasons": day.REASONS if taken is Step.DISCONTINUE else (),
        "back": _back(request.GET),
        "here": _here(request.GET),
    }
    part = "_why" if request.headers.get("HX-Request") else "why"
    return render(request, f"imaging/orders/performing/{part}.html", context)


@require_POST
@for_readers
def take(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Say what became of a patient of the day, or take it back."""
    the_request(person, key)
    name, version = act_of(request)
    step = _step(name)
    if step is None:
        raise Http404
    _say(request, person, key, step, version)
    return redirect(f"{_back(request.GET)}#exam-{key}")


def _step(name: str) -> Step | None:
    return next((one for one in by_hand.SAID if one.value == name), None)


def _here(given: QueryDict) -> str:
    """Room and day of an address, and nothing else of it."""
    return urlencode({name: given[name][:32] for name in ("room", "day") if name in given})


def _back(given: QueryDict) -> str:
    here = _here(given)
    return reverse("orders:exams") + (f"?{here}" if here else "")


def _say(request: HttpRequest, person: Asker, key: uuid.UUID, step: Step, version: int) -> None:
    def said() -> str:
        reason = request.POST.get("reason", "").replace("\x00", "")
        by_hand.take(key, step, by=person.by, reason=reason, seen_version=version)
        return _("Noted. Who asked sees it.")

    try:
        stepping(request, key, said)
    except by_hand.PlaceGone as gone:
        messages.warning(request, day.place_gone(gone))
