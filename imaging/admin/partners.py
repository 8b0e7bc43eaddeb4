"""Partner archives in the admin: where they are, who sends to them, and whether they hear us."""

from typing import Any, Final

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin
from imaging.dicomweb import sending as stow
from imaging.dimse.echo import Heard, echo
from imaging.sharing.models import Partner
from imaging.sharing.partners import words
from imaging.sharing.partners.forms import PartnerForm

#: Answers to a C-ECHO with which images may go nevertheless.
_GOOD: Final = frozenset({Heard.ANSWERED, Heard.NO_VERIFICATION})


@admin.register(Partner)
class PartnerAdmin(AuditedModelAdmin[Partner]):
    """To which archives departments push images."""

    room = Room.MACHINES
    form = PartnerForm
    change_form_template = "admin/imaging/partner/change_form.html"
    list_display = ("name", "kind", "is_active", "changed_at")
    list_filter = ("is_active", "kind", "departments")
    search_fields = ("name", "address", "device__ae_title")
    fieldsets = (
        (None, {"fields": ("name", "kind", "is_active", "departments")}),
        (_("DICOMweb (STOW-RS)"), {"fields": ("address", "auth", "account", "secret")}),
        (
            _("DICOM network (C-STORE)"),
            {
                "fields": ("device", "uses_tls", "certificates"),
                "description": _(
                    "Enter our AE title at the partner. What it may do when it calls us stands on its own page."
                ),
            },
        ),
        (_("What is sent, and how long it is tried"), {"fields": ("transfer_syntaxes", "tries_hours")}),
    )

    def get_urls(self) -> list[Any]:
        """Add the test of the connection."""
        view = self.admin_site.admin_view(self.test_view)
        return [path("<int:pk>/test/", view, name="imaging_partner_test"), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether it was never used: what was sent stays on record."""
        if obj is not None and obj.transfers.exists():
            return False
        return super().has_delete_permission(request, obj)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Test the connection, say what came of it, and go back to the page."""
        partner = get_object_or_404(Partner.objects.select_related("device"), pk=pk)
        if not self.has_change_permission(request, partner):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        problem = _problem_of(partner)
        audit.record(
            Action.PEER_TESTED,
            actor=self.actor(request),
            subject_type="partner",
            subject_uid=str(partner.pk),
            outcome=audit.Outcome.FAILED if problem else audit.Outcome.SUCCESS,
            detail={"partner": partner.name, "answer": problem or "answered"},
        )
        if problem:
            self.message_user(request, words.test_in_words(problem), messages.ERROR)
        else:
            said = gettext("%(name)s answered. Network, address and credentials are right.")
            self.message_user(request, said % {"name": partner.name}, messages.SUCCESS)
        return redirect("admin:imaging_partner_change", partner.pk)


def _problem_of(partner: Partner) -> str:
    """Ask a partner whether it hears us: the code of what is wrong, or nothing. Nothing of a patient goes there."""
    if partner.kind == Partner.Kind.STOW:
        return stow.probe(partner)
    device = partner.device
    host = (device.host or device.address) if device else ""
    if device is None or not device.port or not host:
        return "not_configured"
    found = echo(
        host,
        device.port,
        called_ae_title=device.ae_title,
        calling_ae_title=settings.DICOM_AE_TITLE,
        certificates=partner.certificates if partner.uses_tls else None,
    )
    return "" if found.heard in _GOOD else found.heard.value
