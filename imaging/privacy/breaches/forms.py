"""What is asked about a breach, and what is written down."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imaging.privacy.breaches import selectors
from imaging.privacy.breaches.selectors import Kind
from imaging.privacy.models import Breach, BreachStep


def moment_field(label: Any, **more: Any) -> forms.DateTimeField:
    """A moment, in the browser's own control, in the reader's time zone."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(
        label=label, widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"], **more
    )


class SeenForm(forms.Form):
    """Who, from when to when."""

    kind = forms.ChoiceField(
        label=_("What was in other hands"),
        choices=[
            (Kind.USER, _("an account")),
            (Kind.MACHINE, _("a machine key")),
            (Kind.PEER, _("a system on the DICOM network (AE title)")),
            (Kind.SHARE, _("a share link")),
            (Kind.ADDRESS, _("a network address")),
        ],
    )
    who = forms.CharField(
        label=_("Name"), max_length=150, help_text=_("Account, key, AE title, share or address, exactly.")
    )
    since = moment_field(_("From"))
    until = moment_field(_("Until"))

    def clean(self) -> dict[str, Any]:
        """The name is somebody's, and the end comes after the beginning."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("since") and cleaned.get("until") and cleaned["since"] >= cleaned["until"]:
            self.add_error("until", _("The end comes before the beginning."))
        if cleaned.get("kind") and cleaned.get("who"):
            cleaned["suspect"] = selectors.suspect(cleaned["kind"], cleaned["who"])
            if cleaned["suspect"] is None:
                self.add_error("who", _("Nobody goes by this name. Write it as it stands in the administration."))
        return cleaned


class BreachForm(forms.Form):
    """A new breach: the clock runs from the moment of becoming aware."""

    title = forms.CharField(
        label=_("What happened, in one line"), max_length=150, help_text=_("No patient's name here.")
    )
    cause = forms.ChoiceField(label=_("Cause"), choices=Breach.Cause.choices)
    aware_at = moment_field(_("Aware since"))
    account = forms.CharField(
        label=_("What is known"), max_length=8000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )

    def clean_aware_at(self) -> Any:
        """Nobody is aware of what is to come."""
        if self.cleaned_data["aware_at"] > timezone.now():
            raise forms.ValidationError(_("That moment is still to come."))
        return self.cleaned_data["aware_at"]


class StepForm(forms.Form):
    """One line of the checklist."""

    step = forms.ChoiceField(choices=BreachStep.Step.choices)
    outcome = forms.ChoiceField(choices=[("done", _("done")), ("unneeded", _("not needed"))])
    note = forms.CharField(label=_("Note"), max_length=1000, required=False)

    def clean(self) -> dict[str, Any]:
        """What is not needed says why (article 33(1) and (5))."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("outcome") == "unneeded" and not cleaned.get("note"):
            self.add_error("note", _("Write down why it is not needed."))
        return cleaned


class ConclusionForm(forms.Form):
    """The end of it."""

    conclusion = forms.CharField(label=_("Conclusion"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
