"""Emergency access on every page: what the reader has open now, and what waits for who reviews."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.http import HttpRequest

from accounts.models import User
from accounts.roles import Capability
from accounts.selectors import is_capable
from imaging.access.emergency import selectors
from imaging.access.emergency.models import EmergencyAccess

register = template.Library()


@register.simple_tag(takes_context=True)
def open_in_emergency(context: Mapping[str, Any]) -> list[EmergencyAccess]:
    """Return what the reader has open in an emergency: asked once per request, and of nobody who never had any."""
    request: HttpRequest | None = context.get("request")
    user = getattr(request, "user", None)
    if request is None or not isinstance(user, User):
        return []
    found: list[EmergencyAccess] | None = getattr(request, "open_in_emergency", None)
    if found is None:
        found = selectors.active_of(user)
        request.open_in_emergency = found  # type: ignore[attr-defined]
    return found


@register.simple_tag(takes_context=True)
def emergency_patients(context: Mapping[str, Any]) -> frozenset[int]:
    """Return the patients whose record the reader has open in an emergency, by primary key."""
    return frozenset(entry.patient_id for entry in open_in_emergency(context))


@register.simple_tag(takes_context=True)
def emergencies_waiting(context: Mapping[str, Any]) -> str:
    """Return how many accesses wait for a verdict, as text; empty for none, and for people who do not review."""
    request: HttpRequest = context["request"]
    found: str | None = getattr(request, "emergencies_waiting", None)
    if found is None:
        is_reviewer = is_capable(request.user, Capability.REVIEW_BREAK_GLASS)
        count = selectors.waiting_count() if is_reviewer else 0
        found = f"{selectors.MOST_COUNTED - 1}+" if count >= selectors.MOST_COUNTED else str(count or "")
        request.emergencies_waiting = found  # type: ignore[attr-defined]
    return found
