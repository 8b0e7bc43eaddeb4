"""The catalogue in the administration: procedures, questions of safety, hints; whole tables by file."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin, M
from accounts.spreadsheet import answer
from imaging.orders.catalogue import questions, services, tables
from imaging.orders.catalogue.tables import Table
from imaging.orders.models import (
    AccessionNumbering,
    AppropriatenessRule,
    Contrast,
    Procedure,
    SafetyQuestion,
)

#: Lines of a preview that the page shows; the counts are of all.
_MOST_SHOWN: Final = 300
#: What a change list leaves out of the file, in words that a person can look up.
_MODALITY: Final = forms.RegexField(r"^[A-Z][A-Z0-9]{1,15}$", label=gettext_lazy("modality"), strip=True)


class CheckedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row of the catalogue, checked as the rows of a file are."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        try:
            questions.check(self.instance)
        except forms.ValidationError as error:
            self.add_error(None, error)


class ProcedureForm(CheckedForm):
    """An exam."""

    modality = _MODALITY

    class Meta:
        """In the order of the page."""

        model = Procedure
        fields = list(tables.TABLES["procedures"].columns)


class SafetyQuestionForm(CheckedForm):
    """A question, with its kinds of contrast to tick."""

    modalities = SimpleArrayField(
        forms.RegexField(r"^[A-Z][A-Z0-9]{1,15}$"),
        label=gettext_lazy("modalities"),
        required=False,
        help_text=gettext_lazy("Such as CT,MR; empty: all."),
    )
    contrasts = forms.MultipleChoiceField(
        label=gettext_lazy("kinds of contrast"),
        choices=Contrast.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Empty: with or without."),
    )

    class Meta:
        """In the order of the page."""

        model = SafetyQuestion
        fields = list(tables.TABLES["questions"].columns)


class RuleForm(CheckedForm):
    """A hint."""

    class Meta:
        """In the order of the page."""

        model = AppropriatenessRule
        fields = list(tables.TABLES["rules"].columns)


class TableForm(forms.Form):
    """A file to look at, or the one that was looked at to take in."""

    file = forms.FileField(label=gettext_lazy("CSV file"), required=False)
    text = forms.CharField(required=False, strip=False, max_length=tables.MOST_BYTES)
    seen = forms.CharField(required=False, max_length=32)

    def clean(self) -> dict[str, Any]:
        """One of the two, and not too large to be a catalogue."""
        given = super().clean() or {}
        file = given.get("file")
        if file is not None and file.size > tables.MOST_BYTES:
            self.add_error("file", _("The file is larger than 1 MB: no catalogue is. Nothing was read."))
        elif file is None and not given.get("text"):
            self.add_error("file", _("Choose a file."))
        return given


class CatalogueAdmin(AuditedModelAdmin[M]):
    """A table of the catalogue, with its file: out, looked at, and in."""

    room = Room.EXAMS
    table: Table
    change_list_template = "admin/imaging/catalogue/change_list.html"

    def get_urls(self) -> list[Any]:
        """Add the pages of the file."""
        name = self.opts.model_name
        own = [
            path("file/", self.admin_site.admin_view(self.file_view), name=f"imaging_{name}_file"),
            path("file/export/", self.admin_site.admin_view(self.export_view), name=f"imaging_{name}_export"),
            path("starter/", self.admin_site.admin_view(self.starter_view), name=f"imaging_{name}_starter"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Name the pages of the file."""
        name = self.opts.model_name
        more = {
            "file_url": reverse(f"admin:imaging_{name}_file"),
            "export_url": reverse(f"admin:imaging_{name}_export"),
            "starter_url": reverse(f"admin:imaging_{name}_starter"),
            "may_load": self._may_write(request),
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def _may_write(self, request: HttpRequest) -> bool:
        return self.has_add_permission(request) and self.has_change_permission(request)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """Give the table as a file that can be taken in again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = list(self.model._default_manager.all())
        return answer(f"catalogue-{self.table.name}", self.table.columns, tables.written(rows, self.table))

    def file_view(self, request: HttpRequest) -> HttpResponse:
        """Show what a file would do, line by line; then do it, as a whole or not at all."""
        if not self._may_write(request):
            raise PermissionDenied
        form = TableForm(request.POST or None, request.FILES or None)
        plan = None
        content = b""
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            content = file.read() if file is not None else form.cleaned_data["text"].encode()
            try:
                if form.cleaned_data["seen"] and file is None:
                    done = services.take_in(
                        content, self.table, actor=self.actor(request), seen=form.cleaned_data["seen"]
                    )
                    told = {"added": done.added, "changed": len(done.lines) - done.added}
                    messages.success(request, _("Taken in: %(added)d new, %(changed)d changed.") % told)
                    return HttpResponseRedirect(reverse(f"admin:imaging_{self.opts.model_name}_changelist"))
                plan = services.planned(content, self.table)
            except services.CatalogueRefused as refused:
                plan = refused.plan
                messages.warning(
                    request, _("Nothing was written: the catalogue has changed meanwhile. Look at it again below.")
                )
            except tables.UnreadableTable as error:
                form.add_error("file", str(error))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Take in a file"),
            "form": form,
            "plan": plan,
            "lines": plan.lines[:_MOST_SHOWN] if plan else [],
            "refused": plan.refused[:_MOST_SHOWN] if plan else [],
            "text": _decoded(content) if plan and not plan.refused else "",
            "columns": self.table.columns,
            "export_url": reverse(f"admin:imaging_{self.opts.model_name}_export"),
        }
        return render(request, "admin/imaging/catalogue/file.html", context)

    def starter_view(self, request: HttpRequest) -> HttpResponse:
        """Say what would be added of the catalogue that comes with the portal; add it when that is confirmed."""
        if not self._may_write(request):
            raise PermissionDenied
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Load the starter catalogue"),
                "missing": services.missing_of_starter(),
            }
            return render(request, "admin/imaging/catalogue/starter.html", context)
        if request.POST.get("sure") == "yes":
            added = services.load_starter(actor=self.actor(request))
            messages.success(
                request,
                _(
                    "Added: %(procedures)d procedures, %(questions)d questions, %(rules)d rules. What was there is as it was."
                )
                % added,
            )
        return HttpResponseRedirect(reverse(f"admin:imaging_{self.opts.model_name}_changelist"))


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


@admin.register(Procedure)
class ProcedureAdmin(CatalogueAdmin[Procedure]):
    """The exams that can be asked for."""

    form = ProcedureForm
    table = tables.TABLES["procedures"]
    list_display = ("code", "name", "name_fr", "modality", "region", "duration_minutes", "is_active")
    list_filter = ("is_active", "modality", "region", "contrast")
    search_fields = ("code", "name", "name_fr", "words", "ccam", "loinc")
    list_select_related = ("department",)


@admin.register(SafetyQuestion)
class SafetyQuestionAdmin(CatalogueAdmin[SafetyQuestion]):
    """What is asked back before an exam."""

    form = SafetyQuestionForm
    table = tables.TABLES["questions"]
    list_display = ("code", "text", "modalities", "contrasts", "sex", "alarming", "is_active")
    list_filter = ("is_active", "answer")
    search_fields = ("code", "text", "text_fr")


@admin.register(AppropriatenessRule)
class AppropriatenessRuleAdmin(CatalogueAdmin[AppropriatenessRule]):
    """Hints on which exam suits which question."""

    form = RuleForm
    table = tables.TABLES["rules"]
    list_display = ("name", "score", "modality", "region", "source", "is_active")
    list_filter = ("is_active", "score", "modality")
    search_fields = ("name", "words", "text", "text_fr")
    filter_horizontal = ("procedures",)


@admin.register(AccessionNumbering)
class AccessionNumberingAdmin(AuditedModelAdmin[AccessionNumbering]):
    """The prefix of a site's accession numbers."""

    room = Room.EXAMS
    fields = ("site", "prefix")
    list_display = ("site", "prefix", "day", "last")
