"""Restricting a record on the page of a request, and lifting it."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.roles import Capability
from imaging.privacy.models import DataSubjectRequest
from imaging.privacy.officers import actor_of, for_people_with
from imaging.privacy.restricting import services


@require_POST
@for_people_with(Capability.MANAGE_PRIVACY)
def restrict(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Restrict the record of the request's patient, or lift it when the field `lift` says so."""
    found = get_object_or_404(DataSubjectRequest.objects.select_related("patient"), pk=pk, patient__isnull=False)
    reason = request.POST.get("reason", "")[:200]
    try:
        if request.POST.get("lift"):
            services.lift(found, reason=reason, actor=actor_of(request))
            messages.success(request, _("The restriction is lifted: the usual rules hold again."))
        else:
            services.restrict(found, reason=reason, actor=actor_of(request))
            messages.success(
                request, _("The record is restricted: it opens in an emergency alone, and every attempt is on record.")
            )
    except services.ReasonMissing:
        messages.error(request, _("Nothing was changed: write down the reason."))
    except services.NothingToLift:
        messages.info(request, _("The record was not restricted any more."))
    return redirect("privacy:request", pk=pk)
