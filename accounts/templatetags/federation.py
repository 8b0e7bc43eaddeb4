"""The buttons of identity providers, wherever somebody signs in or confirms."""

from typing import Any

from django import template

from accounts.federation import selectors
from accounts.models import User

register = template.Library()


@register.inclusion_tag("federation/_buttons.html")
def federation_buttons(then: str = "") -> dict[str, Any]:
    """Offer every provider by which one can sign in, going on to ``then``."""
    return {"providers": selectors.offered(), "purpose": "", "then": then}


@register.inclusion_tag("federation/_buttons.html")
def federation_confirmations(user: Any, then: str = "") -> dict[str, Any]:
    """Offer the providers with which this person can prove again who they are."""
    providers = selectors.confirming(user) if isinstance(user, User) else []
    return {"providers": providers, "purpose": "confirm", "then": then}


@register.inclusion_tag("federation/_accounts.html")
def federation_accounts(user: User) -> dict[str, Any]:
    """Say how many accounts of the hospital are linked to a person's, where any could be."""
    linked = selectors.identities_of(user)
    return {"count": len(linked), "is_shown": bool(linked or selectors.linkable(user))}
