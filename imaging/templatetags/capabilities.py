"""What the reader may do, for the bar and its menus: asked once per request, and only a hint. Views ask for themselves."""

from collections.abc import Mapping
from typing import Any

from django import template

from accounts.roles import Capability
from accounts.selectors import capabilities_by_department
from imaging.ingest.desk import selectors as desk

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], capability: str) -> bool:
    """Whether the reader has a capability in any department: `{% may "upload" as may_upload %}`."""
    return Capability(capability) in held(context)


@register.simple_tag(takes_context=True)
def quarantine_count(context: dict[str, Any]) -> str:
    """How many objects wait for the reader's decision, as text; empty for none and for people who do not decide."""
    departments = held(context).get(Capability.RESOLVE_QUARANTINE)
    if not departments:
        return ""
    request = context["request"]
    if not hasattr(request, "quarantine_count"):
        request.quarantine_count = desk.waiting_count(departments)
    count: int = request.quarantine_count
    if count >= desk.MOST_COUNTED:
        return f"{desk.MOST_COUNTED - 1}+"
    return str(count) if count else ""


def held(context: dict[str, Any]) -> Mapping[Capability, frozenset[int]]:
    """What the reader may do, and in which departments."""
    request = context.get("request")
    if request is None or not request.user.is_authenticated:
        return {}
    known: Mapping[Capability, frozenset[int]] | None = getattr(request, "held_capabilities", None)
    if known is None:
        known = request.held_capabilities = capabilities_by_department(request.user)
    return known
