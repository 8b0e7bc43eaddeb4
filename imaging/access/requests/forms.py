"""What comes from the pages of access requests, checked. Anything may be posted; what cannot be meant is refused in words."""

import uuid
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.models import Department
from imaging.access.matching import Asked
from imaging.access.requests.models import Reason, Relation
from imaging.access.requests.policies import OFFERED_HOURS, Ruling, Verdict, Wish
from imaging.dicom import uids

#: Text of people: new lines yes, other control characters no.
_PLAIN: Final = RegexValidator(r"^[^\x00-\x08\x0b-\x1f\x7f]*$", _("No control characters."))
_LINE: Final = RegexValidator(r"^[^\\\x00-\x1f\x7f]*$", _("No backslash and no control characters."))


def hours_in_words(hours: int) -> Any:
    """A duration as people say it: whole days where there are any."""
    if hours % 24 == 0:
        return ngettext_lazy("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}
    return ngettext_lazy("%(count)d hour", "%(count)d hours", hours) % {"count": hours}


def offered_hours(most: int | None = None) -> list[tuple[int, Any]]:
    """The durations that a page offers, up to ``most`` hours, which is offered itself."""
    hours = [offered for offered in OFFERED_HOURS if most is None or offered <= most]
    if most is not None and most not in hours:
        hours.append(most)
    return [(offered, hours_in_words(offered)) for offered in hours]


class QuestionForm(forms.Form):
    """Two identifiers of a patient, or a UID."""

    patient_id = forms.CharField(label=_("Patient ID (MRN)"), required=False, max_length=64, validators=[_LINE])
    issuer = forms.CharField(label=_("Issuer of the patient ID"), required=False, max_length=64, validators=[_LINE])
    accession_number = forms.CharField(label=_("Accession number"), required=False, max_length=64, validators=[_LINE])
    name = forms.CharField(label=_("Full name"), required=False, max_length=128, validators=[_LINE])
    birth_date = forms.DateField(label=_("Birth date"), required=False)
    study_instance_uid = forms.CharField(label="Study Instance UID", required=False, max_length=64)

    def clean(self) -> dict[str, Any]:
        """Refuse what could not name one patient."""
        given = super().clean() or {}
        uid = given.get("study_instance_uid", "")
        if uid and not uids.is_valid_uid(uid):
            raise ValidationError(_("This is not a UID: it has digits and dots only."))
        if not self.errors and not self.asked().is_enough:
            raise ValidationError(
                _("Give two of patient ID, accession number, full name and birth date; or the UID of a study.")
            )
        return given

    def asked(self) -> Asked:
        """The question."""
        given: dict[str, Any] = self.cleaned_data
        words = {name: given.get(name) or "" for name in self.fields if name != "birth_date"}
        return Asked(**words, birth_date=given.get("birth_date"))


class RequestForm(forms.Form):
    """Why, for whom, for how long."""

    relation = forms.ChoiceField(
        label=_("Your relation to the patient"), choices=[("", _("Choose…")), *Relation.choices]
    )
    reason = forms.ChoiceField(label=_("What the images are for"), choices=[("", _("Choose…")), *Reason.choices])
    words = forms.CharField(
        label=_("In your words"),
        max_length=500,
        min_length=5,
        validators=[_PLAIN],
        help_text=_("Who decides reads this: what is planned, and when. One sentence is enough."),
    )
    hours = forms.TypedChoiceField(label=_("For how long"), coerce=int, choices=offered_hours, initial=24)
    holder = forms.ChoiceField(
        label=_("For whom"), choices=[("me", _("for me alone")), ("team", _("for my whole department"))], initial="me"
    )
    target = forms.ChoiceField(
        label=_("What"),
        choices=[("patient", _("everything of this patient")), ("study", _("the exam of that number alone"))],
        initial="patient",
    )
    department = forms.ModelChoiceField(label=_("In the name of"), queryset=Department.objects.none())
    wants_download = forms.BooleanField(
        label=_("I need to download the images, not only to look at them"), required=False
    )

    def __init__(self, *args: Any, departments: list[Department], has_study: bool, **names: Any) -> None:
        super().__init__(*args, **names)
        keys = [department.pk for department in departments]
        self.fields["department"].queryset = Department.objects.filter(pk__in=keys).order_by("name")  # type: ignore[attr-defined]
        self.fields["department"].initial = keys[0] if keys else None
        if not has_study:
            self.fields.pop("target")

    def wish(self, token: uuid.UUID) -> Wish:
        """What is asked for, by a form that is valid."""
        given = self.cleaned_data
        return Wish(
            token=token,
            department=given["department"].pk,
            relation=Relation(given["relation"]),
            reason=Reason(given["reason"]),
            hours=given["hours"],
            words=given["words"].strip(),
            for_team=given["holder"] == "team",
            wants_download=given["wants_download"],
            whole_patient=given.get("target", "patient") == "patient",
        )


class DecisionForm(forms.Form):
    """What an approver decided."""

    verdict = forms.ChoiceField(choices=[(verdict.value, verdict.name) for verdict in Verdict])
    hours = forms.IntegerField(label=_("For how long"), required=False, min_value=1)
    download = forms.BooleanField(label=_("May download"), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=500, validators=[_PLAIN])

    def clean(self) -> dict[str, Any]:
        """A denial says why: who asked has to know what to do next."""
        given = super().clean() or {}
        if given.get("verdict") == Verdict.DENY and len(given.get("note", "").strip()) < 3:
            self.add_error("note", _("Say why, so that your colleague knows what to do next."))
        return given

    def ruling(self, asked_hours: int) -> Ruling:
        """The decision; without hours it is what was asked for."""
        given = self.cleaned_data
        return Ruling(
            verdict=Verdict(given["verdict"]),
            hours=given.get("hours") or asked_hours,
            download=given["download"],
            note=given["note"].strip(),
        )


class WordsForm(forms.Form):
    """A question, an answer, or why access ends."""

    words = forms.CharField(max_length=1000, validators=[_PLAIN])


class NoteForm(forms.Form):
    """Why access is ended."""

    note = forms.CharField(max_length=500, min_length=3, validators=[_PLAIN])


class RenewalForm(forms.Form):
    """For how much longer."""

    hours = forms.TypedChoiceField(coerce=int, choices=offered_hours)
