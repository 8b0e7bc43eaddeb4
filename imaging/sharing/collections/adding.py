"""Putting studies into a collection: from the list, a study's page or the viewer, and by UID; notes, order, taking out."""

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.roles import Right
from imaging.sharing.collections import gathering, selectors, views, words
from imaging.sharing.collections.doors import Here, for_members, for_people
from imaging.sharing.collections.forms import NoteForm, PasteForm
from imaging.sharing.collections.gathering import Added
from imaging.sharing.collections.people import Person
from imaging.sharing.collections.policies import NotDone
from imaging.studies.finding.chosen_studies import chosen_studies


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def choose(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Ask into which collection the studies in hand go."""
    sent = request.POST if request.method == "POST" else request.GET
    found = chosen_studies(person.scope, sent.getlist("study"), right=Right.SHARE)
    context = {
        "studies": found.studies,
        "left_out": words.came_of(Added(without_right=found.without_right, unknown=found.unknown))[1],
        "collections": selectors.addable(person),
        "may_make": bool(person.makes_in),
        "form": NoteForm(),
    }
    return render(request, "imaging/sharing/collections/choose.html", context)


@require_POST
@for_people
def put(request: HttpRequest, person: Person) -> HttpResponseBase:
    """Put the studies in hand into the collection that was chosen."""
    found = selectors.collection_for(person, request.POST.get("collection", "")[:16].replace("\x00", ""))
    form = NoteForm(request.POST)
    if found is None or not form.is_valid():
        messages.warning(request, _("Nothing was added: choose a collection first."))
        return redirect("collections:mine")
    try:
        added = gathering.add(found[0], person, request.POST.getlist("study"), note=form.cleaned_data["note"])
    except NotDone as error:
        messages.warning(request, words.said(error))
    else:
        words.tell(request, added)
    return redirect("collections:collection", key=found[0].key)


@require_POST
@for_members
def paste(request: HttpRequest, here: Here) -> HttpResponseBase:
    """Put studies into a collection by their UIDs."""
    form = PasteForm(request.POST)
    if not form.is_valid():
        return views.shown(request, here, status=422, paste_form=form)
    told = form.cleaned_data
    words.tell(request, gathering.add(here.collection, here.person, told["uids"], note=told["note"]))
    return redirect("collections:collection", key=here.collection.key)


@require_POST
@for_members
def remove(request: HttpRequest, here: Here, pk: int) -> HttpResponseBase:
    """Take a study out."""
    gathering.remove(here.collection, here.person, pk)
    messages.success(request, _("Taken out: no member sees it by this collection any more."))
    return redirect("collections:collection", key=here.collection.key)


@require_POST
@for_members
def note(request: HttpRequest, here: Here, pk: int) -> HttpResponseBase:
    """Say why a study is here."""
    form = NoteForm(request.POST)
    if form.is_valid():
        gathering.write_note(here.collection, here.person, pk, form.cleaned_data["note"])
    else:
        messages.warning(request, _("The note was not kept: it is longer than 300 characters."))
    return redirect("collections:collection", key=here.collection.key)


@require_POST
@for_members
def move(request: HttpRequest, here: Here, pk: int) -> HttpResponseBase:
    """Move a study up or down in the order of presentation."""
    gathering.move(here.collection, here.person, pk, by=-1 if request.POST.get("to") == "up" else 1)
    return redirect("collections:collection", key=here.collection.key)
