"""Pages of sign-in and of what a person prefers."""

import re
from typing import Any, Final

from allauth.account import views as allauth_views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import FormView, View

from accounts import selectors, services
from accounts.actor import SYSTEM
from accounts.forms import SetupForm
from accounts.middleware import actor_of
from accounts.models import Theme, User
from accounts.roles import Door

_ACCOUNT: Final = re.compile(r"[\w.@+-]{1,150}")
_SETUP_SECRET: Final = "setup_secret"  # noqa: S105
_YEAR: Final = 365 * 24 * 3600


def next_address(request: HttpRequest) -> str:
    """Return where the form wants to go on, if that is on this very host; otherwise the first page."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    safe = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if safe else "/"


class SignInView(allauth_views.LoginView):  # type: ignore[misc]
    """The sign-in page. A demo also lists its accounts, and fills in the one that is chosen."""

    def get_initial(self) -> dict[str, Any]:
        """Fill in the demo account of ``?as=``."""
        initial: dict[str, Any] = super().get_initial()
        chosen = self.request.GET.get("as", "")
        if settings.DEMO and _ACCOUNT.fullmatch(chosen):
            initial["login"] = chosen
        return initial

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the hospital's name and, in a demo, its accounts."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["hospital"] = selectors.only_site()
        if settings.DEMO:
            context["demo_accounts"] = selectors.account_names()
            context["demo_password"] = getattr(settings, "DEMO_PASSWORD", "")
        return context


@method_decorator(never_cache, name="dispatch")
class SignOutView(allauth_views.LogoutView):  # type: ignore[misc]
    """Asks, then signs out."""


@method_decorator(never_cache, name="dispatch")
class ChangePasswordView(allauth_views.PasswordChangeView):  # type: ignore[misc]
    """Changes one's own password, then goes back to the study list."""

    def get_default_success_url(self) -> str:
        """Return the first page."""
        return "/"


@require_safe
@login_required
@never_cache
def session(request: HttpRequest) -> HttpResponse:
    """Say that the session lives, without a word: a page asks before it sends what somebody typed for a long time."""
    return HttpResponse(status=204)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme: on the account, or in a cookie for somebody not signed in."""
    chosen = request.POST.get("theme", "")
    response = HttpResponseRedirect(next_address(request))
    if chosen not in Theme.values:
        return response
    if isinstance(request.user, User):
        services.set_theme(actor=actor_of(request, Door.PAGE), user=request.user, theme=chosen)
    else:
        response.set_cookie(
            settings.THEME_COOKIE_NAME,
            chosen,
            max_age=_YEAR,
            secure=settings.SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


@method_decorator(never_cache, name="dispatch")
class OpenSetupLinkView(View):
    """Takes the secret of a set-up link out of the address, so that no log, history or referrer keeps it in use."""

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        """Keep the secret in the session and go on without it."""
        request.session[_SETUP_SECRET] = secret
        return redirect("accounts:setup")


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class SetupView(FormView):  # type: ignore[type-arg]
    """The first administrator chooses a name and a password."""

    form_class = SetupForm
    template_name = "accounts/setup.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse everybody who does not come with a link that still holds."""
        if not selectors.is_setup_secret(request.session.get(_SETUP_SECRET, "")):
            return render(request, "accounts/setup_refused.html", status=404)
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: SetupForm) -> HttpResponse:
        """Make the administrator, use the link up, and go to the sign-in page."""
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
        messages.success(self.request, _("The account is ready. Sign in with it."))
        return redirect(reverse("account_login"))
