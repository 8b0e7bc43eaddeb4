"""How sessions and sign-ins are told, and whether users may be switched."""

from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.utils.translation import gettext as _

from accounts.signing_in import policy
from accounts.signing_in.proofs import Method

register = template.Library()

#: Marks of browsers and systems in a User-Agent, the more particular first.
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
_REASONS: Final = {"credential": Method.PASSKEY.label, "password": Method.PASSWORD.label}


@register.simple_tag
def quick_switch() -> bool:
    """Whether the rules allow to hand a computer over to the next person."""
    return policy.in_force().quick_switch


@register.filter
def browser_name(agent: str) -> str:
    """Return browser and system out of a User-Agent, as far as it can be believed."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Another browser")


@register.filter
def shown_methods(detail: Mapping[str, Any]) -> str:
    """Return with what somebody signed in, or what was wrong, out of an event of the audit."""
    methods = detail.get("methods")
    if isinstance(methods, list):
        known = [str(Method(name).label) for name in methods if name in Method.values and name != Method.SESSION]
        return " + ".join(known)
    reason = str(detail.get("reason", ""))
    if reason == "code":
        return _("Code")
    if reason == "too many attempts":
        return _("Too many attempts")
    return str(_REASONS.get(reason, ""))
