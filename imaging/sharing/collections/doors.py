"""Who comes to a page of a collection: found before the page begins, and answered alike where there is none."""

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response

from imaging.sharing.collections import people, selectors, words
from imaging.sharing.collections.people import Person
from imaging.sharing.collections.policies import NotDone, Rights
from imaging.sharing.models import Collection

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Here:
    """A collection, who has it open, and what they may do in it."""

    person: Person
    collection: Collection
    rights: Rights


def for_people(view: Callable[Concatenate[HttpRequest, Person, P], HttpResponseBase]) -> View[P]:
    """Make a page of who sees images in some department: 403 for others."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        scope, actor = request.scope, request.actor  # type: ignore[attr-defined]
        found = people.person(request.user, scope=scope, actor=actor)
        if found is None:
            raise PermissionDenied
        response = view(request, found, *args, **names)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)  # type: ignore[return-value]


def for_members(view: Callable[Concatenate[HttpRequest, Here, P], HttpResponseBase]) -> View[Concatenate[str, P]]:
    """Make a page of a collection's members: for all others it does not exist. What is not done is said on its page."""

    @functools.wraps(view)
    def answer(request: HttpRequest, person: Person, key: str, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        found = selectors.collection_for(person, key)
        if found is None:
            raise Http404
        try:
            return view(request, Here(person, *found), *args, **names)
        except NotDone as error:
            messages.warning(request, words.said(error))
            return redirect("collections:collection", key=key)

    return for_people(answer)  # type: ignore[arg-type]


def member_of(request: HttpRequest, key: str) -> str:
    """Return the identifier of a collection that an address names, for a member of it; empty for everybody else."""
    if not key:
        return ""
    scope, actor = request.scope, request.actor  # type: ignore[attr-defined]
    found = people.person(request.user, scope=scope, actor=actor)
    return key if found is not None and selectors.is_member(found, key) else ""


def part(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponseBase:
    """Answer with a part of a page; 304 while it is what the reader has."""
    text = render_to_string(template, context, request)
    tag = f'"{hashlib.sha256(json.dumps(text).encode()).hexdigest()[:32]}"'
    response: HttpResponseBase = get_conditional_response(request, etag=tag) or HttpResponse(text)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response
