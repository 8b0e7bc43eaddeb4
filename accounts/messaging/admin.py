"""Admin pages of messages to people outside: texts, the gateway for text messages, and what became of what was owed."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, CappedPaginator, ReadOnlyAdmin
from accounts.messaging import gateways, kinds, problems, selectors
from accounts.messaging.forms import MessageTemplateForm, SmsGatewaySettingsForm, TryGatewayForm
from accounts.messaging.gateways import NotTaken
from accounts.messaging.models import MessageTemplate, OutgoingMessage, SmsGatewaySettings


@admin.register(MessageTemplate)
class MessageTemplateAdmin(AuditedModelAdmin[MessageTemplate]):
    """Texts that stand in place of the portal's own."""

    room = Room.MACHINES
    form = MessageTemplateForm
    change_form_template = "accounts/messaging/admin/template_form.html"
    list_display = ("__str__", "subject", "changed_at")
    list_filter = ("language", "department")
    list_select_related = ("department",)
    search_fields = ("kind", "subject", "body")

    def get_urls(self) -> list[Any]:
        """Add the preview."""
        view = self.admin_site.admin_view(self.preview_view)
        return [path("<int:pk>/preview/", view, name="accounts_messagetemplate_preview"), *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """Say beside the form what each kind knows, and what the portal says by itself."""
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "kinds": kinds.every()})

    def preview_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the message with an example in each place."""
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET"])
        row = get_object_or_404(MessageTemplate.objects.select_related("department__site"), pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        kind = kinds.named(row.kind)
        words = None
        if kind is not None:
            with translation.override(row.language):
                examples = kind.examples()
            words = selectors.words(kind, language=row.language, department=row.department, values=examples)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": _("Preview"),
            "kind": kind,
            "words": words,
            "sender": selectors.sender_name(row.language, row.department),
        }
        return render(request, "accounts/messaging/admin/preview.html", context)


@admin.register(SmsGatewaySettings)
class SmsGatewaySettingsAdmin(AuditedModelAdmin[SmsGatewaySettings]):
    """How text messages leave, and a trial."""

    room = Room.MACHINES
    form = SmsGatewaySettingsForm
    change_form_template = "accounts/messaging/admin/gateway_form.html"
    list_display = ("__str__", "changed_at")
    fieldsets = (
        (None, {"fields": ("backend", "country", "most_per_day")}),
        (
            translation.gettext_lazy("The call of a gateway"),
            {
                "fields": (
                    *("method", "address", "account", "secret", "sender", "headers"),
                    *("body_format", "body", "statuses", "expects"),
                )
            },
        ),
    )

    def get_urls(self) -> list[Any]:
        """Add the trial."""
        return [
            path("try/", self.admin_site.admin_view(self.try_view), name="accounts_smsgatewaysettings_try"),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow one."""
        return super().has_add_permission(request) and not SmsGatewaySettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def save_model(self, request: HttpRequest, obj: SmsGatewaySettings, form: Any, change: bool) -> None:
        """Keep it as the one row."""
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Lead to the one row, or to making it."""
        if SmsGatewaySettings.objects.exists():
            return redirect("admin:accounts_smsgatewaysettings_change", 1)
        return redirect("admin:accounts_smsgatewaysettings_add")

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Send a message at once, and say what came of it."""
        row = selectors.gateway_settings()
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "POST"])
        form = TryGatewayForm(request.POST if request.method == "POST" else None)
        outcome = ""
        if form.is_bound and form.is_valid():
            problem = _tried(row, form.cleaned_data["number"])
            self.record(request, Action.MESSAGE_GATEWAY_TRIED, row, problem=problem)
            outcome = problems.in_words(problem) or _("The message was taken. See whether it arrives.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Send a test message"),
            "form": form,
            "outcome": outcome,
            "backend": row,
        }
        return render(request, "accounts/messaging/admin/try.html", context)


def _tried(row: SmsGatewaySettings, number: str) -> str:
    """Send a message by these settings now. The code of what went wrong, or nothing."""
    gateway = gateways.gateway_of(row)
    if gateway is None:
        return "no_gateway"
    try:
        gateway.send(number, _("This is a test message of the imaging portal."))
    except NotTaken as error:
        return error.code
    return ""


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(ReadOnlyAdmin):
    """What was owed to people outside and what became of it: never what it said."""

    room = Room.WORK
    paginator = CappedPaginator
    show_full_result_count = False
    list_display = ("created_at", "channel", "kind", "recipient", "how_far", "attempts", "reason")
    list_filter = ("channel", "kind")
    search_fields = ("recipient", "subject_uid")
    fields = (
        *("channel", "kind", "subject_type", "subject_uid", "department", "language", "recipient", "message_id"),
        *("created_at", "good_until", "due_at", "attempts", "sent_at", "reason"),
    )
    readonly_fields = ("reason",)

    @admin.display(description=translation.gettext_lazy("state"))
    def how_far(self, row: OutgoingMessage) -> str:
        """Say how far it is."""
        return str(row.state.label)

    @admin.display(description=translation.gettext_lazy("why"))
    def reason(self, row: OutgoingMessage) -> str:
        """Say what keeps it from leaving."""
        return row.why or "—"
