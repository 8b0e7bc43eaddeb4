"""What is typed when an envelope is opened."""

from django import forms
from django.utils.translation import gettext_lazy as _


class OpenSealForm(forms.Form):
    """The account and the code on the paper, and who holds it."""

    account = forms.CharField(label=_("Account on the paper"), max_length=150)
    code = forms.CharField(label=_("Code on the paper"), max_length=64)
    person = forms.CharField(label=_("Your own name"), min_length=3, max_length=150)
    reason = forms.CharField(label=_("Why nothing else works"), min_length=5, max_length=500)

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        for field in self.fields.values():
            field.widget.attrs["class"] = "input input-l"
            field.widget.attrs["autocomplete"] = "off"
        self.fields["account"].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
        self.fields["code"].widget.attrs |= {
            "autocapitalize": "characters",
            "spellcheck": "false",
            "class": "input input-l code-field",
        }


class SealForm(forms.Form):
    """What an administrator writes to have an account sealed again."""

    note = forms.CharField(
        label=_("What was found"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "Needed when the envelope has been opened: who used it, whether rightly, and what was done about it."
        ),
    )
