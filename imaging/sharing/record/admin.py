"""Whether a department gives patients links to their record, and what the record shows, edited with validation and audit."""

from typing import Any

from django import forms
from django.contrib import admin

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from accounts.models import Department
from accounts.roles import POWERS, Right, Role
from imaging.sharing.models import RecordPolicy
from imaging.sharing.models.choices import Factor
from imaging.sharing.models.records import RECORD_FACTORS

_SHARING = [(role.value, role.label) for role in Role if Right.SHARE in POWERS[role].rights]
_FACTORS = [(value, label) for value, label in Factor.choices if value in RECORD_FACTORS]


def _ticks(name: str, choices: list[tuple[str, Any]]) -> forms.MultipleChoiceField:
    field: Any = RecordPolicy._meta.get_field(name)
    return forms.MultipleChoiceField(
        label=field.verbose_name,
        help_text=field.help_text,
        choices=choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )


class RecordPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Roles and proofs to tick."""

    roles = _ticks("roles", _SHARING)
    factors = _ticks("factors", _FACTORS)

    class Meta:
        """In the order of the page."""

        model = RecordPolicy
        fields = [
            *("department", "is_given", "roles", "most_days", "most_opens", "most_wrong", "factors"),
            *("shows_images", "may_download", "shows_reports", "report_days", "critical_report_days"),
            *("shows_shares", "names_recipients", "shows_looks", "names_staff"),
            *("gives_proxies", "proxies_see_reports", "proxies_see_looks", "of_age"),
            *("contact", "contact_fr"),
        ]

    def __init__(self, *args: Any, **names: Any) -> None:
        super().__init__(*args, **names)
        field = self.fields.get("department")
        if field is not None:
            field.queryset = Department.objects.order_by("name")  # type: ignore[attr-defined]
        if not self.instance.pk:
            for name in ("roles", "factors"):
                self.initial.setdefault(name, getattr(self.instance, name))


@admin.register(RecordPolicy)
class RecordPolicyAdmin(AuditedModelAdmin[RecordPolicy]):
    """Who gives patients a link to their record, and what they see there."""

    room = Room.PEOPLE
    form = RecordPolicyForm
    list_display = ("__str__", "is_given", "most_days", "report_days", "shows_images", "names_staff", "gives_proxies")
    list_select_related = ("department",)
    search_fields = ("department__name", "department__name_fr", "department__code")
