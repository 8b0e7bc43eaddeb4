"""Admin pages of single sign-on: providers with their rules, a trial, a dry run, and the identities that are linked."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import BaseModelFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audit import Action
from accounts.audited_admin import AuditedModelAdmin, SpokenInline
from accounts.federation import granting, services, trying
from accounts.federation.forms import ClaimsForm, IdentityProviderForm
from accounts.federation.models import Protocol
from accounts.models import ClaimRule, FederatedIdentity, IdentityProvider, Membership

#: Fields of a rule whose change makes it another rule: what the old one gave ends.
_MEANING = frozenset({"claim", "value", "department", "role", "is_active"})


class ClaimRuleInline(SpokenInline):
    """What the claims of a provider give."""

    model = ClaimRule
    extra = 0
    fields = ("claim", "value", "department", "role", "lasts_days", "is_active")


@admin.register(IdentityProvider)
class IdentityProviderAdmin(AuditedModelAdmin[IdentityProvider]):
    """Providers. One that somebody came in by is switched off, never deleted: the audit speaks of it."""

    room = Room.PEOPLE
    form = IdentityProviderForm
    inlines = (ClaimRuleInline,)
    action_added = action_changed = action_deleted = Action.IDENTITY_PROVIDER_CHANGED
    list_display = ("name", "protocol", "issuer", "admits", "is_active")
    list_filter = ("protocol", "is_active")
    search_fields = ("name", "slug", "issuer")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "protocol", "is_active", ("label", "label_fr"), "position")}),
        (
            _("Connection"),
            {
                "fields": (
                    "issuer",
                    "client_id",
                    "secret",
                    "client_authentication",
                    "scopes",
                    "reads_userinfo",
                    "saml_metadata",
                    "signing_keys",
                )
            },
        ),
        (_("Who may come in"), {"fields": ("admits", "subject_is_username", "required_claim", "required_value")}),
        (
            _("How sure it is"),
            {
                "fields": ("acr_mfa", "amr_mfa", "acr_phishing_resistant", "amr_phishing_resistant", "acr_step_up"),
                "description": _(
                    "What the provider says counts here only as far as it is listed. One value a line;"
                    " nothing listed: a sign-in there is one factor."
                ),
            },
        ),
    )

    def get_urls(self) -> list[Any]:
        """Add the trial and the dry run."""
        own = [
            path("<int:pk>/try/", self.admin_site.admin_view(self.try_view), name="accounts_identityprovider_try"),
            path(
                "<int:pk>/dry-run/",
                self.admin_site.admin_view(self.dry_run_view),
                name="accounts_identityprovider_dry_run",
            ),
        ]
        return [*own, *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: IdentityProvider | None = None) -> bool:
        """Allow it for a provider by which nobody ever came in."""
        if not super().has_delete_permission(request, obj) or obj is None:
            return False
        return not (
            FederatedIdentity.objects.filter(provider=obj).exists() or Membership.objects.filter(given_by=obj).exists()
        )

    def save_model(self, request: HttpRequest, obj: IdentityProvider, form: Any, change: bool) -> None:
        """Save; a provider that is switched off ends its sessions."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            services.end_all_sessions_of(actor=self.actor(request), provider=obj)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: "BaseModelFormSet[Any, Any]", change: bool
    ) -> None:
        """Save the rules; what a rule gave that is gone or says something else now ends at once."""
        formset.save(commit=False)
        changed = [rule for rule, fields in formset.changed_objects if _MEANING.intersection(fields)]
        for rule in [*formset.deleted_objects, *changed]:
            granting.end_what_rule_gave(actor=self.actor(request), rule=rule)
        super().save_formset(request, form, formset, change)

    def try_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the provider what it publishes, and say what is wrong; the page itself asks nobody."""
        provider = self._provider(request, pk, Protocol.OIDC)
        if request.method not in {"GET", "HEAD", "POST"}:
            return HttpResponseNotAllowed(["GET", "POST"])
        findings = None
        if request.method == "POST":
            findings = trying.findings(provider)
            good = all(finding.is_good for finding in findings)
            self.record(request, Action.IDENTITY_PROVIDER_TRIED, provider, good=good)
        addresses = [
            (_("Redirect address"), reverse("federation:callback", args=[provider.slug])),
            (_("Back-channel logout address"), reverse("federation:back-channel-logout", args=[provider.slug])),
        ]
        context = {
            **self._context(request, provider, _("Try %(name)s") % {"name": provider.name}),
            "findings": findings,
            "addresses": [(label, request.build_absolute_uri(address)) for label, address in addresses],
        }
        return render(request, "admin/accounts/identityprovider/try.html", context)

    def dry_run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Say what somebody with pasted claims would get. Nothing of them is kept."""
        provider = self._provider(request, pk)
        form = ClaimsForm(request.POST if request.method == "POST" else None)
        run = trying.dry_run(provider, form.cleaned_data["claims"]) if form.is_bound and form.is_valid() else None
        title = _("What would somebody get from %(name)s?") % {"name": provider.name}
        context = {**self._context(request, provider, title), "form": form, "run": run}
        response = render(request, "admin/accounts/identityprovider/dry_run.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def _provider(self, request: HttpRequest, pk: int, *protocols: str) -> IdentityProvider:
        found = get_object_or_404(IdentityProvider, pk=pk, protocol__in=protocols or Protocol.values)
        if not self.has_change_permission(request, found):
            raise PermissionDenied
        return found

    def _context(self, request: HttpRequest, provider: IdentityProvider, title: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "original": provider, "title": title}


@admin.register(FederatedIdentity)
class FederatedIdentityAdmin(AuditedModelAdmin[FederatedIdentity]):
    """Whose account can be entered by which provider. Linked by signing in; taken away here."""

    room = Room.PEOPLE
    action_deleted = Action.IDENTITY_UNLINKED
    list_display = ("user", "provider", "subject", "made_account", "linked_at", "last_used_at")
    list_filter = ("provider", "made_account")
    list_select_related = ("user", "provider")
    search_fields = ("user__username", "user__display_name", "subject")
    readonly_fields = ("user", "provider", "issuer", "subject", "made_account", "linked_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return no: people link by signing in."""
        return False

    def delete_model(self, request: HttpRequest, obj: FederatedIdentity) -> None:
        """Take it away, with its sessions and what its provider gave."""
        services.unlink(actor=self.actor(request), identity=obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Take each away."""
        for identity in queryset:
            services.unlink(actor=self.actor(request), identity=identity)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Leave the audit to the service, which says more."""
        return super(AuditedModelAdmin, self).log_deletions(request, queryset)
