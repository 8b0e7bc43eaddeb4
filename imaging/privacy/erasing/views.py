"""Erasing what was ticked on the page of a request."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.roles import Capability
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from imaging.privacy.erasing import services
from imaging.privacy.looking.views import not_on_record
from imaging.privacy.models import DataSubjectRequest
from imaging.privacy.officers import actor_of, for_people_with


@require_POST
@for_people_with(Capability.MANAGE_PRIVACY)
@step_up.required(Act.ADMINISTRATION)
def erase(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Erase what was ticked, and say how much went."""
    found = get_object_or_404(DataSubjectRequest.objects.select_related("patient", "account"), pk=pk)
    keys = set(request.POST.getlist("what"))
    if not found.is_open or found.kind != DataSubjectRequest.Kind.ERASURE or not keys:
        messages.error(request, _("Nothing was erased: tick what is to go, on an open request for erasure."))
        return redirect("privacy:request", pk=pk)
    try:
        gone = sum(services.erase(found, keys, actor=actor_of(request)).values())
    except services.StillActive:
        messages.error(request, _("Nothing was erased: the account can still sign in. Have it switched off first."))
    except audit.AuditUnavailable:
        not_on_record(request)
    else:
        said = ngettext("%(number)d entry was erased.", "%(number)d entries were erased.", gone)
        messages.success(request, said % {"number": gone})
    return redirect("privacy:request", pk=pk)
