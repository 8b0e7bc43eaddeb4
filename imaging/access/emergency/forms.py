"""What is typed to open a record in an emergency, and to judge it afterwards."""

import datetime as dt
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from imaging.access.emergency.models import EmergencyPolicy, PurposeOfUse, Verdict
from imaging.access.matching import Asked
from imaging.dicom import uids

_DAYS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d")


class _Text(forms.CharField):
    """One line of text, single-spaced."""

    def to_python(self, value: Any) -> str:
        """Join what stands apart."""
        return " ".join(str(super().to_python(value)).split())


class EmergencyForm(forms.Form):
    """Which patient, why, and for what purpose. ``form_key`` makes a form that is sent twice open once."""

    form_key = forms.UUIDField(widget=forms.HiddenInput)
    patient_id = _Text(label=_("Patient number"), max_length=64, required=False)
    birth_date = forms.DateField(
        label=_("Birth date"), required=False, input_formats=_DAYS, widget=forms.DateInput(attrs={"type": "date"})
    )
    name = _Text(label=_("Full name"), max_length=128, required=False)
    accession_number = _Text(label=_("Accession number"), max_length=64, required=False)
    study = _Text(label=_("Study Instance UID, or the address of a study's page"), max_length=300, required=False)
    purpose = forms.ChoiceField(label=_("Purpose"), choices=PurposeOfUse.choices)
    reason = forms.CharField(label=_("Reason"), max_length=500, strip=True)

    def __init__(self, *args: Any, rules: EmergencyPolicy, **options: Any) -> None:
        super().__init__(*args, **options)
        self._rules = rules

    def clean_birth_date(self) -> dt.date | None:
        """Refuse a day to come."""
        born: dt.date | None = self.cleaned_data["birth_date"]
        if born is not None and born > timezone.localdate():
            raise ValidationError(_("This day is still to come."))
        return born

    def clean_study(self) -> str:
        """Take the UID out of an address that was copied."""
        text: str = self.cleaned_data["study"]
        parts = [
            part
            for part in text.split("?", maxsplit=1)[0].split("/")
            if uids.is_valid_uid(part) and part.count(".") > 2
        ]
        if text and not parts:
            raise ValidationError(_("This is neither a Study Instance UID nor the address of a study."))
        return parts[-1] if parts else ""

    def clean_reason(self) -> str:
        """Ask for words: a full stop, or letters of one key, are no reason."""
        reason: str = " ".join(self.cleaned_data["reason"].split())
        words = [word for word in reason.split() if sum(char.isalnum() for char in word) > 1]
        if len({word.casefold() for word in words}) < self._rules.words:
            raise ValidationError(
                ngettext_lazy(
                    "Write the reason in %(count)d word at least.",
                    "Write the reason in %(count)d words at least.",
                    self._rules.words,
                ),
                params={"count": self._rules.words},
            )
        return reason

    def clean(self) -> dict[str, Any]:
        """Ask for two identifiers, or for a UID."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors and not self.asked().is_enough:
            raise ValidationError(
                _(
                    "Give two of: patient number, birth date, full name, accession number. A study's UID alone is enough."
                )
            )
        return cleaned

    def asked(self) -> Asked:
        """Return which patient is meant."""
        given = self.cleaned_data
        return Asked(
            study_instance_uid=given.get("study", ""),
            patient_id=given.get("patient_id", ""),
            accession_number=given.get("accession_number", ""),
            name=given.get("name", ""),
            birth_date=given.get("birth_date"),
        )


class ReviewForm(forms.Form):
    """A verdict, with a note where it is not simply justified."""

    verdict = forms.ChoiceField(label=_("Verdict"), choices=Verdict.choices)
    note = forms.CharField(label=_("Note"), max_length=1000, required=False)

    def clean(self) -> dict[str, Any]:
        """Ask for a note for every verdict that has consequences."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("verdict") not in {None, Verdict.JUSTIFIED.value} and not cleaned.get("note", "").strip():
            self.add_error("note", _("Write what was found and what happens next: the person reads it."))
        return cleaned
