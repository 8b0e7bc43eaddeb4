"""Rooms in the administration: with the machine of each, when it is open, and when it cannot be used."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_rooms import Room as Place
from accounts.audited_admin import AuditedModelAdmin, SpokenInline
from imaging.orders.models import Downtime, OpeningHours, Room


class RoomForm(forms.ModelForm):  # type: ignore[type-arg]
    """A room; its modalities as the worklist names them."""

    modalities = SimpleArrayField(
        forms.RegexField(r"^[A-Z][A-Z0-9]{1,15}$"),
        label=gettext_lazy("modalities"),
        help_text=gettext_lazy("What is made here, such as CT or CR,DX."),
    )


class OpeningHoursForm(forms.ModelForm):  # type: ignore[type-arg]
    """One opening of a day of the week; midnight ends a day."""

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        given = super().clean() or {}
        opens, closes = given.get("opens"), given.get("closes")
        if opens and closes and closes <= opens and closes.strftime("%H:%M") != "00:00":
            raise ValidationError({"closes": _("It has to close after it opens. Midnight is written 00:00.")})
        return given


class OpeningHoursInline(SpokenInline):
    """When a room is open, through the week."""

    model = OpeningHours
    form = OpeningHoursForm
    extra = 1


class DowntimeInline(SpokenInline):
    """When a room cannot be used: maintenance, holidays. What lies in it is not moved by itself: the calendar shows it."""

    model = Downtime
    fields = ("starts_at", "ends_at", "reason")
    extra = 0


@admin.register(Room)
class RoomAdmin(AuditedModelAdmin[Room]):
    """Rooms: what is booked in one stays booked when it is taken out of use."""

    room = Place.EXAMS
    form = RoomForm
    inlines = (OpeningHoursInline, DowntimeInline)
    list_display = ("name", "department", "modality_list", "station", "slot_minutes", "is_active")
    list_filter = ("is_active", "department")
    list_select_related = ("department", "station")
    search_fields = ("name", "code")
    autocomplete_fields = ("station",)
    fields = ("name", "code", "department", "modalities", "station", "station_name", "slot_minutes", "is_active")

    @admin.display(description=gettext_lazy("modalities"))
    def modality_list(self, room: Room) -> str:
        """What is made here."""
        return ", ".join(room.modalities)

    def get_readonly_fields(self, request: Any, obj: Room | None = None) -> tuple[str, ...]:
        """The code stands in addresses and in the audit: it stays as it was given."""
        return ("code",) if obj is not None else ()
