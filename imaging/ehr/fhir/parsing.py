"""A resource that a client sends, checked against its type (fhir.resources) before anything of it is used."""

from __future__ import annotations

import orjson
from django.utils.translation import gettext as _

from imaging.ehr.fhir.outcomes import Refused
from imaging.fhir.values import Resource

_DEEPEST = 40


def resource(body: bytes, name: str) -> Resource:
    """The resource of this type that a body holds. Raises ``Refused`` with the element that is wrong."""
    try:
        found = orjson.loads(body)
    except ValueError as error:
        raise Refused(400, _("The body is no JSON."), code="structure") from error
    if not isinstance(found, dict) or found.get("resourceType") != name:
        text = _("The body is no %(name)s.") % {"name": name}
        raise Refused(400, text, code="structure", expression="resourceType")
    if _depth(found) > _DEEPEST:
        raise Refused(400, _("The body is nested too deeply."), code="structure")
    _check(found, name)
    return found


def _check(found: Resource, name: str) -> None:
    # Thirty megabytes, which a process takes only when somebody sends it something.
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        get_fhir_model_class(name).model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join([name, *(str(part) for part in first["loc"])])
        raise Refused(422, str(first["msg"])[:300], code="structure", expression=place[:200]) from error


def _depth(value: object) -> int:
    """How deeply values are nested; counting ends a little past what is taken."""
    level, inner = 0, [value]
    while inner and level <= _DEEPEST:
        level += 1
        inner = [
            part
            for one in inner
            if isinstance(one, dict | list)
            for part in (one.values() if isinstance(one, dict) else one)
        ]
    return level
