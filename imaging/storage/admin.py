"""Contents and copies in the admin: to be read, never edited; copies that wait can be tried at once."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.admin_filters import FilledValuesFilter
from accounts.admin_rooms import Room
from accounts.audited_admin import CappedPaginator, ReadOnlyAdmin
from accounts.middleware import actor_of
from accounts.roles import Door
from imaging.storage import copying
from imaging.storage.condition import conditions, try_failed_now
from imaging.storage.models import CopyOrder, ObjectCopy, StoredObject


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

    room = Room.STORAGE
    list_display = ("file_sha256", "kind", "length", "transfer_syntax_uid", "created_at")
    list_filter = ("kind",)
    search_fields = ("=file_sha256", "=dataset_sha256")
    ordering = ("-id",)
    inlines = (CopyInline,)
    show_full_result_count = False


@admin.register(CopyOrder)
class CopyOrderAdmin(ReadOnlyAdmin):
    """What has still to be copied to a store, the longest waiting first; why it waits, and the means to try at once."""

    room = Room.STORAGE
    list_display = ("stored_object", "tier", "problem", "attempts", "created_at", "due_at")
    list_filter = ("tier", ("problem", FilledValuesFilter))
    list_select_related = ("stored_object",)
    search_fields = ("=stored_object__file_sha256",)
    ordering = ("id",)
    actions = ("try_now",)
    paginator = CappedPaginator
    show_full_result_count = False

    @admin.action(description=_("Try to copy now"), permissions=["run"])
    def try_now(self, request: HttpRequest, queryset: QuerySet[CopyOrder]) -> None:
        """Make the chosen orders due."""
        count = copying.try_now(queryset.values_list("pk", flat=True))
        audit.record(
            audit.Action.STEP_RETRIED,
            actor=actor_of(request, Door.PAGE),
            subject_type="copy_order",
            detail={"via": "admin", "count": count},
        )
        self._say(request, count)

    def get_urls(self) -> list[Any]:
        """Add the page of the tiers."""
        own = path("tiers/", self.admin_site.admin_view(self.tiers_view), name="imaging_storage_tiers")
        return [own, *super().get_urls()]

    def tiers_view(self, request: HttpRequest) -> HttpResponse:
        """Show how each tier is; a POST tries again what one of them could not take."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_retry = self.has_run_permission(request)
        if request.method == "POST":
            tier = request.POST.get("tier", "")
            if not may_retry:
                raise PermissionDenied
            if tier in {entry.tier for entry in conditions()}:
                self._say(request, try_failed_now(tier, actor=actor_of(request, Door.PAGE)))
            return redirect("admin:imaging_storage_tiers")
        problems = dict(CopyOrder.Problem.choices)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Where everything is kept"),
            "may_retry": may_retry,
            "tiers": [
                (entry, [(problems.get(code, code), count) for code, count in entry.problems.items()])
                for entry in conditions()
            ],
        }
        return render(request, "admin/imaging/copyorder/tiers.html", context)

    def _say(self, request: HttpRequest, count: int) -> None:
        said = ngettext("%(count)d copy is tried now.", "%(count)d copies are tried now.", count) % {"count": count}
        self.message_user(request, said, messages.SUCCESS)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may decide about copies."""
        return request.user.has_perm("imaging.change_copyorder")
