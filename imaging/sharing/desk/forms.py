"""What is typed at the desk: why a share ends, its new limits, an agreement, what is looked for."""

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imaging.sharing.models import Share
from imaging.sharing.models.choices import MOST_OPENS


class RevokeForm(forms.Form):
    """Why a share ends: whoever made it may leave it out, everybody else says it."""

    words = forms.CharField(label=_("Why it ends"), max_length=300, required=False)

    def __init__(self, *args: Any, is_own: bool, **names: Any) -> None:
        super().__init__(*args, **names)
        self.fields["words"].required = not is_own


class ChangeForm(forms.Form):
    """How long a share lasts, how often it may be opened, whether it may be downloaded."""

    valid_until = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs={"type": "date"}))
    most_opens = forms.IntegerField(label=_("Opens at the most"), min_value=1, max_value=MOST_OPENS)
    may_download = forms.BooleanField(label=_("May download"), required=False)

    def ends_at(self, share: Share) -> dt.datetime | None:
        """The last minute of the day that was chosen; None where it is the day on which the share ends anyway."""
        day: dt.date = self.cleaned_data["valid_until"]
        if day == timezone.localdate(share.valid_until):
            return None
        return timezone.make_aware(dt.datetime.combine(day, dt.time(23, 59)))


class RenewForm(forms.Form):
    """Whether a new link is sent to the recipient, or only shown."""

    sends = forms.BooleanField(label=_("Send it to the recipient"), required=False)


class DecisionForm(forms.Form):
    """Agreement or refusal of a second person: a refusal says why."""

    verdict = forms.ChoiceField(choices=[("allow", ""), ("refuse", "")])
    words = forms.CharField(label=_("Why"), max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        """Ask why of a refusal."""
        told: dict[str, Any] = super().clean() or {}
        if told.get("verdict") == "refuse" and not told.get("words"):
            self.add_error("words", _("Say why, so that your colleague knows what to do next."))
        return told


class FindForm(forms.Form):
    """A recipient or a patient, sent in the body: names stand in no address."""

    words = forms.CharField(label=_("Recipient or patient"), max_length=100)
