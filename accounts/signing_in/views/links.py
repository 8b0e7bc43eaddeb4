"""Links that are good once: for the first administrator, and for a person who is to choose a password."""

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, View

from accounts import selectors, services
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.signing_in import attempts, passwords, signals
from accounts.signing_in.attempts import Kind
from accounts.signing_in.forms import NewPasswordForm, SetupForm

_SETUP_SECRET: Final = "setup_secret"  # noqa: S105
_PASSWORD_SECRET: Final = "password_secret"  # noqa: S105


class _OpenLinkView(View):
    """Takes the secret of a link out of the address, so that no log, history or referrer keeps it in use."""

    kept_as = ""
    page = ""

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Keep the secret in the session and go on without it."""
        request.session[self.kept_as] = secret
        return redirect(self.page)


@method_decorator(never_cache, name="dispatch")
class OpenSetupLinkView(_OpenLinkView):
    """The link that `manage.py setup` prints."""

    kept_as = _SETUP_SECRET
    page = "accounts:setup"


@method_decorator(never_cache, name="dispatch")
class OpenPasswordLinkView(_OpenLinkView):
    """The link that an administrator hands over."""

    kept_as = _PASSWORD_SECRET
    page = "accounts:set-password"


def _refused(request: HttpRequest, template: str) -> HttpResponse:
    """Answer a link that does not hold; who tries many of them waits."""
    try:
        attempts.spend(request, Kind.LINK, "link")
    except attempts.TooMany:
        return render(request, "429.html", status=429)
    return render(request, template, status=404)


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class SetupView(FormView):  # type: ignore[type-arg]
    """The first administrator chooses a name and a password, and is led to a passkey."""

    form_class = SetupForm
    template_name = "accounts/setup.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse everybody who does not come with a link that still holds."""
        if not selectors.is_setup_secret(request.session.get(_SETUP_SECRET, "")):
            return _refused(request, "accounts/setup_refused.html")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: SetupForm) -> HttpResponse:
        """Make the administrator, use the link up, and go by the sign-in to the passkey."""
        try:
            services.create_first_administrator(
                actor=SYSTEM,
                secret=self.request.session[_SETUP_SECRET],
                username=form.cleaned_data["username"],
                email=form.cleaned_data["email"],
                password=form.cleaned_data["password1"],
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self.form_invalid(form)
        del self.request.session[_SETUP_SECRET]
        messages.success(self.request, _("The account is ready. Sign in with it; then add a passkey."))
        return redirect(f"{reverse('account_login')}?next={reverse('accounts:enrol')}")


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class SetPasswordView(FormView):  # type: ignore[type-arg]
    """A person chooses a password with a link. What they show beside it stays, and is asked for at the sign-in."""

    form_class = NewPasswordForm
    template_name = "account/set_password.html"
    person: User

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse everybody who does not come with a link that still holds."""
        person = passwords.owner_of_link(request.session.get(_PASSWORD_SECRET, ""))
        if person is None:
            return _refused(request, "account/set_password_refused.html")
        self.person = person
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Tell the form whose password it is."""
        return {**super().get_form_kwargs(), "user": self.person}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Show whose password it is."""
        return super().get_context_data(person=self.person, **kwargs)

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        """Set the password, use the link up, and go to the sign-in."""
        try:
            passwords.set_with_link(
                actor=signals.actor_signing_in(self.person, self.request),
                secret=self.request.session[_PASSWORD_SECRET],
                password=form.cleaned_data["password1"],
            )
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self.form_invalid(form)
        self.request.session.pop(_PASSWORD_SECRET, None)
        messages.success(self.request, _("Your password is set. Sign in with it."))
        return redirect("account_login")
