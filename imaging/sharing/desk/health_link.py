"""A link for a recipient's health wallet, made by who shared: shown this once, to be handed over or printed."""

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from imaging.sharing.desk import policies, selectors
from imaging.sharing.desk.selectors import Keeper
from imaging.sharing.desk.views import for_keepers
from imaging.sharing.entrance.services import Refused
from imaging.sharing.health_link import pictures, services


@require_POST
@for_keepers
def make(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Make the link, and show it; the one before opens nothing any more."""
    share = selectors.share_for(person, key)
    if share is None:
        raise Http404
    try:
        if not policies.acts_of(person, share).health_link:
            raise Refused("no_health_link")
        handed = services.make(share, actor=person.actor, user=person.user)
    except Refused:
        messages.warning(request, _("Nothing was made: of this share there can be no link for a health wallet now."))
        return redirect("sharing:share", key=key)
    context = {"share": share, "handed": handed, "drawing": pictures.drawing_of(handed.address)}
    return render(request, "imaging/sharing/desk/health_link.html", context)
