"""Admin pages around the audit: who else keeps a copy of it, how long it is kept, and what is looked into each night."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin_rooms import Room
from accounts.audit import dicom_codes, order, reviews
from accounts.audit.models import AuditPolicy, AuditReceiver, SnoopingSignal
from accounts.audit.retention import SHORTEST_YEARS
from accounts.audit.syslog_connection import certificate_folder
from accounts.audited_admin import AuditedModelAdmin
from accounts.outbound.models import validate_network
from accounts.word_lists import WordsField

_PROBLEMS: Final = {
    "no_connection": _("Nobody listens there."),
    "no_such_host": _("There is no such host."),
    "address_not_allowed": _("The name leads to an address that is not listed under private addresses."),
    "not_trusted": _("Its certificate is not signed by the authority given here, or is for another name."),
    "not_trusted_by_receiver": _("It does not accept our certificate."),
    "no_tls": _("It does not speak TLS there."),
    "own_certificate_unreadable": _("Our own certificate is missing or cannot be read."),
    "connection_lost": _("The connection broke off; what was sent then is sent again."),
    "connection_reset": _("It closed without having taken everything; that is sent again."),
    "took_too_long": _("It did not answer in time."),
}


class AuditReceiverForm(forms.ModelForm):  # type: ignore[type-arg]
    """Kinds of event as boxes; from where a new receiver begins."""

    networks = WordsField(
        each=validate_network,
        required=False,
        label=_("Private addresses"),
        help_text=AuditReceiver._meta.get_field("networks").help_text,
    )
    event_ids = forms.MultipleChoiceField(
        required=False,
        label=_("Kinds of event"),
        help_text=_("As DICOM names them. None ticked: every event."),
        choices=[(event.value, event.meaning) for event in dicom_codes.EVENTS],
        widget=forms.CheckboxSelectMultiple,
    )
    from_beginning = forms.BooleanField(
        required=False,
        label=_("Send everything on record"),
        help_text=_("Otherwise it begins with what happens from now on."),
    )

    class Meta:
        model = AuditReceiver
        fields = ("name", "host", "port", "networks", "certificates", "own_certificate", "event_ids", "is_active")

    def clean_own_certificate(self) -> str:
        """Say at once that a file is not there."""
        name: str = self.cleaned_data["own_certificate"]
        if name and not (certificate_folder() / name).is_file():
            raise ValidationError(_("There is no such file in the folder secrets/syslog of the data folder."))
        return name


@admin.register(AuditReceiver)
class AuditReceiverAdmin(AuditedModelAdmin[AuditReceiver]):
    """Syslog servers that keep a copy of the audit, and how far each of them is."""

    room = Room.AUDIT
    form = AuditReceiverForm
    list_display = ("name", "where", "is_active", "standing", "sent_at")
    readonly_fields = ("standing", "sent_at", "failing_since", "next_attempt_at")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask a new one where to begin; show of a known one how far it is."""
        own = list(AuditReceiverForm.Meta.fields)
        if obj is None:
            return [(None, {"fields": [*own, "from_beginning"]})]
        return [(None, {"fields": own}), (_("How far it is"), {"fields": list(self.readonly_fields)})]

    def save_model(self, request: HttpRequest, obj: AuditReceiver, form: Any, change: bool) -> None:
        """Begin where it was asked; what changed is tried at once."""
        if not change and not form.cleaned_data.get("from_beginning"):
            obj.sent_through = order.last_number()
        obj.next_attempt_at = None
        super().save_model(request, obj, form, change)

    @admin.display(description=_("address"))
    def where(self, row: AuditReceiver) -> str:
        """Return host and port."""
        return f"{row.host}:{row.port}"

    @admin.display(description=_("state"))
    def standing(self, row: AuditReceiver) -> SafeString | str:
        """Say how many events are still to come, and what is wrong."""
        behind = max(0, order.last_number() - row.sent_through)
        said = (
            ngettext("%(count)d event to come", "%(count)d events to come", behind) % {"count": behind}
            if behind
            else _t("has everything")
        )
        if not row.problem:
            return said
        problem = _PROBLEMS.get(row.problem, row.problem)
        return format_html('<span class="outcome outcome-failed">⚠ {}</span> {}', problem, said)


class AuditPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A short time must be meant."""

    signals = forms.MultipleChoiceField(
        required=False,
        label=_("Signals"),
        choices=SnoopingSignal.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    is_short_meant = forms.BooleanField(
        required=False,
        label=_("Keep it for less than six years all the same"),
        help_text=_("Ask who answers for data protection first: laws and contracts may demand more."),
    )

    class Meta:
        model = AuditPolicy
        fields = (
            *("retention_years", "removes_old_months", "reviews_nightly", "signals", "threshold", "usual_patients"),
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a short time that was not confirmed."""
        cleaned: dict[str, Any] = super().clean() or {}
        years = cleaned.get("retention_years")
        if years is not None and years < SHORTEST_YEARS and not cleaned.get("is_short_meant"):
            said = _("Less than six years: tick the box below if that is meant.")
            self.add_error("retention_years", said)
        return cleaned


@admin.register(AuditPolicy)
class AuditPolicyAdmin(AuditedModelAdmin[AuditPolicy]):
    """One row: what the hospital decided about its audit."""

    room = Room.AUDIT
    form = AuditPolicyForm
    readonly_fields = ("reviewed_through",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keeping, and looking into."""
        return [
            (_("How long it is kept"), {"fields": ["retention_years", "is_short_meant", "removes_old_months"]}),
            (
                _("Accesses to review"),
                {"fields": ["reviews_nightly", "signals", "threshold", "usual_patients", "reviewed_through"]},
            ),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """It is there from the first look on."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It can be changed only."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the one row."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return redirect("admin:accounts_auditpolicy_change", reviews.policy().pk)
