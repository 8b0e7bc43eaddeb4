"""What an officer types to find a patient and to ask who looked."""

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Language
from imaging.privacy.looking import identities
from imaging.privacy.looking.selectors import Period
from imaging.studies.models import Patient

_YEARS = 10


def day_field(label: Any, **more: Any) -> forms.DateField:
    """A day, chosen with the browser's calendar."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **more)


class FindForm(forms.Form):
    """One patient by exact identifiers: an ID, a name with a birth date, or a study's UID."""

    number = forms.CharField(label=_("Patient ID"), max_length=64, required=False)
    issuer = forms.CharField(label=_("Issuer of the ID"), max_length=64, required=False)
    name = forms.CharField(label=_("Family name and first name"), max_length=150, required=False)
    born = day_field(_("Birth date"), required=False)
    study = forms.CharField(label=_("Study Instance UID"), max_length=64, required=False)

    def clean(self) -> dict[str, Any]:
        """One way is enough; a name needs its birth date."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("name") and not cleaned.get("born") and not cleaned.get("number"):
            self.add_error("born", _("A name alone finds several people: add the birth date."))
        elif not (cleaned.get("number") or cleaned.get("study") or (cleaned.get("name") and cleaned.get("born"))):
            raise forms.ValidationError(_("Write a patient ID, a name with birth date, or a study's UID."))
        return cleaned

    @property
    def way(self) -> str:
        """By what the patient is found, for the audit: never the value."""
        for name in ("number", "study", "name"):
            if self.cleaned_data.get(name):
                return name
        return ""

    def found(self) -> list[Patient]:
        """The patients of what was typed."""
        typed = self.cleaned_data
        if typed.get("number"):
            return identities.by_number(typed["number"], typed.get("issuer", ""))
        if typed.get("study"):
            return identities.by_study(typed["study"])
        return identities.by_name(typed["name"], typed["born"])


class PeriodForm(forms.Form):
    """Which days; both ends belong to it. Without them: the last year."""

    since = day_field(_("From"), required=False)
    until = day_field(_("Until, inclusive"), required=False)
    everything = forms.BooleanField(label=_("Everything on record, not only looks"), required=False)

    def clean(self) -> dict[str, Any]:
        """Fill in the last year; the end comes after the beginning."""
        cleaned: dict[str, Any] = super().clean() or {}
        today = timezone.localdate()
        cleaned["until"] = min(cleaned.get("until") or today, today)
        cleaned["since"] = cleaned.get("since") or cleaned["until"] - dt.timedelta(days=365)
        if cleaned["since"] > cleaned["until"]:
            self.add_error("until", _("The end comes before the beginning."))
        if cleaned["since"] < today - dt.timedelta(days=366 * 100):
            self.add_error("since", _("That is before there were records."))
        return cleaned

    @property
    def period(self) -> Period:
        """The days of a valid form."""
        return Period(self.cleaned_data["since"], self.cleaned_data["until"])


class LetterForm(PeriodForm):
    """The letter about those days: in which language, with or without names."""

    language = forms.ChoiceField(label=_("Language"), choices=Language.choices)
    names_staff = forms.BooleanField(label=_("Name the staff"), required=False)
    request = forms.IntegerField(required=False, widget=forms.HiddenInput)
