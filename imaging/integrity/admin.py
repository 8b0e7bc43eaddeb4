"""The ledger in the admin: to be read."""

from django.contrib import admin

from accounts.admin_rooms import Room
from accounts.audited_admin import ReadOnlyAdmin
from imaging.integrity.models import LedgerLeaf


@admin.register(LedgerLeaf)
class LedgerLeafAdmin(ReadOnlyAdmin):
    """Leaves in their order."""

    room = Room.AUDIT
    list_display = ("sequence", "kind", "file_sha256", "recorded_at")
    list_filter = ("kind",)
    search_fields = ("=file_sha256", "=dataset_sha256")
    show_full_result_count = False
