"""What a person says about a download without identity: what the patient is called in it, and what stays."""

from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from imaging.dicom.deidentification.identifiers import Identifiers
from imaging.studies.models import Study

#: Fields of ``imaging.dicom.deidentification.profile.Profile`` that may be chosen here, in words.
KEPT: Final = (
    ("clean_descriptors", _("Descriptions, as far as their words are those of anatomy and technique")),
    ("retain_modified_dates", _("Dates, all moved by one number of days: intervals stay")),
    ("retain_device_identity", _("Which device it was")),
)


class WithoutIdentityForm(forms.Form):
    """For the patient of one study."""

    subject = forms.CharField(
        label=_("Subject name"),
        max_length=64,
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9][A-Za-z0-9 ._-]*\Z",
                _("Use letters without accents, figures, spaces, points, hyphens: every DICOM reader has those."),
            )
        ],
    )
    kept = forms.MultipleChoiceField(label=_("What stays"), choices=KEPT, required=False)

    def __init__(self, *args: Any, study: Study, **names: Any) -> None:
        """For copies of this study."""
        super().__init__(*args, **names)
        self._study = study

    def clean_subject(self) -> str:
        """Refuse a name that tells who it is: it would stand in every copy."""
        subject: str = self.cleaned_data["subject"]
        patient = self._study.patient
        days = [day.strftime("%Y%m%d") for day in (patient.birth_date, self._study.study_at) if day is not None]
        known = Identifiers.named(
            names=[patient.patient_name],
            ids=[patient.patient_id, self._study.accession_number, self._study.study_id],
            uids=[self._study.study_instance_uid],
            dates=days,
        )
        if known.in_text(subject):
            raise forms.ValidationError(_("This tells who the patient is. Choose a name that tells nothing."))
        return subject
