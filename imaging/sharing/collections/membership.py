"""The members of a collection: who they are, what each may do; for who manages it. And leaving, for everybody."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from imaging.sharing.collections import selectors, services, words
from imaging.sharing.collections.doors import Here, for_members
from imaging.sharing.collections.forms import MemberForm, RightsForm
from imaging.sharing.collections.policies import NotDone


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def page(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Show the members, and add one."""
    if not here.rights.manages:
        raise PermissionDenied
    form = MemberForm(request.POST if request.method == "POST" else None, initial={"may_comment": True})
    if request.method == "POST" and form.is_valid():
        department = form.cleaned_data["department"]
        try:
            services.set_member(here.collection, here.person, form.rights(), user=form.user, department=department)
        except NotDone as error:
            form.add_error(None, words.said(error))
        else:
            messages.success(request, _("A member from now on, with the rights that you ticked."))
            return redirect("collections:members", key=here.collection.key)
    return _shown(request, here, form=form, status=422 if form.errors else 200)


def _shown(request: HttpRequest, here: Here, *, status: int = 200, **more: Any) -> HttpResponseBase:
    context = {
        "collection": here.collection,
        "rights": here.rights,
        "person": here.person,
        "members": selectors.members_of(here.collection),
        **more,
    }
    return render(request, "imaging/sharing/collections/members.html", context, status=status)


@require_POST
@for_members
def change(request: HttpRequest, here: Here, pk: int) -> HttpResponseBase:
    """Give a member other rights."""
    member = next((row for row in selectors.members_of(here.collection) if row.pk == pk), None)
    form = RightsForm(request.POST)
    if member is None or not form.is_valid():
        messages.warning(request, _("Nothing was changed: this member left, or was removed meanwhile."))
        return redirect("collections:members", key=here.collection.key)
    try:
        services.set_member(here.collection, here.person, form.rights(), user=member.user, department=member.department)
    except NotDone as error:
        messages.warning(request, words.said(error))
    else:
        messages.success(request, _("Changed. It counts from now on."))
    return _back(here)


def _back(here: Here) -> HttpResponseBase:
    """To the members for who still manages; to the list for who is no member any more."""
    now = selectors.collection_for(here.person, here.collection.key)
    if now is None:
        return redirect("collections:mine")
    return redirect("collections:members" if now[1].manages else "collections:collection", key=here.collection.key)


@require_POST
@for_members
def remove(request: HttpRequest, here: Here, pk: int) -> HttpResponseBase:
    """Take a member out."""
    try:
        services.remove_member(here.collection, here.person, pk)
    except NotDone as error:
        messages.warning(request, words.said(error))
    else:
        messages.success(request, _("Removed: they see nothing of this collection any more."))
    return _back(here)


@require_POST
@for_members
def leave(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Leave a collection."""
    services.leave(here.collection, here.person)
    messages.success(request, _("You have left the collection."))
    return redirect("collections:mine")
