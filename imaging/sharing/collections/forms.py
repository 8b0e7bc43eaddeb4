"""What people type and tick about collections. Who may do what is asked of the services, not here."""

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, User
from imaging.dicom import uids
from imaging.sharing.collections import people
from imaging.sharing.collections.policies import Rights, Wish
from imaging.sharing.models import Collection
from imaging.sharing.models.collections import MOST_WORDS
from imaging.studies.finding.chosen_studies import MOST as MOST_STUDIES

_BETWEEN: Final = re.compile(r"[\s,;]+")


class CollectionForm(forms.Form):
    """What a collection is called and is for."""

    name = forms.CharField(label=pgettext_lazy("collection", "Name"), max_length=120)
    kind = forms.ChoiceField(label=pgettext_lazy("collection", "For"), choices=Collection.Kind.choices)
    description = forms.CharField(
        label=_("Description"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class NewCollectionForm(CollectionForm):
    """A collection that is to be made, for one of these departments."""

    department = forms.TypedChoiceField(label=_("Department"), coerce=int)
    is_deidentified = forms.BooleanField(label=_("Without identity"), required=False)

    def __init__(self, *args: Any, departments: list[Department], **names: Any) -> None:
        """Offer these departments."""
        super().__init__(*args, **names)
        field = self.fields["department"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(row.pk, row.label) for row in departments]

    def wish(self) -> Wish:
        """Return what is wished; of a valid form only."""
        told = self.cleaned_data
        return Wish(told["name"], told["kind"], told["department"], told["description"], told["is_deidentified"])


class RightsForm(forms.Form):
    """What a member may do besides looking."""

    may_add = forms.BooleanField(label=_("Add studies"), required=False)
    may_comment = forms.BooleanField(label=_("Comment"), required=False)
    may_download = forms.BooleanField(label=pgettext_lazy("right", "Download"), required=False)
    manages = forms.BooleanField(label=_("Manage"), required=False)

    def rights(self) -> Rights:
        """Return what was ticked; of a valid form only."""
        told = self.cleaned_data
        return Rights(told["may_add"], told["may_comment"], told["may_download"], told["manages"])


class MemberForm(RightsForm):
    """Who is to be a member: a person by name, or a department."""

    person = forms.CharField(label=_("Person"), max_length=150, required=False)
    department = forms.ModelChoiceField(
        label=_("or a whole department"), queryset=Department.objects.none(), required=False, empty_label="–"
    )
    user: User | None = None

    def __init__(self, *args: Any, **names: Any) -> None:
        """Offer every department that works."""
        super().__init__(*args, **names)
        field = self.fields["department"]
        if isinstance(field, forms.ModelChoiceField):
            field.queryset = Department.objects.active().order_by("name")

    def clean(self) -> dict[str, Any]:
        """Find the person who was named; ask for one of both."""
        told: dict[str, Any] = super().clean() or {}
        typed, department = told.get("person", ""), told.get("department")
        if bool(typed) == bool(department):
            self.add_error("person", ValidationError(_("Name a person, or choose a department: one of both.")))
        elif typed:
            self.user = people.invitable(typed)
            if self.user is None:
                said = _(
                    "Nobody who sees images here is called that. Type the account name, the e-mail or the full name."
                )
                self.add_error("person", ValidationError(said))
        return told


class CommentForm(forms.Form):
    """What somebody says, and about which study of the collection; none is about all of it."""

    words = forms.CharField(label=_("Comment"), max_length=MOST_WORDS, widget=forms.Textarea(attrs={"rows": 3}))
    item = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class NoteForm(forms.Form):
    """Why a study is here."""

    note = forms.CharField(label=pgettext_lazy("collection", "Why it is here"), max_length=300, required=False)


class PasteForm(forms.Form):
    """Studies by their UIDs, as they are copied from elsewhere: between them blanks, commas or lines."""

    uids = forms.CharField(
        label=_("Study Instance UIDs"), max_length=MOST_STUDIES * 66, widget=forms.Textarea(attrs={"rows": 2})
    )
    note = forms.CharField(label=pgettext_lazy("collection", "Why it is here"), max_length=300, required=False)

    def clean_uids(self) -> list[str]:
        """Take what is a UID, and say what is none."""
        typed = [word for word in _BETWEEN.split(self.cleaned_data["uids"]) if word]
        wrong = [word for word in typed if not uids.is_valid_uid(word)]
        if wrong or not typed:
            raise ValidationError(
                _("“%(word)s” is no Study Instance UID: digits and dots alone. Nothing was added."),
                params={"word": wrong[0][:64] if wrong else ""},
            )
        if len(typed) > MOST_STUDIES:
            raise ValidationError(
                _("At most %(most)s studies at once. Nothing was added."), params={"most": MOST_STUDIES}
            )
        return typed


class FindForm(forms.Form):
    """Words of a collection's name."""

    words = forms.CharField(max_length=100, required=False)
