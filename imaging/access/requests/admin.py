"""What each department does with access requests, edited with validation and audit."""

from typing import Any

from django import forms
from django.contrib import admin

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from accounts.models import Department
from imaging.access.requests.models import AccessPolicy, Relation
from imaging.access.requests.policies import NEVER_BY_RULE

_BY_RULE = [(value, label) for value, label in Relation.choices if value not in NEVER_BY_RULE]


class AccessPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Relations to tick."""

    automatic = forms.MultipleChoiceField(
        label=AccessPolicy._meta.get_field("automatic").verbose_name,
        help_text=AccessPolicy._meta.get_field("automatic").help_text,
        choices=_BY_RULE,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    verified = forms.MultipleChoiceField(
        label=AccessPolicy._meta.get_field("verified").verbose_name,
        help_text=AccessPolicy._meta.get_field("verified").help_text,
        choices=_BY_RULE,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        """In the order of the page."""

        model = AccessPolicy
        fields = [
            *("department", "automatic", "verified", "longest_hours", "may_give_download", "says_its_name", "deciders"),
            *("deputy", "remind_hours", "answer_hours", "unanswered", "referrer_hours"),
        ]

    def __init__(self, *args: Any, **names: Any) -> None:
        super().__init__(*args, **names)
        for name in ("department", "deputy"):
            field = self.fields.get(name)
            if field is not None:
                field.queryset = Department.objects.order_by("name")  # type: ignore[attr-defined]


@admin.register(AccessPolicy)
class AccessPolicyAdmin(AuditedModelAdmin[AccessPolicy]):
    """Who is let in at once, who decides about the rest, for how long, and what happens without an answer."""

    room = Room.PEOPLE
    form = AccessPolicyForm
    list_display = ("__str__", "longest_hours", "may_give_download", "deciders", "deputy", "referrer_hours")
    list_select_related = ("department", "deputy")
    search_fields = ("department__name", "department__name_fr", "department__code")
