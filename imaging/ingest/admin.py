"""Senders and rules, edited with validation and audit; what waits in quarantine, to be looked at."""

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin, CappedPaginator, ReadOnlyAdmin
from accounts.middleware import actor_of
from accounts.roles import Door
from imaging.ingest.forms import ApplicationEntityForm, QuotaForm, RoutingRuleForm
from imaging.ingest.models import ApplicationEntity, QuarantinedObject, Quota, Receipt, RoutingRule


@admin.register(ApplicationEntity)
class ApplicationEntityAdmin(AuditedModelAdmin[ApplicationEntity]):
    """Who may call over the DICOM network."""

    room = Room.MACHINES
    form = ApplicationEntityForm
    list_display = (
        "ae_title",
        "description",
        "address",
        "may_store",
        "may_query",
        "is_active",
        "last_seen_at",
        "silence",
    )
    list_filter = ("is_active", "may_store", "may_query", "departments")
    search_fields = ("ae_title", "description", "address")
    filter_horizontal = ("departments",)
    readonly_fields = ("last_seen_at", "silent_since", "receipts_of_sender")

    @admin.display(description=_("alarm"))
    def silence(self, obj: ApplicationEntity) -> str:
        """Say that it has fallen silent, by a sign and in words."""
        return gettext("⚠ silent") if obj.silent_since else ""

    @admin.display(description=_("receipts"))
    def receipts_of_sender(self, obj: ApplicationEntity) -> SafeString:
        """Lead to what it has handed over."""
        query = urlencode({"sender__exact": obj.ae_title, "door__exact": Door.DIMSE.value})
        address = f"{reverse('admin:imaging_receipt_changelist')}?{query}"
        return format_html('<a href="{}">{}</a>', address, gettext("What it sent, hour by hour"))


@admin.register(RoutingRule)
class RoutingRuleAdmin(AuditedModelAdmin[RoutingRule]):
    """Where new studies land, in the order in which the rules are tried."""

    room = Room.MACHINES
    form = RoutingRuleForm
    list_display = ("name", "order", "calling_ae_title", "modality", "owner", "is_active")
    list_filter = ("is_active", "owner")
    search_fields = ("name", "calling_ae_title", "station_name", "institutional_department_name")
    filter_horizontal = ("also",)
    list_select_related = ("owner",)


@admin.register(Quota)
class QuotaAdmin(AuditedModelAdmin[Quota]):
    """How much a sender may hand over on one day."""

    room = Room.MACHINES
    form = QuotaForm
    list_display = ("__str__", "objects_per_day", "megabytes_per_day", "is_active")
    list_filter = ("is_active", "door")
    search_fields = ("sender",)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    """What each sender handed over, hour by hour, and what became of it."""

    room = Room.MACHINES
    list_display = (
        *("hour", "sender", "door", "new", "duplicate", "conflict", "quarantined", "refused", "size", "last_at"),
        "last_refusal",
    )
    list_filter = ("door", "hour")
    search_fields = ("=sender", "=last_address")
    date_hierarchy = "hour"
    paginator = CappedPaginator
    show_full_result_count = False
    fields = (
        *("hour", "sender", "door", "last_address", "new", "duplicate", "conflict", "quarantined", "refused"),
        *("size", "longest_wait", "last_at", "last_refusal"),
    )
    readonly_fields = fields

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let application entities lead to their own receipts."""
        return lookup == "sender__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]

    @admin.display(description=_("size"), ordering="octets")
    def size(self, obj: Receipt) -> str:
        """Write the bytes so that they can be read."""
        return filesizeformat(obj.octets)


@admin.register(QuarantinedObject)
class QuarantinedObjectAdmin(ReadOnlyAdmin):
    """What waits, oldest first, with its reason. Looking at a header is audited."""

    room = Room.IMAGES
    list_display = ("received_at", "reason", "detail_in_words", "sender", "door", "state")
    list_filter = ("state", "reason", "door")
    search_fields = ("=study_instance_uid", "=sop_instance_uid", "sender")
    date_hierarchy = "received_at"
    ordering = ("received_at", "id")
    paginator = CappedPaginator
    show_full_result_count = False
    fields = (
        *("reason", "detail_in_words", "state", "received_at", "door", "sender", "address", "departments"),
        *("study_instance_uid", "sop_instance_uid", "header_as_received"),
    )
    readonly_fields = fields

    @admin.display(description=_("detail"), ordering="detail")
    def detail_in_words(self, obj: QuarantinedObject) -> str:
        """Why it waits, in the reader's language: what is kept is English, and may name several reasons."""
        whole = gettext(obj.detail) if obj.detail else ""
        if whole != obj.detail:
            return whole
        return ", ".join(gettext(part) for part in obj.detail.split(", ") if part)

    @admin.display(description=_("header as received"))
    def header_as_received(self, obj: QuarantinedObject) -> SafeString:
        """The header as text: every value in it is hostile, and escaped."""
        return format_html("<pre>{}</pre>", json.dumps(obj.header, indent=2, ensure_ascii=False))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show one object, and audit that its header was read."""
        response = super().change_view(request, object_id, form_url, extra_context)
        found = self.get_object(request, object_id) if response.status_code == 200 else None
        if found is not None:
            audit.record(
                audit.Action.METADATA_READ,
                actor=actor_of(request, Door.PAGE),
                subject_type="quarantined_object",
                subject_uid=str(found.pk),
                patient_id=str(found.header.get("patient", {}).get("patient_id", "")),
                detail={"via": "admin", "sop_instance_uid": found.sop_instance_uid},
            )
        return response
