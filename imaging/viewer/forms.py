"""The study list's filters, as they stand in the address. Anything may be typed there: what cannot be read is said, never guessed."""

import datetime as dt
from typing import Any, Final

from django import forms
from django.core.validators import MaxLengthValidator, RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from imaging.studies.finding import relative_days
from imaging.studies.selectors import Status
from imaging.viewer.list_columns import ORDERS

_TOO_LONG = ngettext_lazy(
    "The search is longer than %(limit_value)d character and was left out.",
    "The search is longer than %(limit_value)d characters and was left out.",
    "limit_value",
)


class DayField(forms.DateField):
    """A day as `2026-11-20`, or a relative one (`relative_days`)."""

    default_error_messages = {"invalid": _("“%(value)s” is not a day. Write it as 2026-11-20.")}

    def to_python(self, value: Any) -> dt.date | dt.datetime | None:
        """Return the day, in the reader's time zone, or for hours the moment; raise ValidationError for anything else."""
        text = str(value or "").strip()
        try:
            return relative_days.beginning(text) if text else None
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid", {"value": text[:32]}) from None


class SeveralField(forms.Field):
    """Values of a name that may be given several times; each is checked, and each counts once."""

    widget = forms.MultipleHiddenInput
    most: Final = 40

    def __init__(self, pattern: str, message: Any) -> None:
        super().__init__(required=False)
        self._check = RegexValidator(rf"\A(?:{pattern})\Z", message)

    def to_python(self, value: Any) -> tuple[str, ...]:
        """Return the values; raise ValidationError for one that cannot be meant."""
        given = tuple(dict.fromkeys(text for text in (value or []) if text))[: self.most]
        for text in given:
            self._check(text)
        return given


class StudyListForm(forms.Form):
    """What the list is asked for. `from` and `to` are days, both included."""

    q = forms.CharField(required=False, validators=[MaxLengthValidator(128, _TOO_LONG)])
    modality = SeveralField(r"[A-Z0-9_ ]{1,16}", _("The modality cannot be read."))
    department = SeveralField(r"[^\x00]{1,64}", _("You have no list of this department."))
    body = SeveralField(r"[^\x00-\x1f\x7f]{1,64}", _("The body part cannot be read."))
    status = SeveralField("|".join(Status), _("There is no such status."))
    referring = forms.CharField(required=False, validators=[MaxLengthValidator(128, _TOO_LONG)])
    source = SeveralField(r"[^\x00-\x1f\x7f]{1,128}", _("The source cannot be read."))
    order = forms.ChoiceField(
        required=False,
        choices=[(name, name) for name in ORDERS],
        error_messages={"invalid_choice": _("The list cannot be sorted by that.")},
    )
    cursor = forms.CharField(required=False, max_length=2000)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # `from` is a word of Python: it cannot be an attribute of the class.
        self.fields["from"] = DayField(required=False)
        self.fields["to"] = DayField(required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse days that end before they begin."""
        cleaned: dict[str, Any] = super().clean() or {}
        first, last = cleaned.get("from"), cleaned.get("to")
        if isinstance(last, dt.datetime):
            self.add_error("to", _("The list can begin some hours ago, and ends with a day."))
        elif first and last and last < (timezone.localdate(first) if isinstance(first, dt.datetime) else first):
            self.add_error("to", _("The last day comes before the first."))
        return cleaned
