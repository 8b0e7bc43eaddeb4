"""The rules of emergency access in the administration: one row, every change on record."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from imaging.access.emergency.models import EmergencyPolicy


@admin.register(EmergencyPolicy)
class EmergencyPolicyAdmin(AuditedModelAdmin[EmergencyPolicy]):
    """How long, how many, and until when a review is due."""

    room = Room.PEOPLE
    fields = ("minutes", "words", "per_hour", "review_hours", "phone")
    list_display = ("__str__", *fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow one."""
        return super().has_add_permission(request) and not EmergencyPolicy.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def save_model(self, request: HttpRequest, obj: EmergencyPolicy, form: Any, change: bool) -> None:
        """Keep it as the one row."""
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one row, or to making it."""
        if EmergencyPolicy.objects.exists():
            return redirect("admin:imaging_emergencypolicy_change", 1)
        return redirect("admin:imaging_emergencypolicy_add")
