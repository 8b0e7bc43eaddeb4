"""The letterhead in the administration; loaded in every process, and with it what this package adds to registries below."""

from django.contrib import admin

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from imaging.privacy import relations
from imaging.privacy.erasing import registered
from imaging.privacy.models import Letterhead

__all__ = ["LetterheadAdmin", "registered", "relations"]


@admin.register(Letterhead)
class LetterheadAdmin(AuditedModelAdmin[Letterhead]):
    """How the hospital signs its letters."""

    room = Room.AUDIT
    list_display = ("site", "officer", "names_staff")
