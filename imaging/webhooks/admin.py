"""Webhooks in the admin: made, tested, switched on again; every attempt can be read."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_filters import FilledValuesFilter
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, CappedPaginator, ReadOnlyAdmin
from imaging.events import changes
from imaging.webhooks import policies, services
from imaging.webhooks.forms import WebhookForm
from imaging.webhooks.models import Webhook, WebhookAttempt


@admin.register(Webhook)
class WebhookAdmin(AuditedModelAdmin[Webhook]):
    """Who is told of changes, and how far they have got."""

    room = Room.MACHINES
    form = WebhookForm
    list_display = ("address", "machine_key", "is_active", "behind", "failures", "next_attempt_at", "stopped_because")
    list_filter = ("is_active", "machine_key")
    search_fields = ("address", "description")
    list_select_related = ("machine_key",)
    readonly_fields = ("behind", "failures", "failing_since", "next_attempt_at", "stopped_because", "created_by")
    actions = ("test", "renew_secret", "resume")
    action_added = Action.WEBHOOK_CREATED
    action_changed = Action.WEBHOOK_CHANGED
    action_deleted = Action.WEBHOOK_REMOVED

    @admin.display(description=_("lines behind"))
    def behind(self, obj: Webhook) -> int:
        """How many lines of the feed have not been looked at for this receiver."""
        return max(0, changes.bounds()[1] - obj.sent_through) if obj.pk else 0

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        """Begin at the feed's end, and say the secret once."""
        if not change:
            obj.sent_through = changes.bounds()[1]
            obj.created_by = self.actor(request).name
        super().save_model(request, obj, form, change)
        if not change:
            self._say_secret(request, policies.secret_of(obj.key, obj.generation))

    @admin.action(description=_("Send a test message"), permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        """Send a message without changes to each, and tell what came back."""
        for webhook in queryset:
            attempt = services.test(webhook)
            said = {"address": webhook.address, "answer": attempt.status or attempt.problem}
            if attempt.is_taken:
                self.message_user(request, gettext("%(address)s answered %(answer)s.") % said, messages.SUCCESS)
            else:
                self.message_user(request, gettext("%(address)s did not take it: %(answer)s.") % said, messages.ERROR)

    @admin.action(description=_("Make a new secret"), permissions=["change"])
    def renew_secret(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        """Replace the secret of each, and say the new one once."""
        for webhook in queryset.select_related("machine_key"):
            self._say_secret(request, services.renew_secret(webhook, actor=self.actor(request)))

    @admin.action(description=_("Switch on and try again now"), permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        """Go on where each receiver stopped."""
        for webhook in queryset.select_related("machine_key"):
            services.resume(webhook, actor=self.actor(request))
        self.message_user(request, gettext("What was missed is being told now."), messages.SUCCESS)

    def _say_secret(self, request: HttpRequest, secret: str) -> None:
        self.message_user(
            request, gettext("The secret, shown this once: %(secret)s") % {"secret": secret}, messages.WARNING
        )


@admin.register(WebhookAttempt)
class WebhookAttemptAdmin(ReadOnlyAdmin):
    """Every request to a receiver, newest first."""

    room = Room.MACHINES
    list_display = ("attempted_at", "webhook", "change_count", "status", "problem", "milliseconds")
    list_filter = ("webhook", "status", ("problem", FilledValuesFilter))
    list_select_related = ("webhook",)
    date_hierarchy = "attempted_at"
    paginator = CappedPaginator
    show_full_result_count = False
