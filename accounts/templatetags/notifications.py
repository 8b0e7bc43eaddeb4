"""The bell in the bar of every page."""

from typing import Any

from django import template

from accounts.models import User
from accounts.notifications import selectors
from accounts.notifications.selectors import Bell

register = template.Library()


@register.simple_tag(takes_context=True)
def bell_of(context: dict[str, Any]) -> Bell | None:
    """What the bell shows to the reader; None for a stranger."""
    user = context["request"].user
    return selectors.bell(user) if isinstance(user, User) else None
