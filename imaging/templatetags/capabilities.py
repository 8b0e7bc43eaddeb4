"""What the reader may do, for the bar and its menus: asked once per request, and only a hint. Views ask for themselves."""

from typing import Any

from django import template

from accounts.roles import Capability
from accounts.selectors import capabilities_by_department

register = template.Library()


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], capability: str) -> bool:
    """Whether the reader has a capability in any department: `{% may "upload" as may_upload %}`."""
    request = context.get("request")
    if request is None or not request.user.is_authenticated:
        return False
    held = getattr(request, "held_capabilities", None)
    if held is None:
        held = request.held_capabilities = frozenset(capabilities_by_department(request.user))
    return Capability(capability) in held
