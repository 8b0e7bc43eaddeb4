"""Health records in the admin: which one may open images, and how it is read."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin
from accounts.federation.validators import validate_scope
from accounts.word_lists import WordsField
from imaging.ehr.models import HealthRecord
from imaging.ehr.models.records import launch_scopes, reading_scopes
from imaging.ehr.records import tokens, trying

_ONE_A_LINE = _("One a line.")


class HealthRecordForm(forms.ModelForm):  # type: ignore[type-arg]
    """A record. Its token goes in, and never comes out again."""

    scopes = WordsField(
        each=validate_scope, required=False, label=_("Scopes of a launch"), initial=launch_scopes, help_text=_ONE_A_LINE
    )
    reading_scopes = WordsField(
        each=validate_scope,
        required=False,
        label=_("Scopes for reading"),
        initial=reading_scopes,
        help_text=_ONE_A_LINE,
    )
    token = forms.CharField(
        label=_("Fixed token"),
        required=False,
        max_length=4000,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Kept sealed, and never shown again. Left empty, it stays what it is."),
    )

    class Meta:
        model = HealthRecord
        fields = (
            *("name", "slug", "is_active", "site", "address", "patient_system", "provider", "scopes"),
            *("access", "client_id", "reading_scopes", "accepts_tokens"),
        )

    def clean(self) -> dict[str, Any]:
        """Ask for what the way of reading needs."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        needs = cleaned.get("access") == HealthRecord.Access.TOKEN
        if needs and not cleaned.get("token") and not self.instance.sealed_token:
            self.add_error("token", _("Write the token that the record gave."))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Seal the token that was typed."""
        if self.cleaned_data.get("token"):
            tokens.set_token(self.instance, self.cleaned_data["token"])
        return super().save(commit)


@admin.register(HealthRecord)
class HealthRecordAdmin(AuditedModelAdmin[HealthRecord]):
    """Records that open images here, and tell what matters beside them."""

    room = Room.MACHINES
    form = HealthRecordForm
    list_display = ("name", "site", "address", "provider", "access", "is_active")
    list_filter = ("is_active", "site")
    search_fields = ("name", "slug", "address")
    list_select_related = ("site", "provider")
    prepopulated_fields = {"slug": ("name",)}
    actions = ("try_it",)
    readonly_fields = ("addresses",)
    fieldsets = (
        (None, {"fields": ("name", "slug", "is_active", "site", "address", "patient_system")}),
        (_("It opens images here (SMART launch)"), {"fields": ("provider", "scopes", "addresses")}),
        (_("It is read, beside images"), {"fields": ("access", "client_id", "reading_scopes", "token")}),
        (_("Its tokens are taken here (SMART Imaging Access)"), {"fields": ("accepts_tokens",)}),
    )

    @admin.display(description=_("to be written into the record"))
    def addresses(self, obj: HealthRecord) -> SafeString | str:
        """What whoever looks after the record has to know."""
        if not obj.slug:
            return "-"
        ours = settings.PUBLIC_URL.rstrip("/")
        told = [
            (_("Launch address"), reverse("ehr:launch")),
            (_("Redirect address"), reverse("ehr:launch-callback", args=[obj.slug])),
            (_("Keys of the portal"), reverse("published-keys")),
        ]
        return format_html_join("", "<p>{}: <code>{}{}</code></p>", [(label, ours, path) for label, path in told])

    @admin.action(description=_("Try it"), permissions=["change"])
    def try_it(self, request: HttpRequest, queryset: QuerySet[HealthRecord]) -> None:
        """Ask each what it publishes, and whether it can be read; nothing of a patient is asked for."""
        for record in queryset.select_related("provider", "site"):
            found = trying.findings(record)
            is_good = all(finding.is_good for finding in found)
            audit.record(
                Action.PEER_TESTED,
                actor=self.actor(request),
                subject_type="healthrecord",
                subject_uid=str(record.pk),
                outcome=audit.Outcome.SUCCESS if is_good else audit.Outcome.FAILED,
                detail={"partner": record.name, "answer": "answered" if is_good else "not in order"},
            )
            for finding in found:
                level = messages.SUCCESS if finding.is_good else messages.ERROR
                self.message_user(request, f"{record.name}: {finding.words}", level)
