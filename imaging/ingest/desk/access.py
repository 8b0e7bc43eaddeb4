"""Who comes to the desks: people with the capability; the rest is refused before anything is looked up."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.roles import Right
from accounts.scope import Scope
from imaging.ingest.desk import selectors
from imaging.ingest.desk.policies import Decider

P = ParamSpec("P")


def for_deciders(
    view: Callable[Concatenate[HttpRequest, Decider, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of the quarantine desk: 403 for people who may decide nowhere, whatever they ask for."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        decider = decider_of(request)
        if decider is None:
            raise PermissionDenied
        return _unkept(view(request, decider, *args, **names))

    return login_required(answer)  # type: ignore[return-value]


def for_writers(
    view: Callable[Concatenate[HttpRequest, Scope, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of the conflict desk: for people who may write to some study."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        scope: Scope = request.scope  # type: ignore[attr-defined]
        if not scope.may(Right.WRITE):
            raise PermissionDenied
        return _unkept(view(request, scope, *args, **names))

    return login_required(answer)  # type: ignore[return-value]


def decider_of(request: HttpRequest) -> Decider | None:
    """The person of a request as one who decides; None for others."""
    return selectors.decider(
        request.user,
        actor=request.actor,  # type: ignore[attr-defined]
        scope=request.scope,  # type: ignore[attr-defined]
    )


def _unkept(response: HttpResponseBase) -> HttpResponseBase:
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private, no-store"
    return response
