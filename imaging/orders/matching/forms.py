"""What comes from the reconciliation desk, checked; anything may be posted."""

from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

_LINE: Final = RegexValidator(r"^[^\x00-\x1f\x7f]*$", _("No control characters."))
_MOST_LINKS: Final = 50


class ReasonForm(forms.Form):
    """Why, and the links that the study had when the person looked."""

    reason = forms.CharField(label=_("Reason"), max_length=200, validators=[_LINE])
    seen = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)

    def clean_seen(self) -> frozenset[int]:
        """Primary keys; anything else was never on the page."""
        parts = [part for part in str(self.cleaned_data["seen"]).split(",") if part]
        if len(parts) > _MOST_LINKS or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
            raise ValidationError(_("The page has changed meanwhile."))
        return frozenset(int(part) for part in parts)


class LinkForm(ReasonForm):
    """The request that a study answers; ``corrects`` says that the study is its patient's."""

    request = forms.UUIDField()
    corrects = forms.BooleanField(required=False, label=_("Give the study to this patient"))


class UnlinkForm(ReasonForm):
    """The link to be ended."""

    link = forms.IntegerField(min_value=1, max_value=2**62)
