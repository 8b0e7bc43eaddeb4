"""The recipient's page as it would be, for the eyes of who shares: made whole, shown, and undone before anybody hears of it."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import get_script_prefix, get_urlconf, set_script_prefix, set_urlconf
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from imaging.sharing import door, scopes
from imaging.sharing.making import pages, services, words
from imaging.sharing.making.services import NotShared
from imaging.sharing.models import Share
from imaging.studies import access
from imaging.viewer.shared import page


@require_POST
@login_required
def preview(request: HttpRequest) -> HttpResponseBase:
    """Show what the recipient of a wish would see. Nothing is shared, sent or put on record by it."""
    try:
        offer = pages.offer(request, request.POST.get("study", "")[:64], request.POST.get("department", "")[:20])
    except access.RightMissing:
        raise PermissionDenied from None
    form = offer.form(request.POST)
    if not form.is_valid():
        return _refused(request, _("Fill in what is marked in the form, then look again."))
    if form.cleaned_data["is_deidentified"]:
        return _refused(
            request,
            _(
                "The copies without identity are made once you share. Those that must be looked at are shown to you first."
            ),
        )
    try:
        with transaction.atomic():
            made = services.make(offer.person, form.wish(offer.study.study_instance_uid))
            content = _page(request, made.share)
            transaction.set_rollback(True)
    except NotShared as error:
        return _refused(request, " ".join(words.said(problem) for problem in error.problems))
    response = HttpResponse(content)
    response["Cache-Control"] = "private, no-store"
    return response


def _page(request: HttpRequest, share: Share) -> str:
    """Write the page below an address that is none; its pictures are those of the portal, which who shares may see."""
    scope = scopes.scope_of_preview(share, actor=scopes.actor_of(share))
    before, prefix = get_urlconf(), get_script_prefix()
    set_urlconf(door.URLCONF)
    set_script_prefix(f"{prefix.rstrip('/')}{door.address_of(share.key)}")
    request.share_key = share.key  # type: ignore[attr-defined]
    try:
        with translation.override(share.language):
            told = page.told(share, scope, actor=request.actor)  # type: ignore[attr-defined]
            content = render_to_string("imaging/sharing/recipient.html", {**told, "is_preview": True}, request)
    finally:
        set_urlconf(before)
        set_script_prefix(prefix)
        del request.share_key  # type: ignore[attr-defined]
    return content.replace(f"{door.address_of(share.key)}studies/", "/studies/")


def _refused(request: HttpRequest, text: str) -> HttpResponse:
    context = {"title": _("There is nothing to preview yet"), "text": text, "code": 422}
    return render(request, "imaging/sharing/making/no_preview.html", context, status=422)
