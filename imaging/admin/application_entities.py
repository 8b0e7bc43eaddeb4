"""Application entities in the admin: who may call, when they last did, what came today, and whether they hear us."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin, SpokenInline
from accounts.roles import Door
from imaging.dimse.echo import Echo, Heard, echo
from imaging.ingest import arrivals, senders
from imaging.ingest.forms import ApplicationEntityForm
from imaging.ingest.models import ApplicationEntity

#: Devices tested with one action: each may take seconds, and somebody waits.
MOST_TESTED: Final = 5
_ANSWERS: Final[Mapping[Heard, str | Promise]] = {
    Heard.ANSWERED: _("%(title)s answered in %(milliseconds)d ms. Network, port and both AE titles are right."),
    Heard.NO_SUCH_HOST: _("No machine has the name “%(host)s”. Check the name, or write its address."),
    Heard.NOT_ALLOWED: _(
        "“%(host)s” is no address of a device. Write the address that the device has in its own settings."
    ),
    Heard.NO_CONNECTION: _(
        "Nothing answers at %(host)s, port %(port)d. Check that the device is on, its address and DICOM port, and that no "
        "firewall stands between."
    ),
    Heard.NO_DICOM: _("Something listens at %(host)s, port %(port)d, but it does not speak DICOM. Check the port."),
    Heard.OUR_TITLE_UNKNOWN: _("%(title)s does not know us. Enter the AE title %(ours)s in its settings."),
    Heard.ITS_TITLE_UNKNOWN: _(
        "A device answers there, but it is not called %(title)s. Compare the AE title with its settings."
    ),
    Heard.REJECTED: _("%(title)s refuses the connection. Its own log says why; it may know only certain addresses."),
    Heard.BUSY: _("%(title)s is busy and takes no connection now. Test again in a moment."),
    Heard.NO_VERIFICATION: _(
        "%(title)s is there, but does not offer the connection test (C-ECHO). It may send nevertheless."
    ),
    Heard.WRONG_ANSWER: _("%(title)s accepted the connection and then did not answer the test. Its own log says why."),
}


@admin.register(ApplicationEntity)
class ApplicationEntityAdmin(AuditedModelAdmin[ApplicationEntity]):
    """Who may call over the DICOM network."""

    room = Room.MACHINES
    form = ApplicationEntityForm
    list_display = (
        *(
            "ae_title",
            "description",
            "address",
            "called_at",
            "may_store",
            "may_query",
            "may_ask_worklist",
            "is_active",
            "last_seen_at",
        ),
        "silence",
    )
    list_filter = ("is_active", "may_store", "may_query", "may_ask_worklist", "departments")
    search_fields = ("ae_title", "description", "address", "host")
    readonly_fields = ("last_seen_at", "silent_since", "today", "receipts_of_sender")
    actions = ("test_connections",)
    fieldsets = (
        (None, {"fields": ("ae_title", "description", "is_active")}),
        (
            _("When it calls us"),
            {
                "fields": ("address", "loopback_only", "departments", "may_store", "may_query", "may_ask_worklist"),
                "description": _("A device that is not listed here, or not active, is refused."),
            },
        ),
        (
            _("When we call it"),
            {
                "fields": ("host", "port"),
                "description": _("Needed to test the connection and to send, not to receive."),
            },
        ),
        (_("Watching it"), {"fields": ("silence_hours", *readonly_fields)}),
    )

    @admin.display(description=_("called at"))
    def called_at(self, obj: ApplicationEntity) -> str:
        """Say where the portal calls it."""
        host, port = _where(obj)
        return f"{host}:{port}" if host and port else ""

    @admin.display(description=_("alarm"))
    def silence(self, obj: ApplicationEntity) -> str:
        """Say that it has fallen silent, by a sign and in words."""
        return gettext("⚠ silent") if obj.silent_since else ""

    @admin.display(description=_("came today"))
    def today(self, obj: ApplicationEntity) -> str:
        """Say what it handed over since midnight."""
        counts = arrivals.today_of_sender(obj.ae_title)
        names = {
            "new": gettext("new"),
            "duplicate": gettext("known already"),
            "conflict": gettext("second versions"),
            "quarantined": gettext("set aside"),
            "refused": gettext("refused"),
        }
        said = [f"{counts[name]} {words}" for name, words in names.items() if counts[name]]
        return " · ".join(said) or gettext("nothing yet")

    @admin.display(description=_("receipts"))
    def receipts_of_sender(self, obj: ApplicationEntity) -> SafeString:
        """Lead to what it has handed over."""
        query = urlencode({"sender__exact": obj.ae_title, "door": Door.DIMSE.value})
        address = f"{reverse('admin:imaging_receipt_changelist')}?{query}"
        return format_html('<a href="{}">{}</a>', address, gettext("What it sent, hour by hour"))

    def get_urls(self) -> list[Any]:
        """Add the test of the connection."""
        own = path("<int:pk>/echo/", self.admin_site.admin_view(self.echo_view), name="imaging_applicationentity_echo")
        return [own, *super().get_urls()]

    def echo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Test the connection, say what came of it, and go back to the page."""
        entity = get_object_or_404(ApplicationEntity, pk=pk)
        if not self.has_change_permission(request, entity):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._test(request, entity)
        return redirect("admin:imaging_applicationentity_change", entity.pk)

    @admin.action(description=_("Test the connection (C-ECHO)"), permissions=["change"])
    def test_connections(self, request: HttpRequest, queryset: QuerySet[ApplicationEntity]) -> None:
        """Test some devices, one after the other."""
        chosen = list(queryset[: MOST_TESTED + 1])
        if len(chosen) > MOST_TESTED:
            said = ngettext("Choose at most %(count)d device.", "Choose at most %(count)d devices.", MOST_TESTED)
            self.message_user(request, said % {"count": MOST_TESTED}, messages.ERROR)
            return
        for entity in chosen:
            self._test(request, entity)

    def _test(self, request: HttpRequest, entity: ApplicationEntity) -> None:
        host, port = _where(entity)
        if not host or not port:
            said = gettext("%(title)s: write the address and port at which it is called, then save and test again.")
            self.message_user(request, said % {"title": entity.ae_title}, messages.WARNING)
            return
        found = echo(host, port, called_ae_title=entity.ae_title, calling_ae_title=settings.DICOM_AE_TITLE)
        answered = found.heard == Heard.ANSWERED
        detail = {"answer": found.heard, "host": host, "port": port, "milliseconds": found.milliseconds}
        senders.tested(entity, actor=self.actor(request), answered=answered, detail=detail)
        self.message_user(
            request, _in_words(found, entity, host, port), messages.SUCCESS if answered else messages.ERROR
        )


class DevicesInline(SpokenInline):
    """Which devices send for a department: read here, decided on the device's own page."""

    model = ApplicationEntity.departments.through
    extra = 0
    can_delete = False
    is_tie = True
    verbose_name = _("application entity")
    verbose_name_plural = _("application entities that act for this department")
    fields = readonly_fields = ("title", "description", "last_seen")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show them to whom devices are shown."""
        return bool(request.user.has_perm("imaging.view_applicationentity"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """By title, each with its device."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("applicationentity").order_by("applicationentity__ae_title")

    @admin.display(description=_("AE title"))
    def title(self, row: Any) -> SafeString:
        """Lead to the device."""
        address = reverse("admin:imaging_applicationentity_change", args=[row.applicationentity_id])
        return format_html('<a href="{}">{}</a>', address, row.applicationentity.ae_title)

    @admin.display(description=_("description"))
    def description(self, row: Any) -> str:
        """Say what it is."""
        return str(row.applicationentity.description)

    @admin.display(description=_("last seen"))
    def last_seen(self, row: Any) -> str:
        """Say when it last called, and that it may not any more."""
        entity: ApplicationEntity = row.applicationentity
        if not entity.is_active:
            return gettext("switched off")
        return (
            formats.date_format(timezone.localtime(entity.last_seen_at), "SHORT_DATETIME_FORMAT")
            if entity.last_seen_at
            else "–"
        )


def _where(entity: ApplicationEntity) -> tuple[str, int | None]:
    """Return where a device is called; without a host of its own, where it calls from."""
    return entity.host or entity.address or ("127.0.0.1" if entity.loopback_only else ""), entity.port


def _in_words(found: Echo, entity: ApplicationEntity, host: str, port: int) -> str:
    return str(_ANSWERS[found.heard]) % {
        "title": entity.ae_title,
        "ours": settings.DICOM_AE_TITLE,
        "host": host,
        "port": port,
        "milliseconds": found.milliseconds,
    }
