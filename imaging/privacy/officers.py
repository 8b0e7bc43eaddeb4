"""Who comes to the privacy desk: people with the capability; the rest is refused before anything is looked up."""

import functools
from collections.abc import Callable
from typing import ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.actor import Actor
from accounts.roles import Capability
from accounts.selectors import is_capable

P = ParamSpec("P")
View = Callable[P, HttpResponseBase]


def for_people_with(*capabilities: Capability) -> Callable[[View[P]], View[P]]:
    """Make a page of the desk: 403 for people with none of the capabilities, whatever they ask for; never kept by a browser."""

    def before(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def answer(*args: P.args, **names: P.kwargs) -> HttpResponseBase:
            request = args[0]
            if not isinstance(request, HttpRequest) or not any(is_capable(request.user, one) for one in capabilities):
                raise PermissionDenied
            response = view(*args, **names)
            if not response.has_header("Cache-Control"):
                response["Cache-Control"] = "private, no-store"
            return response

        return login_required(answer)

    return before


def actor_of(request: HttpRequest) -> Actor:
    """The person of a request, as services and the audit know them."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def name_of(actor: Actor) -> str:
    """The name under which a person signs what they did here."""
    return (actor.name or actor.id)[:150]
