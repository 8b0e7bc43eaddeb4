"""What happened, in the admin: to be read. What is being done about it is a page of the packages above."""

from django.contrib import admin

from accounts.admin_rooms import Room
from accounts.audited_admin import CappedPaginator, ReadOnlyAdmin
from imaging.events.models import Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Events, newest first."""

    room = Room.WORK
    list_display = ("kind", "subject_uid", "created_at", "due_at", "drained_at")
    list_filter = ("kind",)
    search_fields = ("=subject_uid",)
    ordering = ("-id",)
    paginator = CappedPaginator
    show_full_result_count = False
