"""The origins that may frame our pages, in the admin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from accounts.framing.models import MOST, FrameOrigin


class FrameOriginForm(forms.ModelForm):  # type: ignore[type-arg]
    """An origin as a browser writes it, whatever a person typed around it; the model's own rule judges what is left."""

    origin = forms.CharField(
        max_length=270,
        label=_("Origin"),
        help_text=FrameOrigin._meta.get_field("origin").help_text,
    )

    class Meta:
        model = FrameOrigin
        fields = ("origin", "purpose", "is_active")

    def clean_origin(self) -> str:
        """Take the slash off that people copy along."""
        return str(self.cleaned_data["origin"]).strip().removesuffix("/")

    def clean(self) -> dict[str, Any]:
        """Refuse more than a header can carry."""
        cleaned = super().clean() or {}
        others = FrameOrigin.objects.filter(is_active=True).exclude(pk=self.instance.pk)
        if cleaned.get("is_active") and others.count() >= MOST:
            raise ValidationError(_("There are %(most)d frame origins already: switch one off first.") % {"most": MOST})
        return cleaned


@admin.register(FrameOrigin)
class FrameOriginAdmin(AuditedModelAdmin[FrameOrigin]):
    """Whose pages may show ours, and what for."""

    room = Room.MACHINES
    form = FrameOriginForm
    list_display = ("origin", "purpose", "is_active")
    list_filter = ("is_active",)
    search_fields = ("origin", "purpose")
