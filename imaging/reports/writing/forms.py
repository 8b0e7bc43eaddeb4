"""What comes from the forms of reports, checked."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from imaging.reports.writing import policies

_PLAIN: Final = RegexValidator(r"^[^\x00-\x08\x0b-\x1f\x7f]*$", _("No control characters."))


class SignForm(forms.Form):
    """A signature: of which revision, as what, with whom, and why."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    kind = forms.ChoiceField(choices=[("preliminary", "preliminary"), ("final", "final")])
    supervisor = forms.ModelChoiceField(label=_("Supervisor"), queryset=User.objects.none(), required=False)
    reason = forms.CharField(label=_("Reason"), required=False, max_length=policies.LONGEST_REASON, validators=[_PLAIN])

    def __init__(self, *args: Any, supervisors: list[User], **names: Any) -> None:
        super().__init__(*args, **names)
        keys = [person.pk for person in supervisors]
        self.fields["supervisor"].queryset = User.objects.filter(pk__in=keys)  # type: ignore[attr-defined]


class RevisionForm(forms.Form):
    """Which revision was seen."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1)


class BeginForm(forms.Form):
    """What is to be written about a signed report."""

    kind = forms.ChoiceField(choices=[("addendum", "addendum"), ("correction", "correction")])


class WithdrawForm(forms.Form):
    """Why a report must not be used any more, and which version was seen."""

    number = forms.IntegerField(min_value=1, max_value=2**31 - 1)
    reason = forms.CharField(label=_("Reason"), min_length=3, max_length=policies.LONGEST_REASON, validators=[_PLAIN])
