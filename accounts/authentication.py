"""Django REST framework's view of who has come in: what the middleware already decided."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts import machines
from accounts.defence.forgery import why_not_proven
from accounts.models import MachineKey, User


class Machine(AnonymousUser):
    """A machine, as far as Django REST framework needs a user: recognised, and without any permission."""

    def __init__(self, key: MachineKey) -> None:
        super().__init__()
        self.key = key

    def __str__(self) -> str:
        return self.key.name

    @property
    def is_authenticated(self) -> Any:
        """A machine with a right key has been recognised."""
        return True

    @property
    def is_anonymous(self) -> Any:
        """A machine has a name."""
        return False


class NotProven(PermissionDenied):
    """A request of a session without the token that only our own pages know."""


class PortalAuthentication(SessionAuthentication):
    """A machine by the key that the middleware has checked, or a person by session, with CSRF checks."""

    def authenticate(self, request: Request) -> tuple[User | Machine, MachineKey | None] | None:
        """Return who has come in, or None for a stranger."""
        key = getattr(request._request, "machine", None)
        if isinstance(key, MachineKey):
            return Machine(key), key
        return super().authenticate(request)

    def enforce_csrf(self, request: Request) -> None:
        """Raise ``NotProven`` for what another site may have asked; the body is left alone, whatever its type."""
        if why_not_proven(request._request):
            raise NotProven

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that goes with 401."""
        return machines.CHALLENGE
