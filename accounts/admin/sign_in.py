"""Admin pages of sign-in: the policy, version by version, and what can be done for a person who cannot get in."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin
from accounts.models import SignInPolicy, User
from accounts.roles import Role
from accounts.signing_in import factors, history, passwords, policy, sessions
from accounts.signing_in.acts import Act


class SignInPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A version of the rules: roles and acts as boxes to tick."""

    mfa_roles = forms.MultipleChoiceField(
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=SignInPolicy._meta.get_field("mfa_roles").verbose_name,
        help_text=SignInPolicy._meta.get_field("mfa_roles").help_text,
    )
    passkey_roles = forms.MultipleChoiceField(
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=SignInPolicy._meta.get_field("passkey_roles").verbose_name,
        help_text=SignInPolicy._meta.get_field("passkey_roles").help_text,
    )
    confirmed_acts = forms.MultipleChoiceField(
        choices=Act.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=SignInPolicy._meta.get_field("confirmed_acts").verbose_name,
    )
    passkey_acts = forms.MultipleChoiceField(
        choices=Act.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=SignInPolicy._meta.get_field("passkey_acts").verbose_name,
        help_text=SignInPolicy._meta.get_field("passkey_acts").help_text,
    )

    class Meta:
        model = SignInPolicy
        fields = (*policy.TERMS, "note")

    def clean_passkey_acts(self) -> list[str]:
        """Refuse to ask for a passkey before an act for which no proof is asked: it would be an empty promise."""
        acts: list[str] = self.cleaned_data["passkey_acts"]
        unasked = set(acts) - set(self.cleaned_data.get("confirmed_acts", acts))
        if unasked:
            names = ", ".join(str(Act(act).label) for act in sorted(unasked))
            raise forms.ValidationError(
                _("No proof is asked before: %(names)s. Tick it above as well."), params={"names": names}
            )
        return acts


@admin.register(SignInPolicy)
class SignInPolicyAdmin(AuditedModelAdmin[SignInPolicy]):
    """The rules of sign-in. A change is a new version; what held before stays to be read."""

    room = Room.PEOPLE
    form = SignInPolicyForm
    list_display = ("version", "made_at", "made_by", "idle_minutes", "absolute_hours", "step_up_minutes", "note")
    list_select_related = ("made_by",)
    fieldsets = (
        (_("Who needs what"), {"fields": ("mfa_roles", "passkey_roles", "grace_days")}),
        (_("Proof asked again"), {"fields": ("confirmed_acts", "passkey_acts", "step_up_minutes")}),
        (_("Sessions"), {"fields": ("idle_minutes", "absolute_hours", "quick_switch")}),
        (_("Passwords"), {"fields": ("link_hours",)}),
        (None, {"fields": ("note",)}),
    )

    @admin.display(description=_("version"), ordering="pk")
    def version(self, row: SignInPolicy) -> str:
        """Say which version this is, and whether it holds."""
        mark = _("in force") if row.pk == policy.in_force().version else ""
        return f"{row.pk} {mark}".strip()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin a new version with what holds now."""
        present = SignInPolicy.objects.order_by("-pk").first() or SignInPolicy()
        return {name: getattr(present, name) for name in policy.TERMS}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no: a version is what it was."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def save_model(self, request: HttpRequest, obj: SignInPolicy, form: Any, change: bool) -> None:
        """Put the version in force."""
        policy.change(actor=self.actor(request), user=request.user if isinstance(request.user, User) else None, row=obj)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing more: the service has recorded what changed."""
        return None


class HelpsPeopleIn(AuditedModelAdmin[User]):
    """The part of a person's page that is about getting in: links, factors, sessions. Nobody sets another's password."""

    def get_urls(self) -> list[Any]:
        """Add the page; leave out Django's own, on which an administrator would choose a password."""
        own = path("<int:pk>/sign-in/", self.admin_site.admin_view(self.sign_in_view), name="accounts_user_sign_in")
        theirs = [url for url in super().get_urls() if url.name != "auth_user_password_change"]
        return [own, *theirs]

    def sign_in_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how a person signs in, and do what the form asks for."""
        person = get_object_or_404(User, pk=pk)
        if not may_help(request, person) or not self.has_change_permission(request, person):
            raise PermissionDenied
        if request.method == "POST":
            return self._help(request, person, request.POST.get("do", ""))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": person,
            "title": _("How %(name)s signs in") % {"name": person.label},
            "held": factors.held(person),
            "sessions": sessions.of(person),
            "sign_ins": history.latest_sign_ins(person),
        }
        return render(request, "admin/accounts/user/sign_in.html", context)

    def _help(self, request: HttpRequest, person: User, wanted: str) -> HttpResponse:
        actor = self.actor(request)
        if wanted == "link":
            return self.show_link(request, person)
        if wanted == "factors":
            count = factors.remove_all(actor=actor, user=person)
            sessions.end_all(actor=actor, user=person, reason="factors removed")
            text = ngettext("%(count)d factor removed.", "%(count)d factors removed.", count)
            messages.success(request, text % {"count": count})
        if wanted == "sessions":
            count = sessions.end_all(actor=actor, user=person, reason="ended by an administrator")
            text = ngettext("%(count)d session ended.", "%(count)d sessions ended.", count)
            messages.success(request, text % {"count": count})
        return redirect("admin:accounts_user_sign_in", person.pk)

    def show_link(self, request: HttpRequest, person: User) -> HttpResponse:
        """Make a set-password link and show it, this once, without keeping it in a message or session."""
        link, secret = passwords.issue_link(actor=self.actor(request), user=person)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": person,
            "title": _("Set-password link"),
            "address": settings.PUBLIC_URL + reverse("accounts:password-link", args=[secret]),
            "link": link,
        }
        response = render(request, "admin/accounts/user/link.html", context)
        response["Cache-Control"] = "no-store"
        return response


def may_help(request: HttpRequest, person: User) -> bool:
    """Whether somebody may change how a person gets in: administrators are helped by administrators only."""
    return bool(request.user.is_superuser) or not (person.is_staff or person.is_superuser)
