"""Admin pages of people, places and roles."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts import powers, review
from accounts.admin.memberships import MembershipInline, MembersInline, RecordsMemberships, warn_of_last_head
from accounts.admin.sign_in import HelpsPeopleIn, may_help
from accounts.admin_forms import UserAddForm, UserEditForm
from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, SpokenInline
from accounts.models import Department, MachineKey, Site, User
from accounts.practitioners.admin import PractitionerIdentifierInline
from accounts.signing_in import sessions


class MachinesInline(SpokenInline):
    """Which machine keys open a department: read here, given on the key's own page."""

    model = MachineKey.departments.through
    extra = 0
    can_delete = False
    is_tie = True
    verbose_name = _("machine key")
    verbose_name_plural = _("machine keys that open this department")
    fields = readonly_fields = ("key", "opens")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show them to whom keys are shown."""
        return bool(request.user.has_perm("accounts.view_machinekey"))

    @admin.display(description=_("name"))
    def key(self, row: Any) -> SafeString:
        """Lead to the key."""
        address = reverse("admin:accounts_machinekey_change", args=[row.machinekey_id])
        return format_html('<a href="{}">{}</a>', address, row.machinekey.name)

    @admin.display(description=_("State"))
    def opens(self, row: Any) -> str:
        """Say whether it still opens."""
        return str(_("In use") if row.machinekey.is_usable_at(timezone.now()) else _("Ended"))


@admin.register(User)
class UserAdmin(RecordsMemberships, HelpsPeopleIn, DjangoUserAdmin):  # type: ignore[type-arg]
    """People. An account is switched off, never deleted: the audit speaks of it."""

    room = Room.PEOPLE
    action_added = Action.USER_CREATED
    action_changed = Action.USER_CHANGED
    add_form = UserAddForm
    form = UserEditForm
    inlines = (MembershipInline, PractitionerIdentifierInline)
    list_display = ("username", "person", "email", "is_active", "is_staff", "last_login")
    list_filter = (
        "is_active",
        "is_staff",
        "is_superuser",
        "memberships__department",
        "memberships__group",
        "memberships__role",
    )
    search_fields = ("username", "display_name", "first_name", "last_name", "email")
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    # A password is chosen by its owner, with the link that the answer to the making shows.
    add_fieldsets = ((None, {"fields": ("username", "display_name", "email")}),)
    fieldsets = (
        (None, {"fields": ("username",)}),
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

    @admin.display(description=_("name"), ordering="display_name")
    def person(self, obj: User) -> str:
        """Return the name that readers see."""
        return obj.label

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Leave it to administrators to make administrators."""
        fields = tuple(super().get_readonly_fields(request, obj))
        if request.user.is_superuser:
            return fields
        guarded = ("is_staff", "is_superuser")
        # Who owns the mailbox or the name of an administrator is not for others to say.
        return (
            (*fields, *guarded) if obj is None or may_help(request, obj) else (*fields, *guarded, "email", "is_active")
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save; an account that is switched off is out at once, and says so in the audit."""
        headed = review.headed_departments()
        super().save_model(request, obj, form, change)
        warn_of_last_head(request, headed)
        if change and "is_active" in form.changed_data and not obj.is_active:
            self.record(request, Action.USER_DISABLED, obj)
            sessions.end_all(actor=self.actor(request), user=obj, reason="account switched off")

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: Any = None) -> HttpResponse:
        """Show the link with which the new person chooses a password."""
        return self.show_link(request, obj)

    def get_urls(self) -> list[Any]:
        """Add the page that says what a person can do."""
        own = path("<int:pk>/powers/", self.admin_site.admin_view(self.powers_view), name="accounts_user_powers")
        return [own, *super().get_urls()]

    def powers_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what this person can do, where and why."""
        person = get_object_or_404(User, pk=pk)
        if not self.has_view_permission(request, person):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": person,
            "title": _("What %(name)s can do") % {"name": person.label},
            "powers": powers.powers_of_person(person),
        }
        return render(request, "admin/accounts/user/powers.html", context)


@admin.register(Site)
class SiteAdmin(AuditedModelAdmin[Site]):
    """Hospitals."""

    room = Room.PEOPLE

    list_display = ("name", "issuer_of_patient_id", "issuer_oid", "time_zone")
    search_fields = ("name", "issuer_of_patient_id")


@admin.register(Department)
class DepartmentAdmin(RecordsMemberships):
    """Departments, with the people and machines that work in them."""

    room = Room.PEOPLE
    inlines = (MembersInline, MachinesInline)

    list_display = ("code", "name", "name_fr", "site", "shares_priors", "is_active")
    list_filter = ("site", "shares_priors", "is_active")
    search_fields = ("code", "name", "name_fr")
