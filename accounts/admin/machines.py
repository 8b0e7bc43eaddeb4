"""Admin pages of the keys with which machines sign in."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import powers, services
from accounts.admin_forms import MachineKeyForm
from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from accounts.models import MachineKey, User
from accounts.roles import MACHINE_DOORS
from accounts.signing_in.acts import Act


@admin.register(MachineKey)
class MachineKeyAdmin(AuditedModelAdmin[MachineKey]):
    """Machine keys. The key's text is shown on the answer to its making, and nowhere else."""

    room = Room.MACHINES
    act = Act.KEYS
    form = MachineKeyForm
    list_display = ("name", "prefix", "state", "expires_at", "last_used_at", "created_by")
    search_fields = ("name", "prefix")
    readonly_fields = ("prefix", "revoked_at", "last_used_at", "created_at", "created_by")
    actions = ("revoke",)

    def get_fieldsets(self, request: HttpRequest, obj: MachineKey | None = None) -> Any:
        """Show the boxes of each door; what only the portal writes stays away from a new key."""
        doors = [f"rights_{door}" for door in MACHINE_DOORS]
        fieldsets: list[Any] = [(None, {"fields": ["name", "departments", *doors, "addresses", "expires_at"]})]
        if obj is not None:
            fieldsets.append((_("Issue and last use"), {"fields": list(self.readonly_fields)}))
        return fieldsets

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Build the form from its own fields: those of the doors are no fields of the model."""
        return super().get_form(request, obj, change, **{**kwargs, "fields": MachineKeyForm.Meta.fields})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no: a key is revoked."""
        return False

    @admin.display(description=_("State"))
    def state(self, key: MachineKey) -> str:
        """Return in one word whether the key still opens."""
        if key.revoked_at is not None:
            return str(_("Revoked"))
        return str(_("In use") if key.is_usable_at(timezone.now()) else _("Expired"))

    def save_model(self, request: HttpRequest, obj: MachineKey, form: Any, change: bool) -> None:
        """Issue a new key, keeping its text for the answer; or save a changed one."""
        if change:
            super().save_model(request, obj, form, change)
            return
        issued = services.create_machine_key(
            actor=self.actor(request),
            name=obj.name,
            departments=form.cleaned_data["departments"],
            rights=form.rights_given(),
            addresses=obj.addresses,
            expires_at=obj.expires_at,
            created_by=request.user if isinstance(request.user, User) else None,
        )
        obj.__dict__.update(issued.key.__dict__)
        request.issued_key = issued  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: MachineKey, post_url_continue: Any = None) -> HttpResponse:
        """Show the key, this once, without keeping it in a message or session."""
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Machine key issued"),
            "issued": request.issued_key,  # type: ignore[attr-defined]
        }
        response = render(request, "admin/accounts/machinekey/issued.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description=_("Revoke the selected keys"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[MachineKey]) -> None:
        """End the selected keys at once."""
        keys = list(queryset)
        for key in keys:
            services.revoke_machine_key(actor=self.actor(request), key=key)
        text = ngettext("%(count)d key revoked.", "%(count)d keys revoked.", len(keys))
        self.message_user(request, text % {"count": len(keys)}, messages.SUCCESS)

    def get_urls(self) -> list[Any]:
        """Add the page that says what a machine can do."""
        own = path("<int:pk>/powers/", self.admin_site.admin_view(self.powers_view), name="accounts_machinekey_powers")
        return [own, *super().get_urls()]

    def powers_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what this machine can do, where and why."""
        key = get_object_or_404(MachineKey, pk=pk)
        if not self.has_view_permission(request, key):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": key,
            "title": _("What %(name)s can do") % {"name": key.name},
            "powers": powers.powers_of_machine(key),
        }
        return render(request, "admin/accounts/machinekey/powers.html", context)
