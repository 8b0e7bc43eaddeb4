"""What a person says about the files, and about a new study or patient."""

import datetime as dt
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department
from imaging.dicom.wrapping.facts import Origin, PatientFacts
from imaging.viewer.wrapping_words import ORIGINS, REGIONS

_NOT_GIVEN: Final = pgettext_lazy("field", "not given")
_SEXES: Final = (
    ("", _NOT_GIVEN),
    ("F", pgettext_lazy("sex", "female")),
    ("M", pgettext_lazy("sex", "male")),
    ("O", pgettext_lazy("sex", "other")),
)
_SIDES: Final = (("", _NOT_GIVEN), ("R", pgettext_lazy("side", "right")), ("L", pgettext_lazy("side", "left")))


class FilesForm(forms.Form):
    """About the files, whatever study they go to."""

    origin = forms.ChoiceField(label=_("What is it?"), choices=[(key.value, name) for key, name in ORIGINS.items()])
    description = forms.CharField(label=_("Title"), max_length=64, required=False)
    body_part = forms.ChoiceField(
        label=_("Part of the body"), required=False, choices=[("", _NOT_GIVEN), *REGIONS.items()]
    )
    laterality = forms.ChoiceField(label=_("Side"), required=False, choices=_SIDES)
    taken_at = forms.DateTimeField(label=_("Taken at"), required=False)
    dpi = forms.FloatField(
        label=_("Scanner's resolution (dpi)"),
        required=False,
        validators=[MinValueValidator(25), MaxValueValidator(12000)],
    )
    anonymous = forms.BooleanField(label=_("No name or number can be read in the pictures"), required=False)
    sound = forms.BooleanField(label=_("Keep the sound of videos"), required=False)

    def clean_taken_at(self) -> dt.datetime | None:
        """Refuse the future, and what no calendar of a camera says."""
        at: dt.datetime | None = self.cleaned_data["taken_at"]
        if at is not None and (at > timezone.now() + dt.timedelta(days=1) or at.year < 1890):
            raise forms.ValidationError(_("This moment cannot be right."))
        return at

    @property
    def origin_chosen(self) -> Origin:
        """What it is."""
        return Origin(self.cleaned_data["origin"])


class StudyForm(forms.Form):
    """A new study."""

    study_date = forms.DateField(label=_("Date of the study"))
    study_description = forms.CharField(label=_("Study"), max_length=64)
    accession_number = forms.CharField(label=_("Accession number, if there is one"), max_length=16, required=False)

    def __init__(self, *args: Any, departments: list[Department], **options: Any) -> None:
        """Offer these departments."""
        super().__init__(*args, **options)
        self.fields["department"] = forms.ChoiceField(
            label=_("Department"), choices=[(str(one.pk), one.label) for one in departments]
        )

    def clean_study_date(self) -> dt.date:
        """Refuse the future, and the time before Röntgen."""
        day: dt.date = self.cleaned_data["study_date"]
        if day > timezone.localdate() + dt.timedelta(days=1) or day.year < 1890:
            raise forms.ValidationError(_("This day cannot be right."))
        return day


class PatientForm(forms.Form):
    """A patient whom the archive does not know, typed and confirmed."""

    family_name = forms.CharField(label=_("Family name"), max_length=60)
    given_name = forms.CharField(label=_("Given name"), max_length=60, required=False)
    patient_id = forms.CharField(label=_("Patient number (MRN)"), max_length=64)
    birth_date = forms.DateField(label=_("Birth date"))
    sex = forms.ChoiceField(label=_("Sex"), required=False, choices=_SEXES)
    confirmed = forms.BooleanField(label=_("I have checked who the patient is"))

    def clean_birth_date(self) -> dt.date:
        """Refuse the future."""
        day: dt.date = self.cleaned_data["birth_date"]
        if day > timezone.localdate() or day.year < 1850:
            raise forms.ValidationError(_("This day cannot be right."))
        return day

    def facts(self, *, issuer: str) -> PatientFacts:
        """The patient as a header names the person; signs that divide a DICOM name are no part of one."""
        written = (self.cleaned_data["family_name"], self.cleaned_data["given_name"])
        family, given = ("".join(" " if char in "^=\\" else char for char in name).strip() for name in written)
        return PatientFacts(
            patient_name=f"{family}^{given}".rstrip("^"),
            patient_id=self.cleaned_data["patient_id"].replace("\\", "/").strip(),
            issuer_of_patient_id=issuer,
            birth_date=self.cleaned_data["birth_date"],
            sex=self.cleaned_data["sex"],
        )
