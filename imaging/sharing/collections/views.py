"""Pages of collections: the list of mine, one of them, and what it is called."""

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts import selectors as accounts
from imaging.sharing.collections import doors, gathering, selectors, services, words
from imaging.sharing.collections.doors import Here, for_members, for_people
from imaging.sharing.collections.forms import CollectionForm, CommentForm, FindForm, NewCollectionForm, PasteForm
from imaging.sharing.collections.people import Person
from imaging.sharing.collections.policies import NotDone
from imaging.sharing.models import CollectionComment
from imaging.studies.finding.chosen_studies import MOST

_FARTHEST: Final = 10_000
#: Of the largest number of a row that there can be.
_DIGITS: Final = 18


@require_safe
@for_people
def page(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Show the collections of which somebody is a member, those in use or the archived ones."""
    return _list(request, person, is_archived=request.GET.get("show") == "archived")


@require_POST
@for_people
def find(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Show those whose name or description has these words: people write names into them, which stand in no address."""
    form = FindForm(request.POST)
    sought = form.cleaned_data["words"] if form.is_valid() else ""
    return _list(request, person, is_archived=request.POST.get("show") == "archived", sought=sought)


def _list(request: HttpRequest, person: Person, *, is_archived: bool, sought: str = "") -> HttpResponseBase:
    context = {
        "rows": selectors.mine(person, is_archived=is_archived, words=sought),
        "is_archived": is_archived,
        "sought": sought,
        "may_make": bool(person.makes_in),
    }
    return render(request, "imaging/sharing/collections/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def new(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Make a collection; with the studies in hand, where somebody comes with some (``begin``)."""
    if not person.makes_in:
        raise PermissionDenied
    departments = accounts.departments_named(person.makes_in)
    studies = request.POST.getlist("study")[:MOST]
    is_sent = request.method == "POST" and "begin" not in request.POST
    form = NewCollectionForm(request.POST if is_sent else None, departments=departments)
    if is_sent and form.is_valid():
        try:
            return _made(request, person, form, studies)
        except NotDone as error:
            form.add_error("department", words.said(error))
    context = {"form": form, "studies": studies}
    return render(request, "imaging/sharing/collections/new.html", context, status=422 if form.errors else 200)


def _made(request: HttpRequest, person: Person, form: NewCollectionForm, studies: list[str]) -> HttpResponseBase:
    made = services.make(person, form.wish())
    messages.success(request, _("The collection is there. Add studies to it, and members."))
    if studies:
        words.tell(request, gathering.add(made, person, studies))
    return redirect("collections:collection", key=made.key)


@require_safe
@for_members
def detail(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Show a collection; as a part, its studies, with 304 while nothing in them has changed."""
    if request.headers.get("HX-Request"):
        return doors.part(
            request, "imaging/sharing/collections/_rows.html", {**context_of(request, here), "is_part": True}
        )
    audit.record_read(
        audit.Action.COLLECTION_OPENED,
        actor=here.person.actor,
        subject_type="collection",
        subject_uid=here.collection.key,
        detail={"name": here.collection.name},
    )
    return shown(request, here)


def shown(request: HttpRequest, here: Here, *, status: int = 200, **more: Any) -> HttpResponseBase:
    """Return the page of a collection, with forms as they were sent where they were refused."""
    context = context_of(request, here)
    comments = selectors.comments_of(here.collection)
    changed, noted, about = (_number(request, name) for name in ("change", "note", "about"))
    context |= {
        "first": next((line.study for line in context["lines"] if line.study), None),
        "members": selectors.members_of(here.collection),
        "mentionable": selectors.mentionable(here.collection),
        "comments": comments,
        "changing": next((row for row in comments if row.pk == changed and _is_own(row, here)), None),
        "noting": next((line.item for line in context["lines"] if line.item.pk == noted and here.rights.may_add), None),
        "comment_form": CommentForm(initial={"item": about}),
        "paste_form": PasteForm(),
        **more,
    }
    return render(request, "imaging/sharing/collections/collection.html", context, status=status)


def _number(request: HttpRequest, name: str) -> int | None:
    """The number that an address gives; None for what is none."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _DIGITS else None


def _is_own(comment: CollectionComment, here: Here) -> bool:
    return comment.author_id == here.person.user.pk and comment.deleted_at is None


def context_of(request: HttpRequest, here: Here) -> dict[str, Any]:
    """Return what the parts of a collection's page have in common: its studies, from the one at ``?from=``."""
    begin = min(_number(request, "from") or 0, _FARTHEST)
    lines, has_more = selectors.lines(here.collection, here.person, here.rights, begin=begin)
    return {
        "collection": here.collection,
        "rights": here.rights,
        "person": here.person,
        "lines": lines,
        "begin": begin,
        "next": begin + selectors.PAGE if has_more else None,
        "previous": max(begin - selectors.PAGE, 0) if begin else None,
        "may_change": not here.collection.is_archived,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@for_members
def edit(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Call a collection otherwise; for who manages it."""
    if not here.rights.manages:
        raise PermissionDenied
    row = here.collection
    begun = {"name": row.name, "kind": row.kind, "description": row.description}
    form = CollectionForm(request.POST if request.method == "POST" else None, initial=begun)
    if request.method == "POST" and form.is_valid():
        services.change(row, here.person, **form.cleaned_data)
        messages.success(request, _("Changed."))
        return redirect("collections:collection", key=row.key)
    context = {"form": form, "collection": row}
    return render(request, "imaging/sharing/collections/edit.html", context, status=422 if form.errors else 200)


@require_POST
@for_members
def archive(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Put a collection away, or bring it back."""
    is_archived = request.POST.get("do") != "bring_back"
    services.archive(here.collection, here.person, is_archived=is_archived)
    if is_archived:
        messages.success(request, _("Archived: its studies open to nobody by it any more. You can bring it back."))
    else:
        messages.success(request, _("Brought back: members see its studies again."))
    return redirect("collections:collection", key=here.collection.key)
