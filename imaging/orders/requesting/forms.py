"""What comes from the pages of requests, checked. A draft takes what is right and keeps the rest as it was."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from imaging.orders.catalogue import questions
from imaging.orders.catalogue import selectors as catalogue
from imaging.orders.models import ExamRequest, Priority, SafetyQuestion
from imaging.orders.requesting.attachments import MOST_BYTES

#: Text of people: new lines yes, other control characters no.
_PLAIN: Final = RegexValidator(r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$", _("No control characters."))
_LINE: Final = RegexValidator(r"^[^\\\x00-\x1f\x7f]*$", _("No backslash and no control characters."))
_NAME: Final = RegexValidator(r"^[^\\\x00-\x1f\x7f^=]*$", _("No control characters, and none of \\ ^ ="))
SEXES: Final = (("", _("not known")), ("F", _("Female")), ("M", _("Male")), ("O", _("Other")))


class TypedPatientForm(forms.Form):
    """A patient whom the index does not show to who asks."""

    family_name = forms.CharField(label=_("Family name"), max_length=64, validators=[_NAME])
    given_name = forms.CharField(label=_("Given name"), max_length=64, required=False, validators=[_NAME])
    birth_date = forms.DateField(label=_("Birth date"), required=False)
    sex = forms.ChoiceField(label=_("Sex"), choices=SEXES, required=False)
    patient_id = forms.CharField(label=_("Patient ID (MRN)"), max_length=64, required=False, validators=[_LINE])

    def clean_birth_date(self) -> dt.date | None:
        """Refuse days that nobody was born on."""
        born: dt.date | None = self.cleaned_data["birth_date"]
        if born and not dt.date(1880, 1, 1) <= born <= timezone.localdate():
            raise ValidationError(_("Nobody was born on this day."))
        return born

    def clean(self) -> dict[str, Any]:
        """A name alone is nobody."""
        given = super().clean() or {}
        if not self.errors and not (given.get("birth_date") or given.get("patient_id")):
            raise ValidationError(_("Give the birth date or the patient ID too: a name alone is nobody."))
        return given

    def columns(self) -> dict[str, Any]:
        """The same as columns of a request."""
        given = self.cleaned_data
        names = [given["family_name"].strip(), given["given_name"].strip()]
        return {
            "typed_name": "^".join(names).rstrip("^"),
            "typed_birth_date": given["birth_date"],
            "typed_sex": given["sex"],
            "typed_patient_id": given["patient_id"].strip(),
        }


class RequestForm(forms.Form):
    """The exam, the question and what the room needs. Nothing is required of a draft: `policies.missing` says what is."""

    procedure = forms.CharField(required=False, max_length=16)
    laterality = forms.ChoiceField(choices=[("", ""), *ExamRequest.Laterality.choices], required=False)
    clinical_question = forms.CharField(required=False, max_length=4000, validators=[_PLAIN])
    priority = forms.TypedChoiceField(choices=Priority.choices, coerce=int, required=False, empty_value=None)
    priority_reason = forms.CharField(required=False, max_length=200, validators=[_PLAIN])
    weight_kg = forms.DecimalField(
        required=False, max_digits=5, decimal_places=1, min_value=0, max_value=700, localize=True
    )
    transport = forms.ChoiceField(choices=[("", ""), *ExamRequest.Transport.choices], required=False)
    precautions = forms.CharField(required=False, max_length=200, validators=[_PLAIN])
    contact = forms.CharField(required=False, max_length=80, validators=[_PLAIN])
    wished_from = forms.DateField(required=False)
    wished_until = forms.DateField(required=False)
    department = forms.ModelChoiceField(queryset=Department.objects.none(), required=False)
    performing = forms.ModelChoiceField(queryset=Department.objects.none(), required=False)

    def __init__(self, *args: Any, departments: list[Department], performers: list[Department], **names: Any) -> None:
        super().__init__(*args, **names)
        for name, rows in (("department", departments), ("performing", performers)):
            keys = [row.pk for row in rows]
            self.fields[name].queryset = Department.objects.filter(pk__in=keys)  # type: ignore[attr-defined]

    def columns(self) -> dict[str, Any]:
        """What is right, as columns of a request; fields that were not posted, or cannot be meant, are left out."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if name in self.data}
        changes: dict[str, Any] = {
            name: given[name].strip()
            for name in ("clinical_question", "priority_reason", "precautions", "contact", "laterality", "transport")
            if name in given
        }
        if "weight_kg" in given:
            changes["weight_kg"] = given["weight_kg"]
        if given.get("priority") is not None:
            changes["priority"] = given["priority"]
        if given.get("procedure") and (procedure := catalogue.procedure_called(given["procedure"])) is not None:
            changes["procedure"] = procedure
        for name, at in (("wished_from", dt.time.min), ("wished_until", dt.time(23, 59))):
            if name in given:
                day = given[name]
                changes[name] = timezone.make_aware(dt.datetime.combine(day, at)) if day else None
        for name, column in (("department", "requesting_department"), ("performing", "performing_department")):
            if given.get(name):
                changes[column] = given[name]
        return changes


def answers(posted: Mapping[str, str], asked: list[SafetyQuestion]) -> dict[str, Any]:
    """The answers of the questions that are asked; what was not posted is left out."""
    found = {}
    for question in asked:
        answer = posted.get(f"q-{question.code}")
        if answer is None:
            continue
        answer = answer.replace("\x00", "").strip()[:32]
        if question.answer == SafetyQuestion.Answer.NUMBER:
            answer = answer or questions.UNKNOWN
        elif answer not in questions.CHOICES:
            continue
        more = posted.get(f"more-{question.code}", "").replace("\x00", "")
        found[question.code] = questions.kept(question, answer, more)
    return found


class ReasonForm(forms.Form):
    """Why a step is taken."""

    reason = forms.CharField(max_length=400, required=False, validators=[_PLAIN])


class NoteForm(forms.Form):
    """A remark, or the answer to a question."""

    text = forms.CharField(max_length=2000, validators=[_PLAIN])


class AttachmentForm(forms.Form):
    """A letter or paper request."""

    file = forms.FileField(label=_("Paper request or letter"), max_length=200)

    def clean_file(self) -> Any:
        """Refuse what is too large before it is read."""
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise ValidationError(_("The file is larger than 20 MB. Nothing was kept of it: send it in parts."))
        return file
