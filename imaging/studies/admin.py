"""The four levels in the admin: received things are looked at; placements are edited, with validation and audit."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor
from accounts.admin_filters import DoorFilter
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, ReadOnlyAdmin, SpokenFields, ValuesFromAddress
from accounts.roles import Door
from accounts.scope import EMPTY
from imaging.studies import services
from imaging.studies.models import (
    GRANTED,
    Correction,
    Instance,
    InstanceVersion,
    MetadataSegment,
    Patient,
    Placement,
    SavedList,
    Series,
    Study,
)
from imaging.studies.rows.incoming import PlannedPlacement

#: Why a study lies in a department to which a person in the admin gave it.
PLACED_BY_HAND = "by_hand"


def _actor(request: HttpRequest) -> Actor:
    """Who edits: set by the middleware for every request."""
    found = getattr(request, "actor", None)
    if isinstance(found, Actor):
        return found
    return Actor(kind="user", id=str(request.user.pk), name=request.user.get_username(), door=Door.PAGE)


class PlacementForm(ModelForm):  # type: ignore[type-arg]
    """A placement by hand: by whom is kept, and an end lies in the future."""

    class Meta:
        model = Placement
        fields = ("study", "department", "kind", "until")

    def clean_kind(self) -> Any:
        """Refuse the kinds that follow from grants: these are granted and ended as such, and their placements follow."""
        kind = self.cleaned_data["kind"]
        if kind in GRANTED:
            raise ValidationError(_("Access is granted by an access request, not here. Choose another kind."))
        return kind

    def clean_until(self) -> Any:
        """Refuse an end that has passed: to take a study out of a department, delete the placement."""
        until = self.cleaned_data["until"]
        if until is not None and until <= timezone.now():
            raise ValidationError(_("The end must lie in the future."))
        return until


@admin.register(Placement)
class PlacementAdmin(ValuesFromAddress, SpokenFields, admin.ModelAdmin):  # type: ignore[type-arg]
    """Where studies lie. Adding, changing and removing are audited by the services that do it."""

    room = Room.IMAGES
    form = PlacementForm
    list_display = ("study", "department", "kind", "until", "reason_code", "placed_at")
    list_filter = ("department", "kind")
    search_fields = ("=study__study_instance_uid", "=patient_id", "=accession_number")
    raw_id_fields = ("study",)
    list_select_related = ("study", "department")
    ordering = ("-pk",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Placement]:
        """Only what holds now: what has ended is about to be told to the department's readers, and goes."""
        rows: Any = super().get_queryset(request)
        living: models.QuerySet[Placement] = rows.live()
        return living

    def get_readonly_fields(self, request: HttpRequest, obj: Placement | None = None) -> tuple[str, ...]:
        """Which study and which department is never edited: that is another placement."""
        return ("study", "department", "reason_code", "reason_detail", "placed_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Placement | None = None) -> bool:
        """What follows from a grant is changed with the grant."""
        return super().has_change_permission(request, obj) and (obj is None or obj.kind not in GRANTED)

    def has_delete_permission(self, request: HttpRequest, obj: Placement | None = None) -> bool:
        """What follows from a grant goes with the grant."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.kind not in GRANTED)

    def save_model(self, request: HttpRequest, obj: Placement, form: Any, change: bool) -> None:
        """Write through the services."""
        if change:
            services.change_placement(obj, actor=_actor(request))
            return
        plan = PlannedPlacement(obj.department_id, obj.kind, PLACED_BY_HAND, request.user.get_username())
        placed = services.place_study(obj.study, plan, until=obj.until, actor=_actor(request))
        obj.pk = placed.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Placement) -> None:
        """Take the study out of the department."""
        services.remove_placement(obj, actor=_actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Placement]) -> None:
        """Take several studies out, each with its own event."""
        for placed in queryset.exclude(kind__in=GRANTED).select_related("study"):
            services.remove_placement(placed, actor=_actor(request))


class ScopedAdmin(ReadOnlyAdmin):
    """Patients' data, seen through the reader's own scope: who administers the portal is not thereby in anybody's care."""

    room = Room.IMAGES

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Only what the reader may list in the study list too."""
        rows: Any = super().get_queryset(request)
        scoped: models.QuerySet[Any] = rows.visible_to(getattr(request, "scope", EMPTY))
        return scoped


@admin.register(Patient)
class PatientAdmin(ScopedAdmin):
    """Patients as received."""

    list_display = ("patient_id", "issuer_of_patient_id", "name", "birth_date", "sex")
    search_fields = ("=patient_id", "name_norm")
    ordering = ("-pk",)
    show_full_result_count = False

    @admin.display(description=_("name"), ordering="name_norm")
    def name(self, patient: Patient) -> str:
        """The name as pages write it."""
        return patient.display_name


@admin.register(Study)
class StudyAdmin(ScopedAdmin):
    """Studies, latest first."""

    list_display = ("study_instance_uid", "patient", "study_at", "modalities", "series_count", "instance_count")
    search_fields = ("=study_instance_uid", "=accession_number", "=patient__patient_id")
    list_select_related = ("patient",)
    ordering = ("-study_at", "-pk")
    show_full_result_count = False


@admin.register(Series)
class SeriesAdmin(ScopedAdmin):
    """Series, newest first."""

    list_display = ("series_instance_uid", "study", "modality", "series_number", "instance_count")
    search_fields = ("=series_instance_uid", "=study__study_instance_uid")
    list_select_related = ("study",)
    ordering = ("-pk",)
    show_full_result_count = False


class VersionInline(admin.TabularInline):  # type: ignore[type-arg]
    """What was kept of an instance."""

    model = InstanceVersion
    fields = ("state", "stored_object", "door", "sender", "address", "received_at", "needs_rendition")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Versions are received, never added."""
        return False


@admin.register(Instance)
class InstanceAdmin(ScopedAdmin):
    """Instances, newest first, with their versions."""

    list_display = ("sop_instance_uid", "series", "instance_number", "number_of_frames", "is_rejected")
    search_fields = ("=sop_instance_uid", "=series__series_instance_uid")
    list_select_related = ("series",)
    ordering = ("-pk",)
    inlines = (VersionInline,)
    show_full_result_count = False


@admin.register(InstanceVersion)
class InstanceVersionAdmin(ReadOnlyAdmin):
    """Versions, newest first; the conflicting ones are what a person looks for."""

    room = Room.IMAGES
    list_display = ("instance", "state", "door", "sender", "received_at")
    list_filter = ("state", DoorFilter)
    search_fields = ("=instance__sop_instance_uid",)
    list_select_related = ("instance",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(Correction)
class CorrectionAdmin(ReadOnlyAdmin):
    """Corrections of the studies that the reader may list, newest first. They are taken back on the study's page."""

    room = Room.IMAGES
    list_display = ("made_at", "study", "origin", "made_by", "reason", "reverted_at", "reverted_by")
    list_filter = ("origin",)
    search_fields = ("=study__study_instance_uid", "=made_by")
    list_select_related = ("study",)
    ordering = ("-pk",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Correction]:
        """Only what the reader may list in the study list too: values of patients are shown here."""
        visible = Study.objects.visible_to(getattr(request, "scope", EMPTY))
        return Correction.objects.filter(study__in=visible).order_by("-pk")


@admin.register(MetadataSegment)
class MetadataSegmentAdmin(ReadOnlyAdmin):
    """Segments of headers, newest first."""

    room = Room.STORAGE
    list_display = ("pk", "series", "instance_count", "created_at")
    search_fields = ("=series__series_instance_uid",)
    list_select_related = ("series",)
    ordering = ("-pk",)
    show_full_result_count = False


@admin.register(SavedList)
class SavedListAdmin(AuditedModelAdmin[SavedList]):
    """Study lists that people keep. They are made in the study list; here they are renamed, given on, or taken away."""

    room = Room.IMAGES
    action_added = action_changed = Action.LIST_CHANGED
    action_deleted = Action.LIST_DELETED
    list_display = ("name", "owner", "audience", "department", "role", "changed_at")
    list_filter = ("audience", "role", "department")
    list_select_related = ("owner", "department")
    search_fields = ("name", "owner__username", "owner__display_name")
    raw_id_fields = ("owner",)
    fields = ("name", "owner", "audience", "department", "role", "position", "as_readers_see_it", "changed_at")
    readonly_fields = ("as_readers_see_it", "changed_at")
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return no: a list is kept from the study list, with what is seen there."""
        return False

    @admin.display(description=_("what it asks for"))
    def as_readers_see_it(self, kept: SavedList) -> SafeString:
        """Lead to the study list with the filters of this one; each reader sees there only what is theirs to see."""
        address = reverse("viewer:study-list")
        address = f"{address}?{kept.query}" if kept.query else address
        return format_html('<a href="{}">{}</a>', address, kept.query or gettext("everything"))
