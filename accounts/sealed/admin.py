"""Sealed accounts in the administration: made, printed once, sealed again after use."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin_rooms import Room
from accounts.audited_admin import AuditedModelAdmin, SpokenInline
from accounts.models import SealedAccount, SealedOpening, User
from accounts.roles import Capability, Role, capabilities_of
from accounts.sealed import services
from accounts.sealed.forms import SealForm


class SealedAccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """A sealed account; its name is given once."""

    name = forms.CharField(
        label=_("name of the account"), max_length=150, help_text=_("Stands on the paper. Example: envelope-1.")
    )
    label = forms.CharField(label=_("name to show"), max_length=150)

    class Meta:
        model = SealedAccount
        fields = ("department", "role", "place", "open_hours")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            del self.fields["name"], self.fields["label"]
        if "role" in self.fields:
            allowed = [role for role in Role if Capability.BREAK_GLASS in capabilities_of(role)]
            self.fields["role"].choices = [(role.value, role.label) for role in allowed]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        """Refuse the name of another account."""
        name: str = self.cleaned_data["name"].strip()
        try:
            User.username_validator(name)
        except ValidationError as error:
            raise ValidationError(error.messages) from error
        if User.objects.filter(username__iexact=name).exists():
            raise ValidationError(_("There is an account of this name already."))
        return name


class OpeningInline(SpokenInline):
    """Each time that the envelope was opened: read only."""

    model = SealedOpening
    fk_name = "account"
    extra = 0
    can_delete = False
    fields = readonly_fields = ("opened_at", "said_name", "reason", "address", "reviewed_by", "review_note")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no."""
        return False


@admin.register(SealedAccount)
class SealedAccountAdmin(AuditedModelAdmin[SealedAccount]):
    """Emergency accounts in envelopes."""

    room = Room.PEOPLE
    form = SealedAccountForm
    inlines = (OpeningInline,)
    list_display = ("user", "department", "place", "state", "sealed_at", "expires_at")
    list_select_related = ("user", "department")
    change_form_template = "admin/accounts/sealedaccount/change_form.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask for the name of a new one only."""
        kept = ("department", "role", "place", "open_hours")
        return kept if obj else ("name", "label", *kept)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Build the form from the model's own fields: the account's name is none of them."""
        return super().get_form(request, obj, change, **{**kwargs, "fields": SealedAccountForm.Meta.fields})

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Show openings of what there is already."""
        return super().get_inlines(request, obj) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return no: what it was used for stays known."""
        return False

    @admin.display(description=_("State"))
    def state(self, account: SealedAccount) -> str:
        """Say whether the envelope is closed, and what to do where it is not."""
        now = timezone.now()
        if account.is_open_at(now):
            return str(_("OPEN: somebody may be working with it"))
        if account.is_spent:
            return str(_("opened: look into it and seal it again"))
        return str(_("sealed") if account.is_usable_at(now) else _("too old: seal it again"))

    def save_model(self, request: HttpRequest, obj: SealedAccount, form: Any, change: bool) -> None:
        """Seal a new one, keeping its code for the answer; or save a changed one."""
        if change:
            super().save_model(request, obj, form, change)
            return
        sealed = services.seal_new(
            actor=self.actor(request),
            name=form.cleaned_data["name"],
            label=form.cleaned_data["label"],
            department=obj.department,
            role=obj.role,
            place=obj.place,
            open_hours=obj.open_hours,
        )
        obj.__dict__.update(sealed.account.__dict__)
        request.sealed = sealed  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: SealedAccount, post_url_continue: Any = None) -> HttpResponse:
        """Show the paper, this once."""
        return self._paper(request, request.sealed)  # type: ignore[attr-defined]

    def get_urls(self) -> list[Any]:
        """Add the page that seals again."""
        own = path("<int:pk>/seal/", self.admin_site.admin_view(self.seal_view), name="accounts_sealedaccount_seal")
        return [own, *super().get_urls()]

    def seal_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what was found, close the account, and show the new paper once."""
        account = get_object_or_404(SealedAccount.objects.select_related("user", "department"), pk=pk)
        if not self.has_change_permission(request, account):
            raise PermissionDenied
        form = SealForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                sealed = services.seal_again(account, actor=self.actor(request), note=form.cleaned_data["note"])
            except ValidationError as error:
                form.add_error("note", error.message_dict["note"])
            else:
                return self._paper(request, sealed)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": account,
            "title": _("Seal %(name)s again") % {"name": account.user.label},
            "form": form,
            "openings": account.openings.filter(reviewed_at=None),
        }
        return render(request, "admin/accounts/sealedaccount/seal.html", context)

    def _paper(self, request: HttpRequest, sealed: services.Sealed) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("For the envelope"),
            "sealed": sealed,
        }
        response = render(request, "admin/accounts/sealedaccount/paper.html", context)
        response["Cache-Control"] = "no-store"
        return response
