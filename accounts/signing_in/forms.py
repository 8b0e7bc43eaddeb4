"""What is typed at the sign-in and on the security page."""

import json
from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.signing_in.passkeys import NAME_LENGTH
from accounts.signing_in.passwords import LONGEST

_ANSWER_LENGTH = 20_000


class NewPasswordForm(forms.Form):
    """A new password, twice."""

    password1 = forms.CharField(label=_("New password"), strip=False, max_length=LONGEST)
    password2 = forms.CharField(label=_("New password, once more"), strip=False, max_length=LONGEST)

    def __init__(self, *args: Any, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password1(self) -> str:
        """Refuse what is too short, too common, leaked, or the person's own name."""
        password = str(self.cleaned_data["password1"])
        validate_password(password, self.user)
        return password

    def clean_password2(self) -> str:
        """Refuse a second typing that differs."""
        again = str(self.cleaned_data["password2"])
        if self.cleaned_data.get("password1", again) != again:
            raise ValidationError(_("The two passwords differ."))
        return again


class ChangePasswordForm(NewPasswordForm):
    """One's own password: the present one, and a new one twice."""

    oldpassword = forms.CharField(label=_("Present password"), strip=False, max_length=LONGEST)


class SetupForm(NewPasswordForm):
    """What the first administrator chooses."""

    username = forms.CharField(
        label=_("Account"), max_length=150, validators=User._meta.get_field("username").validators
    )
    email = forms.EmailField(label=_("E-mail address"))


class ProofForm(forms.Form):
    """A password, a code, or the answer of a browser that showed a passkey: one of them."""

    password = forms.CharField(strip=False, max_length=LONGEST, required=False)
    code = forms.CharField(max_length=40, required=False)
    credential = forms.CharField(max_length=_ANSWER_LENGTH, required=False)

    def clean_credential(self) -> dict[str, Any]:
        """Read the answer as JSON; what is none proves nothing."""
        return answer_of(self.cleaned_data["credential"])


class PasskeyForm(forms.Form):
    """A passkey that the browser has made, and what to call it."""

    name = forms.CharField(max_length=NAME_LENGTH, required=False)
    credential = forms.CharField(max_length=_ANSWER_LENGTH)

    def clean_credential(self) -> dict[str, Any]:
        """Read the answer as JSON; what is none proves nothing."""
        return answer_of(self.cleaned_data["credential"])


def answer_of(text: str) -> dict[str, Any]:
    """Return what a browser answered; nothing where it is not an object."""
    try:
        answer = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
