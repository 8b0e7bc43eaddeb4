"""Work in the background in the admin: what failed says why in words, leads to its study, and is tried again."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.admin_rooms import Room
from accounts.audited_admin import CappedPaginator, ReadOnlyAdmin
from accounts.middleware import actor_of
from accounts.roles import Door
from imaging.events import jobs
from imaging.events.models import Job
from imaging.rendering import services as rendering
from imaging.rendering.models import Rendition
from imaging.studies import work
from imaging.studies.models import Study
from imaging.viewer import wording


def _to_study(study_instance_uid: str) -> SafeString | str:
    """Lead to the page of a study; it answers 404 to a reader who may not see it."""
    try:
        address = reverse("viewer:study", args=[study_instance_uid])
    except NoReverseMatch:
        return study_instance_uid
    return format_html('<a href="{}">{}</a>', address, study_instance_uid)


class _ProblemFilter(admin.SimpleListFilter):
    """Why something failed: the reasons of what has failed now, in words."""

    title = _("what went wrong")
    parameter_name = "problem"
    kind = "step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        """Return the reasons there are, out of the few rows that failed."""
        failed = model_admin.model.objects.filter(state="failed").order_by("problem_code")
        codes = failed.values_list("problem_code", flat=True).distinct()[:30]
        return [(code, f"{code}: {wording.problem_text(self.kind, code)}") for code in codes if code]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what failed for one reason."""
        return queryset.filter(state="failed", problem_code=self.value()) if self.value() else queryset


class _PictureProblemFilter(_ProblemFilter):
    """The same of pictures."""

    kind = "thumbnail"


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Jobs, newest first; what failed says why."""

    room = Room.WORK
    list_display = ("step", "state", "why", "study", "queue", "attempts", "due_at", "finished_at")
    list_filter = ("state", "step", _ProblemFilter, "queue")
    search_fields = ("=subject_uid", "=study_instance_uid")
    search_help_text = _("UID of a study or series")
    ordering = ("-id",)
    actions = ("retry", "cancel")
    paginator = CappedPaginator
    show_full_result_count = False
    fields = readonly_fields = (
        *("step", "state", "why", "study", "subject_uid", "queue", "attempts", "rerun", "due_at", "lease_until"),
        *("created_at", "finished_at", "problem_code", "problem_detail"),
    )

    @admin.display(description=_("what went wrong"), ordering="problem_code")
    def why(self, job: Job) -> str:
        """Say in words what could not be done and why."""
        if not job.problem_code:
            return ""
        return f"{wording.problem_title(job.step)} {wording.problem_text(job.step, job.problem_code)}"

    @admin.display(description=_("study"), ordering="study_instance_uid")
    def study(self, job: Job) -> SafeString | str:
        """Lead to the study."""
        return _to_study(job.study_instance_uid) if job.study_instance_uid else ""

    @admin.action(description=_("Try failed jobs again"), permissions=["run"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Queue what failed once more."""
        chosen = list(queryset.values_list("id", flat=True))
        self._record(request, Job.objects.filter(id__in=chosen, state=Job.State.FAILED))
        count = jobs.retry(job_ids=chosen)
        said = ngettext("%(count)d job is tried again.", "%(count)d jobs are tried again.", count) % {"count": count}
        self.message_user(request, said, messages.SUCCESS)

    @admin.action(description=_("Cancel jobs"), permissions=["run"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Drop what waits or runs."""
        chosen = queryset.values_list("id", flat=True)
        count = work.cancel_jobs(chosen, actor=actor_of(request, Door.PAGE))
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


@admin.register(Rendition)
class RenditionAdmin(ReadOnlyAdmin):
    """Pictures and failures, newest first."""

    room = Room.WORK
    list_display = ("made_at", "kind", "state", "why", "study", "width", "height")
    list_filter = ("state", "kind", _PictureProblemFilter)
    list_select_related = ("version__instance__study",)
    ordering = ("-id",)
    actions = ("retry",)
    paginator = CappedPaginator
    show_full_result_count = False
    fields = readonly_fields = (
        *("kind", "state", "why", "study", "image", "width", "height", "made_at", "problem_code", "problem_detail"),
    )

    @admin.display(description=_("what went wrong"), ordering="problem_code")
    def why(self, picture: Rendition) -> str:
        """Say in words why it could not be drawn."""
        return wording.problem_text(picture.kind, picture.problem_code) if picture.problem_code else ""

    @admin.display(description=_("study"))
    def study(self, picture: Rendition) -> SafeString | str:
        """Lead to the study."""
        return _to_study(picture.version.instance.study.study_instance_uid)

    @admin.display(description=_("instance"))
    def image(self, picture: Rendition) -> SafeString:
        """Lead to the instance, as far as the reader may see it."""
        uid = picture.version.instance.sop_instance_uid
        address = f"{reverse('admin:imaging_instance_changelist')}?{urlencode({'q': uid})}"
        return format_html('<a href="{}">{}</a>', address, uid)

    @admin.action(description=_("Draw the failed pictures of these studies again"), permissions=["run"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Try again what failed, for the studies of the chosen pictures."""
        failed = queryset.filter(state=Rendition.State.FAILED).order_by()
        studies = Study.objects.filter(pk__in=failed.values("version__instance__study")).select_related("patient")
        count = 0
        for study in studies:
            rendering.retry(study, actor=actor_of(request, Door.PAGE))
            count += 1
        said = ngettext("%(count)d study is tried again.", "%(count)d studies are tried again.", count)
        self.message_user(request, said % {"count": count}, messages.SUCCESS)

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Return whether this person may decide about pictures."""
        return request.user.has_perm("imaging.change_rendition")
