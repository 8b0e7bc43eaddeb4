"""The forms of critical findings."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from imaging.reports.models import CriticalFinding


def _words_of(person: User) -> str:
    """A person as the list of people shows them."""
    return f"{person.label} ({person.get_username()})"


class RaiseForm(forms.Form):
    """What was found, how soon it has to be known, and by whom."""

    level = forms.ChoiceField(label=_("How soon"), choices=CriticalFinding.Level.choices)
    text = forms.CharField(
        label=pgettext_lazy("critical finding", "Finding"), max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}), help_text=_("As you would say it on the telephone.")
    )  # fmt: skip
    recipient = forms.CharField(
        label=_("Who has to know"), max_length=400, required=False,
        widget=forms.TextInput(attrs={"list": "critical-people", "autocomplete": "off"}),
        help_text=_("Type a part of the name, and choose the person."),
    )  # fmt: skip
    recipient_name = forms.CharField(
        label=_("or somebody outside"), max_length=200, required=False, help_text=_("They are called: note afterwards whom you told.")
    )  # fmt: skip

    def __init__(self, *args: Any, recipients: Iterable[User], asked_by: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: By the words that name a person among all who can be told: two of one name differ by their accounts.
        self.people = {_words_of(one): one for one in recipients}
        first = next((words for words, one in self.people.items() if one.pk == asked_by), "")
        self.fields["recipient"].initial = first
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "input")

    def clean_recipient(self) -> User | None:
        """The person whom the words name: chosen from the list, or the only one whose name is written."""
        words = self.cleaned_data["recipient"].strip()
        if not words:
            return None
        named = [
            one for known, one in self.people.items() if words.casefold() in (known.casefold(), one.label.casefold())
        ]
        if len(named) != 1:
            raise ValidationError(
                _("Nobody who can be told here has this name, or several have: choose one of the list.")
            )
        return named[0]

    def clean(self) -> dict[str, Any]:
        """Ask for somebody to tell."""
        told = super().clean() or {}
        if not self.errors and not told.get("recipient") and not (told.get("recipient_name") or "").strip():
            raise ValidationError(_("Choose who has to know, or write whom you are going to call."))
        return told


class NoteForm(forms.Form):
    """A few words beside an acknowledgement."""

    note = forms.CharField(label=_("Note"), max_length=400, required=False)


class ToldForm(NoteForm):
    """Whom one has told."""

    told = forms.CharField(label=_("Told to"), max_length=200)


class WithdrawForm(forms.Form):
    """Why it was none."""

    reason = forms.CharField(label=_("Reason"), max_length=400)
