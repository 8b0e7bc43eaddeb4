"""Who reads what, and within which time: in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from imaging.reports.models import ReadingRoute, TurnaroundTarget

_PRIORITIES = [(0, _("STAT")), (1, _("urgent")), (2, _("routine"))]


class TargetForm(forms.ModelForm):  # type: ignore[type-arg]
    """A target, with the priorities by their names."""

    priority = forms.TypedChoiceField(label=_("priority"), choices=_PRIORITIES, coerce=int)

    class Meta:
        model = TurnaroundTarget
        fields = ("priority", "modality", "department", "minutes")


@admin.register(TurnaroundTarget)
class TurnaroundTargetAdmin(AuditedModelAdmin[TurnaroundTarget]):
    """Within which time studies are read."""

    room = Room.EXAMS
    form = TargetForm
    list_display = ("priority_name", "modality", "department", "minutes")

    @admin.display(description=_("priority"), ordering="priority")
    def priority_name(self, target: TurnaroundTarget) -> Any:
        """The priority in words."""
        return dict(_PRIORITIES).get(target.priority, target.priority)


@admin.register(ReadingRoute)
class ReadingRouteAdmin(AuditedModelAdmin[ReadingRoute]):
    """Who reads what."""

    room = Room.EXAMS
    list_display = (
        "position",
        "name",
        "modality",
        "body_part_examined",
        "performed_by",
        "read_by",
        "subspecialty",
        "is_active",
    )
    list_display_links = ("name",)
    list_filter = ("is_active", "modality")
    search_fields = ("name",)
