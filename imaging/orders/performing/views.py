"""The day of a room for those who work in it: who comes, who is here, what is done."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Capability
from imaging.orders import transitions
from imaging.orders.catalogue import questions
from imaging.orders.performing import by_hand
from imaging.orders.requesting import facts
from imaging.orders.requesting.asking import for_readers, stepping, the_request, version_of
from imaging.orders.requesting.policies import Asker
from imaging.orders.scheduling import selectors
from imaging.orders.workflow import RULES, Step


@require_safe
@for_readers
def exams(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show today's exams of a room with what may be said of each."""
    rooms = selectors.rooms(person, Capability.SCHEDULE_EXAM, Capability.ACQUIRE)
    if not rooms and not (person.capabilities.keys() & {Capability.SCHEDULE_EXAM, Capability.ACQUIRE}):
        raise PermissionDenied
    room = next((one for one in rooms if one.code == request.GET.get("room")), rooms[0] if rooms else None)
    rows = []
    if room is not None:
        today = timezone.now().astimezone(room.department.site.zone).date()
        for step in selectors.of_day(person, room, today):
            offered = [one for one in transitions.offered(step.request, person.by) if one in by_hand.FOLLOWS]
            rows.append(
                {
                    "step": step,
                    "line": facts.line(step.request),
                    "safety": questions.answered(step.request.safety),
                    "acts": [(one.value, facts.STEPS[one.value], RULES[one].needs_reason) for one in offered],
                }
            )
    return render(request, "imaging/orders/performing/day.html", {"rooms": rooms, "room": room, "rows": rows})


@require_POST
@for_readers
def take(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Say what became of a patient of the day, or take it back."""
    the_request(person, key)
    step = next((one for one in by_hand.FOLLOWS if one.value == request.POST.get("step")), None)
    if step is None:
        raise Http404
    _say(request, person, key, step)
    return redirect("orders:exams")


def _say(request: HttpRequest, person: Asker, key: uuid.UUID, step: Step) -> None:
    def said() -> str:
        reason = request.POST.get("reason", "").replace("\x00", "")
        by_hand.take(key, step, by=person.by, reason=reason, seen_version=version_of(request) or 0)
        return _("Noted. Who asked sees it.")

    try:
        stepping(request, key, said)
    except by_hand.PlaceGone:
        messages.warning(request, _("Nothing was noted: the place has been given to somebody else. Book it anew."))
