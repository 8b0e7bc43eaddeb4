"""Forms of this package that allauth does not bring."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SetupForm(forms.Form):
    """What the first administrator chooses."""

    username = forms.CharField(
        label=_("Account"), max_length=150, validators=User._meta.get_field("username").validators
    )
    email = forms.EmailField(label=_("E-mail address"))
    password1 = forms.CharField(label=_("New password"), strip=False, max_length=256)
    password2 = forms.CharField(label=_("New password, once more"), strip=False, max_length=256)

    def clean_password2(self) -> str:
        """Refuse a second typing that differs."""
        again = str(self.cleaned_data["password2"])
        if self.cleaned_data.get("password1") != again:
            raise forms.ValidationError(_("The two passwords differ."))
        return again
