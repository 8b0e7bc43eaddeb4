"""What each department allows when its images are shared, edited with validation and audit.

Loaded in every process, and with it what this package adds to registries below. Shares themselves name patients: they are looked
after at the desk, by those whom they concern.
"""

from typing import Any

from django import forms
from django.contrib import admin

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from accounts.models import Department
from accounts.roles import POWERS, Right, Role
from imaging.sharing import named
from imaging.sharing.collections import admin as collections
from imaging.sharing.models import SharePolicy
from imaging.sharing.models.choices import Factor, Kept, Recipient

__all__ = ["SharePolicyAdmin", "collections", "named"]

_SHARING = [(role.value, role.label) for role in Role if Right.SHARE in POWERS[role].rights]
_FACTORS = [(value, label) for value, label in Factor.choices if value != Factor.NONE]


def _ticks(name: str, choices: list[tuple[str, Any]]) -> forms.MultipleChoiceField:
    field: Any = SharePolicy._meta.get_field(name)
    return forms.MultipleChoiceField(
        label=field.verbose_name,
        help_text=field.help_text,
        choices=choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class SharePolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Roles, proofs and recipients to tick."""

    roles = _ticks("roles", _SHARING)
    factors = _ticks("factors", _FACTORS)
    refused_recipients = _ticks("refused_recipients", list(Recipient.choices))
    copies_keep = _ticks("copies_keep", list(Kept.choices))

    class Meta:
        """In the order of the page."""

        model = SharePolicy
        fields = [
            *("department", "is_allowed", "roles", "refused_recipients", "approval"),
            *("default_days", "most_days", "most_opens", "most_wrong"),
            *("factor_required", "factors", "may_download", "offers_download", "may_upload"),
            *("most_upload_megabytes", "most_upload_files"),
            *("report_hours", "masks_names", "copies_keep"),
        ]

    def __init__(self, *args: Any, **names: Any) -> None:
        super().__init__(*args, **names)
        field = self.fields.get("department")
        if field is not None:
            field.queryset = Department.objects.order_by("name")  # type: ignore[attr-defined]
        if not self.instance.pk:
            for name in ("roles", "factors", "copies_keep"):
                self.initial.setdefault(name, getattr(self.instance, name))


@admin.register(SharePolicy)
class SharePolicyAdmin(AuditedModelAdmin[SharePolicy]):
    """Who shares, with whom, for how long, what is asked of who opens it, and what a second person allows."""

    room = Room.PEOPLE
    form = SharePolicyForm
    list_display = ("__str__", "is_allowed", "most_days", "most_opens", "factor_required", "may_download", "approval")
    list_select_related = ("department",)
    search_fields = ("department__name", "department__name_fr", "department__code")
