"""Templates and macros for everybody, and the rules of reporting, in the administration."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from imaging.reports.models import ReportingPolicy, ReportMacro, ReportTemplate
from imaging.reports.templates import selectors, services
from imaging.reports.templates.forms import LANGUAGES, LayoutField
from imaging.reports.templates.views import faults_of


class _TemplateForm(forms.ModelForm):  # type: ignore[type-arg]
    """The sections as one text, as people write it."""

    sections = LayoutField(
        label=gettext_lazy("Text"),
        help_text=gettext_lazy(
            "Each section below a line “## findings”. Fields: [[size|number mm]], [[side|left/right]], [[other|text]], "
            "[[day|date]]; a macro: [[.word]]."
        ),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=LANGUAGES)

    class Meta:
        """All columns."""

        model = ReportTemplate
        fields = (
            "name",
            "language",
            "modality",
            "body_part_examined",
            "procedure_code",
            "department",
            "owner",
            "position",
            "is_active",
            "sections",
        )


@admin.register(ReportTemplate)
class ReportTemplateAdmin(AuditedModelAdmin[ReportTemplate]):
    """What reports begin with."""

    room = Room.EXAMS
    form = _TemplateForm
    list_display = (
        "name",
        "language",
        "modality",
        "body_part_examined",
        "procedure_code",
        "department",
        "owner",
        "is_active",
    )
    list_filter = ("language", "modality", "is_active")
    search_fields = ("name", "procedure_code")
    raw_id_fields = ("owner",)
    actions = ("stop_offering",)
    change_list_template = "admin/imaging/reporttemplate/change_list.html"

    def get_urls(self) -> list[Any]:
        """Add the door by which the templates that come with the portal are loaded."""
        own = path("starter/", self.admin_site.admin_view(self.starter_view), name="imaging_reporttemplate_starter")
        return [own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Offer them to who may add and change templates."""
        return super().changelist_view(request, {"may_load": self._may_load(request), **(extra_context or {})})

    def starter_view(self, request: HttpRequest) -> HttpResponse:
        """Add what is missing of the templates and macros that come with the portal; what is there stays as it is."""
        if not self._may_load(request):
            raise PermissionDenied
        if request.method == "POST":
            count = services.load_starter(actor=self.actor(request))
            told = ngettext(
                "%(count)d template was added. What was there is as it was.",
                "%(count)d templates were added. What was there is as it was.",
                count,
            )
            messages.success(request, told % {"count": count})
        return HttpResponseRedirect(reverse("admin:imaging_reporttemplate_changelist"))

    def _may_load(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: ReportTemplate, form: Any, change: bool) -> None:
        """Keep it, and say what in it cannot be read: that stays as text."""
        super().save_model(request, obj, form, change)
        macros = selectors.macros_for(obj.owner or request.user, obj.language)  # type: ignore[arg-type]
        for section, problem in faults_of(obj, macros):
            said = _("Section “%(section)s”, line %(line)s: “%(piece)s” is no field or macro; it stays as text.")
            messages.warning(request, said % {"section": section, "line": problem.line, "piece": problem.piece[:60]})

    @admin.action(description=gettext_lazy("Offer no more"))
    def stop_offering(self, request: HttpRequest, queryset: QuerySet[ReportTemplate]) -> None:
        """Take templates from the lists that people choose from; they stay here."""
        count = queryset.update(is_active=False)
        messages.success(
            request,
            ngettext(
                "%(count)d template is not offered any more.", "%(count)d templates are not offered any more.", count
            )
            % {"count": count},
        )


class _MacroForm(forms.ModelForm):  # type: ignore[type-arg]
    """A macro, its language by name."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=LANGUAGES)

    class Meta:
        """All columns."""

        model = ReportMacro
        fields = ("word", "language", "text", "owner")


@admin.register(ReportMacro)
class ReportMacroAdmin(AuditedModelAdmin[ReportMacro]):
    """Short words that become texts."""

    room = Room.EXAMS
    form = _MacroForm
    list_display = ("word", "language", "text", "owner")
    list_filter = ("language",)
    search_fields = ("word", "text")
    raw_id_fields = ("owner",)


@admin.register(ReportingPolicy)
class ReportingPolicyAdmin(AuditedModelAdmin[ReportingPolicy]):
    """Dictation, and the letterhead."""

    room = Room.EXAMS
    fields = ("allows_dictation", "letterhead")
    list_display = ("__str__", "allows_dictation")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow one."""
        return super().has_add_permission(request) and not ReportingPolicy.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def save_model(self, request: HttpRequest, obj: ReportingPolicy, form: Any, change: bool) -> None:
        """Keep it as the one row."""
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one row, or to making it."""
        if ReportingPolicy.objects.exists():
            return redirect("admin:imaging_reportingpolicy_change", 1)
        return redirect("admin:imaging_reportingpolicy_add")
