"""Taking back what was said of a request, on its own page: a refusal, a question, a cancelling, an absence, an exam broken off."""

import uuid
from collections.abc import Mapping
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from imaging.orders import transitions
from imaging.orders.models import ExamRequest
from imaging.orders.performing import by_hand, day
from imaging.orders.requesting.asking import act_of, for_readers, stepping, the_request
from imaging.orders.requesting.policies import Asker
from imaging.orders.workflow import Step

#: What the page offers, with the words of its button, and whether a place goes with it.
_OFFERED: Final[Mapping[Step, str | Promise]] = {
    Step.UNVET: gettext_lazy("Take the vetting back"),
    Step.RECALL: gettext_lazy("Take the question back"),
    Step.RECONSIDER: gettext_lazy("Take the refusal back"),
    Step.UNCANCEL: gettext_lazy("Take the cancelling back"),
    Step.UNMISS: pgettext_lazy("exam of the day", "Expected after all"),
    Step.RESUME: pgettext_lazy("exam of the day", "Resume the exam"),
    Step.REVIVE: gettext_lazy("Let it wait for a new place"),
}


def offered(request: ExamRequest, person: Asker) -> list[tuple[str, str]]:
    """What this person may take back of a request: (step, words)."""
    found = transitions.offered(request, person.by)
    return [(step.value, str(words)) for step, words in _OFFERED.items() if step in found]


@require_POST
@for_readers
def take_back(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Take the last step back, to where the request came from."""
    the_request(person, key)
    name, seen = act_of(request)
    step = next((one for one in _OFFERED if one.value == name), None)
    if step is None:
        raise Http404

    def take() -> str:
        if step in by_hand.SAID:
            by_hand.take(key, step, by=person.by, reason="", seen_version=seen)
        else:
            transitions.take(key, step, by=person.by, seen_version=seen)
        return _("Taken back. The history keeps both.")

    try:
        return stepping(request, key, take)
    except by_hand.PlaceGone as gone:
        messages.warning(request, day.place_gone(gone))
        return redirect("orders:request", key=key)
