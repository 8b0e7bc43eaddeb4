"""The hosts that may be called, in the admin."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from accounts.outbound.models import OutboundHost, validate_network
from accounts.word_lists import WordsField


class OutboundHostForm(forms.ModelForm):  # type: ignore[type-arg]
    """Private addresses are written one a line."""

    networks = WordsField(
        each=validate_network,
        required=False,
        label=_("Private addresses"),
        help_text=OutboundHost._meta.get_field("networks").help_text,
    )

    class Meta:
        model = OutboundHost
        fields = ("host", "port", "purpose", "networks", "certificates", "is_active")


@admin.register(OutboundHost)
class OutboundHostAdmin(AuditedModelAdmin[OutboundHost]):
    """Who may be called, and what for."""

    room = Room.MACHINES
    form = OutboundHostForm
    list_display = ("__str__", "purpose", "networks", "is_active")
    list_filter = ("is_active",)
    search_fields = ("host", "purpose")
