"""Admin pages of people, places, machines and the audit."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Q, QuerySet
from django.forms import BaseModelFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit, selectors, services
from accounts.admin_forms import MachineKeyForm, UserAddForm, UserEditForm
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.audited_admin import AuditedModelAdmin, CappedPaginator
from accounts.models import Department, MachineKey, Membership, Site, User
from accounts.roles import MACHINE_DOORS, Capability


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """Where a person works, and as what."""

    model = Membership
    extra = 0
    fields = ("department", "role", "valid_from", "valid_until")


@admin.register(User)
class UserAdmin(AuditedModelAdmin[User], DjangoUserAdmin):  # type: ignore[type-arg]
    """People. An account is switched off, never deleted: the audit speaks of it."""

    action_added = Action.USER_CREATED
    action_changed = Action.USER_CHANGED
    add_form = UserAddForm
    form = UserEditForm
    inlines = (MembershipInline,)
    list_display = ("username", "label", "email", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "memberships__department", "memberships__role")
    search_fields = ("username", "display_name", "first_name", "last_name", "email")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (
            _("Person"),
            {"fields": ("display_name", "first_name", "last_name", "email", "language", "theme")},
        ),
        (
            _("Account"),
            {
                "fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined"),
                "description": _("None of these shows an image: what a person sees comes from the memberships below."),
            },
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Leave it to administrators to make administrators."""
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if request.user.is_superuser else (*fields, "is_staff", "is_superuser")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save, and say it when an account is switched off."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            self.record(request, Action.USER_DISABLED, obj)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: "BaseModelFormSet[Any, Any]", change: bool
    ) -> None:
        """Save the memberships, and audit each one."""
        super().save_formset(request, form, formset, change)
        changed = [obj for obj, _fields in formset.changed_objects]
        for membership in formset.new_objects:
            self._record_membership(request, Action.MEMBERSHIP_STARTED, membership)
        for membership in changed:
            ended = membership.valid_until is not None
            action = Action.MEMBERSHIP_ENDED if ended else Action.MEMBERSHIP_STARTED
            self._record_membership(request, action, membership)
        for membership in formset.deleted_objects:
            self._record_membership(request, Action.MEMBERSHIP_ENDED, membership)

    def _record_membership(self, request: HttpRequest, action: Action, membership: Membership) -> None:
        self.record(request, action, membership.user, **services.described(membership))


@admin.register(Site)
class SiteAdmin(AuditedModelAdmin[Site]):
    """Hospitals."""

    list_display = ("name", "issuer_of_patient_id", "issuer_oid", "time_zone")
    search_fields = ("name", "issuer_of_patient_id")


@admin.register(Department)
class DepartmentAdmin(AuditedModelAdmin[Department]):
    """Departments."""

    list_display = ("code", "name", "name_fr", "site", "shares_priors", "is_active")
    list_filter = ("site", "shares_priors", "is_active")
    search_fields = ("code", "name", "name_fr")


@admin.register(Membership)
class MembershipAdmin(AuditedModelAdmin[Membership]):
    """Who works where."""

    action_added = Action.MEMBERSHIP_STARTED
    action_changed = Action.MEMBERSHIP_STARTED
    action_deleted = Action.MEMBERSHIP_ENDED
    list_display = ("user", "department", "role", "valid_from", "valid_until")
    list_filter = ("department", "role")
    list_select_related = ("user", "department")
    search_fields = ("user__username", "user__display_name")
    autocomplete_fields = ()
    raw_id_fields = ("user",)


@admin.register(MachineKey)
class MachineKeyAdmin(AuditedModelAdmin[MachineKey]):
    """Machine keys. The key's text is shown on the answer to its making, and nowhere else."""

    form = MachineKeyForm
    list_display = ("name", "prefix", "state", "expires_at", "last_used_at", "created_by")
    search_fields = ("name", "prefix")
    filter_horizontal = ("departments",)
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


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What was done. It can be read and searched, and not be changed; reading it is audited too."""

    list_display = ("at", "actor_name", "action", "outcome", "subject_type", "subject_uid", "patient_id", "door")
    list_filter = ("action", "outcome", "actor_kind", "door")
    date_hierarchy = "at"
    search_fields = ("patient_id", "subject_uid", "actor_name", "actor_id", "address")
    search_help_text = _("Exact patient ID, UID, name of an account or machine, or address")
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
        wanted = Q(patient_id=term) | Q(subject_uid=term) | Q(actor_name=term) | Q(actor_id=term) | Q(address=term)
        return queryset.filter(wanted), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and record that it was read and what was asked."""
        response = super().changelist_view(request, extra_context)
        audit.record(
            Action.AUDIT_READ,
            actor=request.actor,  # type: ignore[attr-defined]
            subject_type="audit",
            detail={"asked": request.GET.dict()},
        )
        return response
