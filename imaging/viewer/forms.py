"""The study list's filters, as they stand in the address. Anything may be typed there: what cannot be read is said, never guessed."""

import datetime as dt
import re
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

#: Days that stay relative in a saved address: `from=7d` is seven days before whenever it is opened.
RELATIVE_DAYS: Final = {"today": 0, "yesterday": 1, "7d": 6, "30d": 29, "365d": 364}
ORDERS: Final = (
    ("date", _("Newest study first")),
    ("received", _("Last received first")),
    ("name", _("By name")),
    ("mrn", _("By MRN")),
)
_MODALITY = re.compile(r"[A-Z0-9_]{1,16}")
_DEPARTMENT = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MOST_VALUES = 32


class DayField(forms.DateField):
    """A day as `2026-11-20`, or one of `RELATIVE_DAYS`."""

    default_error_messages = {"invalid": _("“%(value)s” is not a day. Write it as 2026-11-20.")}  # noqa: RUF012

    def to_python(self, value: Any) -> dt.date | None:
        """Return the day, in the reader's time zone; raise ValidationError for anything else."""
        text = str(value or "").strip()
        if text in RELATIVE_DAYS:
            return timezone.localdate() - dt.timedelta(days=RELATIVE_DAYS[text])
        try:
            return dt.date.fromisoformat(text) if text else None
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], "invalid", {"value": text[:32]}) from None


class CodesField(forms.Field):
    """Several short codes, each once, as `?modality=CT&modality=MR`."""

    widget = forms.SelectMultiple

    def __init__(self, pattern: re.Pattern[str], message: Any) -> None:
        super().__init__(required=False)
        self.pattern = pattern
        self.message = message

    def to_python(self, value: Any) -> tuple[str, ...]:
        """Return the codes in their order; raise ValidationError when one of them cannot be a code."""
        codes = tuple(dict.fromkeys(code for code in value or [] if code))
        if len(codes) > _MOST_VALUES or not all(self.pattern.fullmatch(code) for code in codes):
            raise forms.ValidationError(self.message)
        return codes


class StudyListForm(forms.Form):
    """What the list is asked for. `from` and `to` are days, both included."""

    q = forms.CharField(required=False, max_length=128)
    modality = CodesField(_MODALITY, _("One of the modalities cannot be read."))
    department = CodesField(_DEPARTMENT, _("One of the departments cannot be read."))
    order = forms.ChoiceField(required=False, choices=ORDERS)
    cursor = forms.CharField(required=False, max_length=512)

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
