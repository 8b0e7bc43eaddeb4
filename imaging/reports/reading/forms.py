"""The small forms of the reading list."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, User
from accounts.roles import Role
from imaging.studies.models import SavedList

_PRIORITIES = [(0, _("STAT")), (1, _("urgent")), (2, _("routine"))]


class PriorityForm(forms.Form):
    """Another priority."""

    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=_PRIORITIES, coerce=int, widget=forms.Select(attrs={"class": "input"})
    )


class ReasonForm(forms.Form):
    """Why a study is not read; empty takes that back."""

    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class ColleagueForm(forms.Form):
    """To whom a study is given; nobody lets everybody read it."""

    colleague = forms.TypedChoiceField(label=_("Colleague"), coerce=int, empty_value=None, required=False)

    def __init__(self, *args: Any, colleagues: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(person.pk, person.label) for person in colleagues]
        self.fields["colleague"].widget.attrs["class"] = "input"
        self.fields["colleague"].choices = [("", _("nobody in particular")), *names]  # type: ignore[attr-defined]


class SaveForm(forms.Form):
    """The name of a list that is kept, and for whom."""

    name = forms.CharField(label=pgettext_lazy("list", "Name"), max_length=80)
    audience = forms.ChoiceField(label=_("Shown to"), choices=SavedList.Audience.choices, required=False)
    department = forms.ModelChoiceField(label=_("Department"), queryset=Department.objects.none(), required=False)
    role = forms.ChoiceField(label=_("Role"), choices=[("", "—"), *Role.choices], required=False)

    def __init__(self, *args: Any, departments: Iterable[int], may_give_roles: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_give_roles:
            # Lists of a role are for people who manage a department (``saved_lists.Powers.may_give``).
            audiences = [one for one in SavedList.Audience.choices if one[0] != SavedList.Audience.ROLE]
            self.fields["audience"].choices = audiences  # type: ignore[attr-defined]
            del self.fields["role"]
        offered = Department.objects.filter(pk__in=list(departments))
        self.fields["department"].queryset = offered  # type: ignore[attr-defined]
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "input")
