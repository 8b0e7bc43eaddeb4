"""What a list of studies may be asked for: the study list's own filters and orders, and attributes of DICOM."""

import datetime as dt
from typing import Any, Final

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from accounts.scope import Scope
from imaging.api import paging
from imaging.dicom import matching as dicom
from imaging.studies import selectors as studies
from imaging.studies.finding import matching, relative_days

_TEXT: Final = 128
_SEVERAL: Final = 40
#: More attributes than there are columns ask for nothing more.
_ATTRIBUTES: Final = 40
_NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f]+$"


class SeveralField(serializers.ListField):
    """A parameter that may be repeated: any of its values will do."""

    def __init__(self, child: serializers.Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(child=child, required=False, max_length=_SEVERAL, allow_empty=True, **options)


@extend_schema_field({"type": "string", "examples": ["2026-11-20", "today", "7d", "24h"]})
class DayField(serializers.Field[Any, Any, Any, Any]):
    """A day, or one that is relative to today; the moment, for hours."""

    def to_internal_value(self, data: Any) -> dt.date | dt.datetime:
        """Return the day in the client's time zone."""
        try:
            return relative_days.beginning(str(data))
        except ValueError:
            raise serializers.ValidationError(_("This is no day. Write it as 2026-11-20, today, 7d or 24h.")) from None


class StudyQuery(paging.PageQuery):
    """The study list's filters, as on its page; all of them hold at once."""

    search = serializers.CharField(
        required=False,
        max_length=_TEXT,
        allow_blank=True,
        help_text="Parts of the patient's name in any order, case and accents aside, or the beginning of a patient ID or "
        "accession number.",
    )
    modality = SeveralField(
        serializers.RegexField(r"^[A-Z0-9_ ]{1,16}$"), help_text="Studies with a series of this modality; repeatable."
    )
    department = SeveralField(
        serializers.RegexField(r"^[A-Za-z0-9_-]{1,32}$"), help_text="Code of one of your departments; repeatable."
    )
    body_part = SeveralField(
        serializers.RegexField(_NO_CONTROLS, max_length=64), help_text="Body part of DICOM; repeatable."
    )
    status = SeveralField(
        serializers.ChoiceField(choices=[status.value for status in studies.Status]),
        help_text="Images arrive still, are complete, or something needs attention; repeatable.",
    )
    referring = serializers.CharField(
        required=False, max_length=_TEXT, allow_blank=True, help_text="Words of the referring physician's name."
    )
    source = SeveralField(  # type: ignore[assignment]  # a parameter of that name, not the field's own attribute
        serializers.RegexField(_NO_CONTROLS, max_length=128),
        help_text="Who sent it: AE title, machine or account; repeatable.",
    )
    order = serializers.ChoiceField(
        required=False,
        choices=[order.value for order in studies.Order],
        default=studies.Order.LATEST.value,
        help_text="A leading minus is descending. Blank values come last in both directions.",
    )
    count = serializers.ChoiceField(
        required=False,
        choices=["quick", "exact"],
        default="quick",
        help_text="`exact` counts what a free text finds to the last study, which takes longer.",
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a word of Python, and can be none of a class."""
        text = (
            "in the client's time zone, this one included: 2026-11-20, today, yesterday, or 7d for the last seven days."
        )
        return {
            **super().get_fields(),
            "from": DayField(required=False, help_text=f"First day of studies, {text}"),
            "to": DayField(required=False, help_text=f"Last day of studies, {text}"),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse days that end before they begin."""
        first, last = attrs.get("from"), attrs.get("to")
        if isinstance(last, dt.datetime):
            raise serializers.ValidationError({"to": _("This is no day. Write it as 2026-11-20, today, 7d or 24h.")})
        if isinstance(first, dt.datetime):
            attrs["since"] = attrs.pop("from")
        elif first and last and last < first:
            raise serializers.ValidationError({"to": _("The last day comes before the first.")})
        return attrs


def filters(asked: dict[str, Any], request: Request, scope: Scope) -> studies.StudyFilters:
    """The study list's filters. Raises ValidationError for what cannot be meant."""
    return studies.StudyFilters(
        search=asked.get("search", ""),
        modalities=tuple(asked.get("modality", ())),
        date_from=asked.get("from"),
        since=asked.get("since"),
        date_to=asked.get("to"),
        departments=_departments(asked.get("department", ()), scope),
        body_parts=tuple(asked.get("body_part", ())),
        statuses=tuple(studies.Status(status) for status in asked.get("status", ())),
        referring=asked.get("referring", ""),
        sources=tuple(asked.get("source", ())),
        attributes=attributes(request, set(StudyQuery().fields)),
    )


def _departments(codes: list[str], scope: Scope) -> tuple[int, ...]:
    if not codes:
        return ()
    known = {row.code: row.pk for row in studies.departments_of(scope)}
    if strange := [code for code in codes if code not in known]:
        raise serializers.ValidationError(
            {"department": [_("You have no list of this department.")] * len(strange[:1])}
        )
    return tuple(known[code] for code in codes)


def attributes(request: Request, known: set[str]) -> tuple[dicom.Key, ...]:
    """DICOM matching keys of the query (PS3.4 section C.2.2.2). Raises ValidationError for those that cannot be searched."""
    names = [name for name in request.query_params if name not in known]
    if len(names) > _ATTRIBUTES:
        raise serializers.ValidationError({names[0][:64]: _("There are too many attributes in this query.")})
    keys = []
    for name in names:
        try:
            key = dicom.parse(name, "\\".join(request.query_params.getlist(name)))
        except dicom.KeyInvalid as error:
            raise serializers.ValidationError({name[:64]: str(error.detail)}) from None
        if not matching.supports(key, matching.Rows.STUDY):
            raise serializers.ValidationError({name[:64]: _("Studies cannot be searched by this attribute.")})
        keys.append(key)
    return tuple(keys)
