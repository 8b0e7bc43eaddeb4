"""Where the health record's word about the patient of a request is asked for, for the pages of requests."""

from typing import Any

from django import template
from django.urls import reverse

from imaging.ehr.summary import selectors
from imaging.orders.models import ExamRequest

register = template.Library()


@register.simple_tag(takes_context=True)
def record_of_request(context: dict[str, Any], exam: ExamRequest) -> str:
    """The address of the fragment; empty where this reader is offered none."""
    scope = getattr(context.get("request"), "scope", None)
    offered = scope is not None and selectors.offered_for_request(exam, scope)
    return reverse("viewer:request-record", args=[exam.key]) if offered else ""
