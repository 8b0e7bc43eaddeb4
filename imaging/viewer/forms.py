"""The study list's filters, as they stand in the address. Anything may be typed there: what cannot be read is said, never guessed."""

import datetime as dt
from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

#: Days that stay relative in a saved address: `from=7d` is seven days before whenever it is opened.
RELATIVE_DAYS: Final = {"today": 0, "yesterday": 1, "7d": 6, "30d": 29, "365d": 364}
ORDERS: Final = (
    ("date", _("newest study first")),
    ("received", _("last received first")),
    ("name", _("by name")),
    ("mrn", _("by MRN")),
)


class DayField(forms.DateField):
    """A day as `2026-11-20`, or one of `RELATIVE_DAYS`."""

    default_error_messages = {"invalid": _("“%(value)s” is not a day. Write it as 2026-11-20.")}

    def to_python(self, value: Any) -> dt.date | None:
        """Return the day, in the reader's time zone; raise ValidationError for anything else."""
        text = str(value or "").strip()
        if text in RELATIVE_DAYS:
            return timezone.localdate() - dt.timedelta(days=RELATIVE_DAYS[text])
        try:
            return dt.date.fromisoformat(text) if text else None
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid", {"value": text[:32]}) from None


class StudyListForm(forms.Form):
    """What the list is asked for. `from` and `to` are days, both included."""

    q = forms.CharField(required=False, max_length=128)
    modality = forms.CharField(
        required=False, max_length=16, validators=[RegexValidator(r"^[A-Z0-9_]+$", _("The modality cannot be read."))]
    )
    department = forms.CharField(required=False, max_length=32)
    order = forms.ChoiceField(
        required=False, choices=ORDERS, error_messages={"invalid_choice": _("The list cannot be sorted by that.")}
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
        if first and last and last < first:
            self.add_error("to", _("The last day comes before the first."))
        return cleaned
