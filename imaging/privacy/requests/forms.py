"""What is written down about a request, and what is decided."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from imaging.privacy.looking.forms import day_field
from imaging.privacy.models import CorrectionTask, DataSubjectRequest
from imaging.studies.models import PatientChoice

_KIND = DataSubjectRequest.Kind
_STATE = DataSubjectRequest.State


def _past(day: Any) -> Any:
    if day and day > timezone.localdate():
        raise forms.ValidationError(_("That day is still to come."))
    return day


class RequestForm(forms.Form):
    """A new request of a patient."""

    kind = forms.ChoiceField(label=_("What is asked"), choices=_KIND.choices)
    asked_by = forms.ChoiceField(label=_("Asked by"), choices=DataSubjectRequest.Asker.choices)
    received_on = day_field(_("Received on"))
    identity_checked = forms.CharField(
        label=_("How identity was checked"), max_length=200, help_text=_("Such as: identity card shown at the desk.")
    )
    wish = forms.CharField(
        label=_("In their words"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def clean_received_on(self) -> Any:
        """It was received already."""
        return _past(self.cleaned_data["received_on"])


class StaffRequestForm(RequestForm):
    """A new request of a person who works or worked here."""

    account = forms.CharField(label=_("Account"), max_length=150, help_text=_("Exactly as the person signed in."))

    def clean_account(self) -> User:
        """The account of that name."""
        found = User.objects.filter(username__iexact=self.cleaned_data["account"]).first()
        if found is None:
            raise forms.ValidationError(_("There is no account of this name."))
        return found


class CloseForm(forms.Form):
    """The answer; a refusal says why."""

    state = forms.ChoiceField(
        label=_("Outcome"),
        choices=[(state.value, state.label) for state in (_STATE.ANSWERED, _STATE.REFUSED, _STATE.WITHDRAWN)],
    )
    answer = forms.CharField(
        label=_("What was answered, or why not"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3})
    )


class ExtendForm(forms.Form):
    """Why the answer takes longer."""

    because = forms.CharField(label=_("Why it takes longer"), max_length=300)


class CorrectionForm(forms.Form):
    """What is wrong, and what it should be."""

    field = forms.ChoiceField(label=_("What is wrong"), choices=CorrectionTask.Field.choices)
    wanted = forms.CharField(label=_("What it should be"), max_length=300)
    evidence = forms.CharField(
        label=_("Evidence"), max_length=300, required=False, help_text=_("Such as: identity card seen.")
    )


class DecideForm(forms.Form):
    """A correction was made, or was not."""

    outcome = forms.ChoiceField(label=_("Outcome"), choices=[("done", _("done")), ("refused", _("refused"))])
    reason = forms.CharField(label=_("What was done, or why not"), max_length=500)


class ChoiceForm(forms.Form):
    """An opposition or consent."""

    use = forms.ChoiceField(label=_("Use"), choices=PatientChoice.Use.choices)
    answer = forms.ChoiceField(label=_("What was said"), choices=PatientChoice.Answer.choices)
    said_by = forms.ChoiceField(label=_("Said by"), choices=PatientChoice.Voice.choices)
    said_on = day_field(_("Said on"))
    evidence = forms.CharField(
        label=_("Evidence"), max_length=300, help_text=_("Such as: signed form of 3 May, in the file.")
    )
    request = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean_said_on(self) -> Any:
        """It was said already."""
        return _past(self.cleaned_data["said_on"])
