"""Access requests in pages that are not theirs: the bar's number, and the offer to look elsewhere below the study list."""

from typing import Any

from django import template

from accounts.roles import Capability
from imaging.access.requests import questions
from imaging.access.requests import selectors as access
from imaging.access.requests.forms import QuestionForm
from imaging.templatetags.capabilities import held

register = template.Library()

#: With so few rows a reader may miss somebody.
_FEW = 5


@register.simple_tag(takes_context=True)
def access_count(context: dict[str, Any]) -> str:
    """How many access requests wait for the reader, as text; empty for none and for people who do not decide."""
    if Capability.APPROVE_ACCESS not in held(context):
        return ""
    request = context["request"]
    if not hasattr(request, "access_count"):
        by = access.approver(request.user, actor=request.actor, scope=request.scope)
        request.access_count = access.waiting_count(by) if by is not None else 0
    count: int = request.access_count
    if count >= access.MOST_COUNTED:
        return f"{access.MOST_COUNTED - 1}+"
    return str(count) if count else ""


@register.inclusion_tag("imaging/access/requests/_offer.html", takes_context=True)
def look_elsewhere(context: dict[str, Any]) -> dict[str, Any]:
    """Offer to look elsewhere where a search found nothing or little; a text that names one patient is looked for at once."""
    request = context["request"]
    text = " ".join(request.GET.get("q", "").split())[:128]
    few = len(context.get("rows") or ()) <= _FEW and not context.get("first_page") and not context.get("is_too_broad")
    if not text or not few or Capability.REQUEST_ACCESS not in held(context):
        return {"is_offered": False}
    asked = questions.read(text)
    initial = questions.told(asked) if asked else questions.guessed(text)
    return {
        "is_offered": True,
        "is_exact": asked is not None and not context.get("rows"),
        "text": text,
        "form": QuestionForm(initial=initial),
        "csrf_token": context.get("csrf_token"),
        "request": request,
    }
