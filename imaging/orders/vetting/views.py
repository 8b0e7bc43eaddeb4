"""The vetting list: what is to be done, how, or why not."""

import uuid
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Capability
from imaging.orders import transitions
from imaging.orders.catalogue import questions
from imaging.orders.requesting import facts
from imaging.orders.requesting.asking import for_readers, stepping, the_request, version_of
from imaging.orders.requesting.policies import Asker
from imaging.orders.vetting import selectors
from imaging.orders.workflow import Step

_LONGEST_PROTOCOL: Final = 4000
_DECISIONS: Final = {step.value: step for step in (Step.VET, Step.RETURN, Step.REFUSE, Step.UNVET)}


@require_safe
@for_readers
def vetting(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show what waits, each with its question, its safety answers and its protocol."""
    if not person.capabilities.get(Capability.VET_REQUEST):
        raise PermissionDenied
    rows = [
        {"line": facts.line(row), "exam": row, "safety": questions.answered(row.safety)}
        for row in selectors.to_vet(person)
    ]
    context = {"rows": rows, "vetted": [facts.line(row) for row in selectors.just_vetted(person)]}
    return render(request, "imaging/orders/vetting/list.html", context)


@require_POST
@for_readers
def decide(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Vet with a protocol, return with a question, refuse with a reason, or take the vetting back."""
    the_request(person, key)
    step = _DECISIONS.get(request.POST.get("step", ""))
    if step is None:
        raise Http404
    text = request.POST.get("text", "").replace("\x00", "").strip()

    def take() -> str:
        changes = {"protocol": text[:_LONGEST_PROTOCOL], "vetted_by": person.user} if step is Step.VET else {}
        reason = text if step in {Step.RETURN, Step.REFUSE} else ""
        transitions.take(key, step, by=person.by, reason=reason, seen_version=version_of(request) or 0, changes=changes)
        return _("Decided. Who asked sees it.")

    stepping(request, key, take)
    return redirect("orders:vetting")
