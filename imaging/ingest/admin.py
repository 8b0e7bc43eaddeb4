"""Senders and rules, edited with validation and audit; what waits in quarantine, to be looked at."""

import json
from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_filters import DoorFilter
from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin, CappedPaginator, ReadOnlyAdmin
from accounts.middleware import actor_of
from accounts.roles import Door
from imaging.ingest.forms import QuotaForm, RoutingRuleForm, TryRoutingForm
from imaging.ingest.models import QuarantinedObject, Quota, Receipt, RoutingRule
from imaging.ingest.routing import CONDITIONS
from imaging.ingest.routing_trial import Tried, trial


@admin.register(RoutingRule)
class RoutingRuleAdmin(AuditedModelAdmin[RoutingRule]):
    """Where new studies land, in the order in which the rules are tried."""

    room = Room.MACHINES
    form = RoutingRuleForm
    list_display = ("name", "order", "calling_ae_title", "modality", "owner", "is_active")
    list_filter = ("is_active", "owner")
    search_fields = ("name", "calling_ae_title", "station_name", "institutional_department_name")
    list_select_related = ("owner",)

    def get_urls(self) -> list[Any]:
        """Add the page on which the rules are tried."""
        own = path("try/", self.admin_site.admin_view(self.try_view), name="imaging_routingrule_try")
        return [own, *super().get_urls()]

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Say where a study would land, rule by rule. Nothing is changed by asking."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = TryRoutingForm(request.GET or None)
        labels = {name: field.label for name, field in form.fields.items()}
        found = trial(form.facts()) if form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Try the routing rules"),
            "form": form,
            "trial": found,
            "rules": [(tried, _conditions(tried, labels)) for tried in found.rules] if found else [],
        }
        return render(request, "admin/imaging/routingrule/try.html", context)


def _conditions(tried: Tried, labels: Mapping[str, Any]) -> list[tuple[Any, str, bool]]:
    """Return each condition that a rule sets: its name, its pattern, and whether it did not fit."""
    asked = ((name, getattr(tried.rule, name)) for name in CONDITIONS)
    return [(labels[name], pattern, name in tried.misfits) for name, pattern in asked if pattern]


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
    list_filter = (DoorFilter, "hour")
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
    list_display = ("received_at", "reason", "detail_in_words", "sender", "door", "state", "at_the_desk")
    list_filter = ("state", "reason", DoorFilter)
    search_fields = ("=study_instance_uid", "=sop_instance_uid", "sender")
    date_hierarchy = "received_at"
    ordering = ("received_at", "id")
    paginator = CappedPaginator
    show_full_result_count = False
    fields = (
        *("reason", "detail_in_words", "state", "received_at", "door", "sender", "address", "departments"),
        *("study_instance_uid", "sop_instance_uid", "at_the_desk"),
        "header_as_received",
    )
    readonly_fields = fields

    @admin.display(description=_("decision"))
    def at_the_desk(self, obj: QuarantinedObject) -> SafeString:
        """Lead to the desk, where it is decided; who may not decide is told so there."""
        return format_html(
            '<a href="{}">{}</a>', reverse("ingest:quarantined", args=[obj.pk]), gettext("Open at the desk")
        )

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
                issuer_of_patient_id=str(found.header.get("patient", {}).get("issuer_of_patient_id", "")),
                detail={"via": "admin", "sop_instance_uid": found.sop_instance_uid},
            )
        return response
