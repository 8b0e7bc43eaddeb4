"""Contents and copies in the admin: to be read, never edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.audited_admin import ReadOnlyAdmin
from imaging.storage.models import ObjectCopy, StoredObject


class CopyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Where one content lies, without the name within the tier."""

    model = ObjectCopy
    fields = ("tier", "state", "created_at", "verified_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Copies are written by the storage services."""
        return False


@admin.register(StoredObject)
class StoredObjectAdmin(ReadOnlyAdmin):
    """Contents, newest first."""

    list_display = ("file_sha256", "kind", "length", "transfer_syntax_uid", "created_at")
    list_filter = ("kind",)
    search_fields = ("=file_sha256", "=dataset_sha256")
    ordering = ("-id",)
    inlines = (CopyInline,)
    show_full_result_count = False
