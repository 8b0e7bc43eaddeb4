"""Who a patient is beside the archive's own number, for the banner over a page."""

import json
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.framing import selectors as framing
from accounts.models import Site
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


@register.simple_tag
def numbers_of(patient: object, known: Identity | None) -> str:
    """All numbers of a patient as JSON, each with its issuer and the issuer's OID: what the record's patient is compared with."""
    if not isinstance(patient, Patient) or patient.pk is None:
        return "[]"
    site = Site.objects.filter(issuer_of_patient_id=patient.issuer_of_patient_id).exclude(issuer_oid="").first()
    own = (patient.patient_id, patient.issuer_of_patient_id, site.issuer_oid if site else "")
    others = [(number.value, number.issuer, number.oid) for number in (known.numbers if known else ())]
    return json.dumps([own, *others])


@register.simple_tag(takes_context=True)
def record_origins(context: dict[str, Any]) -> SafeString | str:
    """The origins that may hold pages in a frame and tell them of another patient, for `static/pages/record.ts`; who is signed in."""
    user = getattr(context.get("request"), "user", None)
    origins = " ".join(framing.origins()) if user is not None and user.is_authenticated else ""
    return format_html('<meta name="record-origins" content="{}">', origins) if origins else ""
