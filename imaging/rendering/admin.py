"""Ready-made pictures in the admin: to be read; what could not be drawn says why."""

from django.contrib import admin

from accounts.admin_rooms import Room
from accounts.audited_admin import CappedPaginator, ReadOnlyAdmin
from imaging.rendering.models import Rendition


@admin.register(Rendition)
class RenditionAdmin(ReadOnlyAdmin):
    """Pictures and failures, newest first."""

    room = Room.WORK
    list_display = ("version", "kind", "state", "width", "height", "problem_code", "made_at")
    list_filter = ("state", "kind", "problem_code")
    list_select_related = ("version",)
    raw_id_fields = ("version", "stored_object")
    ordering = ("-id",)
    paginator = CappedPaginator
    show_full_result_count = False
