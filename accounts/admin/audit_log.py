"""Admin pages of the audit: what was done is asked, read and taken along; it is never changed."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone, translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import audit, selectors
from accounts.admin_filters import ActorKindFilter, DoorFilter
from accounts.admin_rooms import Room
from accounts.audit import Action, Outcome, exporting
from accounts.audit.models import AuditEvent
from accounts.audit.selectors import department_labels
from accounts.audit_search import QuestionFilter, by
from accounts.audited_admin import CappedPaginator
from accounts.roles import Capability, Door
from accounts.signing_in.acts import Act
from accounts.spreadsheet import cell, separator_of

#: Lines of one export; who needs more asks for a shorter period.
MOST_EXPORTED: Final = 50_000
_PAGE: Final = 1000
_KINDS: Final = dict(ActorKindFilter.kinds)


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What was done. It can be read and searched, and not be changed; reading it is audited too."""

    room = Room.AUDIT
    act = Act.AUDIT
    asks_to_read = True
    list_display = (
        "at",
        "who",
        "action",
        "outcome_in_words",
        "subject_type",
        "subject_uid",
        "patient_id",
        "door_in_words",
    )
    list_display_links = ("at", "action")
    list_filter = (QuestionFilter, "outcome", ActorKindFilter, DoorFilter)
    list_per_page = 50
    fields = readonly_fields = (
        *("at", "action", "outcome", "who", "kind_in_words", "address", "door_in_words", "subject_type", "subject_uid"),
        *("patient_id", "issuer_of_patient_id", "departments_in_words", "detail_in_words", "request_id"),
    )
    date_hierarchy = "at"
    search_fields = ("patient_id", "subject_uid", "actor_id")
    search_help_text = _("Exact patient ID, UID, or name of a person, account or machine")
    show_full_result_count = False
    paginator = CappedPaginator
    actions = None

    def _may_read(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.is_staff) and (
            user.has_perm("accounts.view_auditevent") or selectors.is_capable(user, Capability.READ_AUDIT)
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the table to those who may read it."""
        return self._may_read(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the audit may be read."""
        return self._may_read(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Look the whole term up, exactly: each of these questions has its index."""
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        # The empty ones are left out of those two indexes: said here, so that they are used.
        patient = Q(patient_id=term) & ~Q(patient_id="")
        subject = Q(subject_uid=term) & ~Q(subject_uid="")
        return queryset.filter(patient | subject | by(term)), False

    @admin.display(description=_("actor"), ordering="actor_name")
    def who(self, event: AuditEvent) -> str | SafeString:
        """Lead from a person to the account, where it still is one."""
        if event.actor_kind == "user" and event.actor_id.isdigit() and len(event.actor_id) < 18:
            address = reverse("admin:accounts_user_change", args=[event.actor_id])
            return format_html('<a href="{}">{}</a>', address, event.actor_name)
        return event.actor_name

    @admin.display(description=_("outcome"), ordering="outcome")
    def outcome_in_words(self, event: AuditEvent) -> SafeString:
        """Mark what did not end well, by a sign and in words."""
        sign = {Outcome.SUCCESS: "", Outcome.REFUSED: "✕ ", Outcome.FAILED: "⚠ "}.get(Outcome(event.outcome), "")
        return format_html(
            '<span class="outcome outcome-{}">{}{}</span>', event.outcome, sign, event.get_outcome_display()
        )

    @admin.display(description=_("kind of actor"))
    def kind_in_words(self, event: AuditEvent) -> str:
        """Return what kind of actor it was."""
        return str(_KINDS.get(event.actor_kind, event.actor_kind))

    @admin.display(description=_("door"), ordering="door")
    def door_in_words(self, event: AuditEvent) -> str:
        """Return through which door it was done."""
        return str(dict(Door.choices).get(event.door, event.door))

    @admin.display(description=_("departments of the actor"))
    def departments_in_words(self, event: AuditEvent) -> str:
        """Name the departments for which the actor worked at that moment."""
        return ", ".join(department_labels(event.departments).values()) or "–"

    @admin.display(description=_("detail"))
    def detail_in_words(self, event: AuditEvent) -> SafeString:
        """Write the detail line by line; every value in it is hostile, and escaped."""
        lines = format_html_join(
            "", "<dt>{}</dt><dd>{}</dd>", ((key, _plainly(value)) for key, value in event.detail.items())
        )
        return format_html('<dl class="event-detail">{}</dl>', lines)

    def get_urls(self) -> list[Any]:
        """Add the export."""
        own = path("export/", self.admin_site.admin_view(self.export_view), name="accounts_auditevent_export")
        return [own, *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Give the events that the address asks for, newest first, as a table; nothing leaves that is not on record."""
        if not self._may_read(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = request.POST.get("format", "csv")
        if form != "csv" and form not in exporting.FORMATS:
            raise SuspiciousOperation
        rows = self.get_changelist_instance(request).get_queryset(request).order_by("-at", "-id")[:MOST_EXPORTED]
        try:
            exporting.put_on_record(
                request.actor,  # type: ignore[attr-defined]
                form=form,
                events=rows.count(),
                detail={"asked": request.GET.dict(), "most": MOST_EXPORTED},
                patient_id=request.GET.get("patient", ""),
                issuer=request.GET.get("issuer", ""),
            )
        except audit.AuditUnavailable:
            said = _(
                "Nothing was exported: it could not be put on record. Try again, and look at the log if it stays so."
            )
            self.message_user(request, said, messages.ERROR)
            return redirect("admin:accounts_auditevent_changelist")
        media, ending = exporting.MEDIA_TYPES.get(form, ("text/csv", "csv"))
        lines = _lines(rows) if form == "csv" else exporting.lines(rows, form)
        response = StreamingHttpResponse(lines, content_type=f"{media}; charset=utf-8")
        name = f"audit-{timezone.localtime():%Y-%m-%d-%H%M}.{ending}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "private, no-store"
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and record that it was read and what was asked."""
        query = request.GET.urlencode()
        context = {**(extra_context or {}), "export_address": f"{reverse('admin:accounts_auditevent_export')}?{query}"}
        response = super().changelist_view(request, context)
        audit.record(
            Action.AUDIT_READ,
            actor=request.actor,  # type: ignore[attr-defined]
            subject_type="audit",
            detail={"asked": request.GET.dict()},
        )
        return response


def _plainly(value: object) -> str:
    """Return one value of a detail as text; what is nested stays JSON, which names its parts."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=1) if value else ""
    return str(_("yes") if value is True else _("no") if value is False else value)


def _lines(rows: QuerySet[AuditEvent]) -> Iterator[bytes]:
    """Yield the file; the language and zone of who asked are gone once the view has returned."""
    language, zone = translation.get_language() or "en", timezone.get_current_timezone()
    names = ("at", "actor_kind", "actor_name", "action", "outcome", "address", "door", "subject_type", "subject_uid")
    columns = (*names, "patient_id", "issuer_of_patient_id", "departments", "detail", "request_id")

    def text_of(event: AuditEvent, name: str) -> str:
        if name == "at":
            return event.at.astimezone(zone).isoformat(timespec="seconds")
        value = ", ".join(event.departments) if name == "departments" else getattr(event, name)
        return cell(json.dumps(value, ensure_ascii=False, sort_keys=True) if name == "detail" else value)

    def written() -> Iterator[bytes]:
        page = io.StringIO()
        writer = csv.writer(page, delimiter=separator_of(language), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(columns)
        yield "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + page.getvalue().encode()
        for event in rows.iterator(chunk_size=_PAGE):
            page.seek(0)
            page.truncate()
            writer.writerow([text_of(event, name) for name in columns])
            yield page.getvalue().encode("utf-8", "replace")

    return written()
