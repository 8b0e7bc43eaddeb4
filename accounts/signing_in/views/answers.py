"""How forms of sign-in are answered: a page by a redirect, a script (``Accept: application/json``) by where to go."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect

from accounts.actor import Actor
from accounts.middleware import actor_of
from accounts.models import User
from accounts.roles import Door


def is_script(request: HttpRequest) -> bool:
    """Whether a script of ours asks, and shows what is wrong itself."""
    return request.headers.get("Accept", "").startswith("application/json")


def done(request: HttpRequest, to: str) -> HttpResponse:
    """Go on."""
    return JsonResponse({"location": to}) if is_script(request) else redirect(to)


def wrong(errors: Sequence[Any], status: int = 400) -> JsonResponse:
    """Say to a script what is wrong."""
    return JsonResponse({"errors": [str(error) for error in errors]}, status=status)


def messages_of(error: ValidationError) -> list[str]:
    """Return the sentences of an error."""
    return [str(message) for message in error.messages]


def person(request: HttpRequest) -> User:
    """Return the person of a request that only people who have signed in can make."""
    assert isinstance(request.user, User)
    return request.user


def actor(request: HttpRequest) -> Actor:
    """Return the person of a request as an actor."""
    return actor_of(request, Door.PAGE)
