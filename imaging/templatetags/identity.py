"""Who a patient is beside the archive's own number, for the banner over a page."""

from typing import Any

from django import template

from imaging.ehr import identity
from imaging.ehr.identity import Identity
from imaging.studies.models import Patient

register = template.Library()


@register.simple_tag(takes_context=True)
def identity_of(context: dict[str, Any], patient: object) -> Identity | None:
    """What the register told of a patient; nothing for a reader outside the hospital, or a patient who is only typed."""
    scope = getattr(context.get("request"), "scope", None)
    if not isinstance(patient, Patient) or patient.pk is None or scope is None or scope.is_outside:
        return None
    return identity.identity_of(patient)
