"""Collections in the administration: which there are and who belongs to them, to be looked at. Studies and comments are not told."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audited_admin import CappedPaginator, ReadOnlyAdmin
from accounts.roles import Capability
from accounts.selectors import capabilities_by_department
from imaging.sharing.collections import lending
from imaging.sharing.models import Collection, CollectionMember

__all__ = ["CollectionAdmin", "lending"]

_READERS = frozenset({Capability.MANAGE_PRIVACY, Capability.READ_AUDIT, Capability.MANAGE_PORTAL})


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who belongs to it, and what each may do."""

    model = CollectionMember
    fields = ("user", "department", "may_add", "may_comment", "may_download", "manages", "added_by", "added_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for the collection."""
        return may_read(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False


def may_read(request: HttpRequest) -> bool:
    """Whether somebody answers for privacy or for the portal."""
    user = request.user
    return bool(user.is_active and user.is_staff and _READERS & capabilities_by_department(user).keys())


@admin.register(Collection)
class CollectionAdmin(ReadOnlyAdmin):
    """Every collection of the hospital, for the privacy officers and the administrators. Their members change them."""

    room = Room.PEOPLE
    list_display = ("name", "kind", "department", "is_deidentified", "counted", "made_by", "made_at", "archived_at")
    list_filter = (
        "kind",
        ("deidentification", admin.EmptyFieldListFilter),
        ("archived_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("department", "made_by")
    fields = ("key", "name", "kind", "department", "is_deidentified", "made_by", "made_at", "changed_at", "archived_at")
    readonly_fields = fields
    search_fields = ("name", "=key", "made_by__username", "members__user__username")
    inlines = (MemberInline,)
    paginator = CappedPaginator
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count the members."""
        rows: QuerySet[Any] = super().get_queryset(request).annotate(member_count=Count("members"))
        return rows

    @admin.display(description=_("without identity"), boolean=True)
    def is_deidentified(self, row: Collection) -> bool:
        """Whether it lends copies."""
        return row.deidentification_id is not None

    @admin.display(description=_("members"))
    def counted(self, row: Any) -> int:
        """How many members it has."""
        return int(row.member_count)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show them to who answers for privacy or for the portal."""
        return may_read(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """As for viewing."""
        return may_read(request)
