"""What a signed token asks to be shown (LA-2), as the parameters of RAD-106.

Claims: ``patient`` is a CX as HL7 v2 writes it, ``birthDate`` a date; ``studyUID`` and ``accessionNumber`` a text or a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imaging.ehr.launching.context import Asked, NotOurs

_LONGEST = 2000


def asked(claims: Mapping[str, Any]) -> Asked:
    """The parameters. Raises :class:`NotOurs` for a token that names neither patient nor images, or nothing that can be read."""
    found: Asked = {}
    for claim, name in (("patient", "patientID"), ("birthDate", "patientBirthDate")):
        if text := _text(claims.get(claim)):
            found[name] = [text]
    for name in ("studyUID", "accessionNumber"):
        if text := _listed(claims.get(name)):
            found[name] = [text]
    names_images = "studyUID" in found or "accessionNumber" in found
    if not names_images and "patientID" not in found:
        raise NotOurs("names_nobody")
    return {"requestType": ["STUDY" if names_images else "PATIENT"], **found}


def _listed(value: object) -> str:
    if isinstance(value, list):
        return ",".join(filter(None, (_text(one) for one in value)))[:_LONGEST]
    return _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
        raise NotOurs("claims_cannot_be_read")
    return value.strip()
