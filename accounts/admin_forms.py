"""Forms of the admin that turn JSON into boxes to tick and lines to fill."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import MachineKey, User, validate_addresses
from accounts.roles import MACHINE_DOORS, Right
from accounts.word_lists import WordsField


class UserAddForm(forms.ModelForm):  # type: ignore[type-arg]
    """A new person, who chooses a password with a link."""

    class Meta:
        model = User
        fields = ("username", "display_name", "email")

    def save(self, commit: bool = True) -> User:
        """Make the account without a password: nothing opens it until one is chosen."""
        self.instance.set_unusable_password()
        user: User = super().save(commit=commit)
        return user


class UserEditForm(forms.ModelForm):  # type: ignore[type-arg]
    """A person. No field of it is a password."""

    class Meta:
        model = User
        fields = (
            "username",
            "display_name",
            "first_name",
            "last_name",
            "email",
            "language",
            "theme",
            "is_active",
            "is_staff",
            "is_superuser",
        )


def _validate_address(word: str) -> None:
    validate_addresses([word])


class MachineKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A machine's key: for each door, boxes to tick."""

    addresses = WordsField(
        each=_validate_address,
        label=_("Allowed addresses"),
        required=False,
        help_text=_("One address or network a line, such as 10.1.0.0/16. Empty: from any address."),
    )

    class Meta:
        model = MachineKey
        fields = ("name", "departments", "addresses", "expires_at")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for door in MACHINE_DOORS:
            self.fields[f"rights_{door}"] = forms.MultipleChoiceField(
                label=_("Rights: %(door)s") % {"door": door.label},
                choices=Right.choices,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                initial=sorted(self.instance.rights_at(door)),
            )

    def clean(self) -> dict[str, Any]:
        """Gather the boxes into the rights of the key."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.instance.rights = self.rights_given()
        return cleaned

    def rights_given(self) -> dict[str, list[str]]:
        """Return the rights per door as ticked; a door without any is left out."""
        ticked = {str(door): self.cleaned_data.get(f"rights_{door}") or [] for door in MACHINE_DOORS}
        return {door: rights for door, rights in ticked.items() if rights}
