"""What happened and what is being done about it, in the admin: to be read; jobs can be tried again or cancelled."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.admin_rooms import Room
from accounts.audited_admin import CappedPaginator, ReadOnlyAdmin
from accounts.middleware import actor_of
from accounts.roles import Door
from imaging.events import jobs
from imaging.events.models import Event, Job


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


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Jobs, newest first; what failed says why."""

    room = Room.WORK
    list_display = ("step", "subject_uid", "queue", "state", "attempts", "problem_code", "due_at", "finished_at")
    list_filter = ("state", "queue", "step", "problem_code")
    search_fields = ("=subject_uid", "=study_instance_uid")
    ordering = ("-id",)
    exclude = ("lease_token",)
    actions = ("retry", "cancel")
    paginator = CappedPaginator
    show_full_result_count = False

    @admin.action(description=_("Try failed jobs again"), permissions=["run"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Queue what failed once more."""
        self._record(request, queryset.filter(state=Job.State.FAILED))
        count = jobs.retry(job_ids=queryset.values_list("id", flat=True))
        said = ngettext("%(count)d job is tried again.", "%(count)d jobs are tried again.", count) % {"count": count}
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(description=_("Cancel jobs"), permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Drop what waits or runs."""
        count = jobs.cancel(job_ids=queryset.values_list("id", flat=True))
        said = ngettext("%(count)d job is cancelled.", "%(count)d jobs are cancelled.", count) % {"count": count}
        self.message_user(request, said, messages.SUCCESS)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may decide about jobs."""
        return request.user.has_perm("imaging.change_job")

    def _record(self, request: HttpRequest, rows: QuerySet[Job]) -> None:
        for uid in rows.order_by().values_list("study_instance_uid", flat=True).distinct():
            audit.record(
                audit.Action.STEP_RETRIED,
                actor=actor_of(request, Door.PAGE),
                subject_type="study",
                subject_uid=uid,
                detail={"via": "admin"},
            )
