"""Comments of a collection's page: the newest, as a part that refreshes itself; written, changed, deleted."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from imaging.sharing.collections import doors, selectors, talking, views
from imaging.sharing.collections.doors import Here, for_members
from imaging.sharing.collections.forms import CommentForm


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def comments(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Show the comments as a part of the page; keep a new one."""
    if request.method != "POST":
        context = {
            "collection": here.collection,
            "rights": here.rights,
            "person": here.person,
            "comments": selectors.comments_of(here.collection),
            "may_change": not here.collection.is_archived,
        }
        return doors.part(request, "imaging/sharing/collections/_comments.html", context)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return views.shown(request, here, status=422, comment_form=form)
    talking.write(here.collection, here.person, form.cleaned_data["words"], item=form.cleaned_data["item"])
    return _back(here)


def _back(here: Here) -> HttpResponseBase:
    return redirect(f"{reverse('collections:collection', args=[here.collection.key])}#comments")


@require_POST
@for_members
def change(request: HttpRequest, here: Here, pk: int) -> HttpResponseBase:
    """Say one's own comment otherwise."""
    form = CommentForm(request.POST)
    if form.is_valid():
        talking.change(here.collection, here.person, pk, form.cleaned_data["words"])
    else:
        messages.warning(request, _("The comment was not changed: it needs words, and at most 4000 characters."))
    return _back(here)


@require_POST
@for_members
def delete(request: HttpRequest, here: Here, pk: int) -> HttpResponseBase:
    """Take one's own comment back."""
    talking.delete(here.collection, here.person, pk)
    return _back(here)
