"""The way in: name and password, passkey, second factor; and the way out, with or without the next person."""

from typing import Any, Final

from allauth.account import views as allauth_views
from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import perform_login
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import Login
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors, throttling
from accounts.actor import Actor
from accounts.addresses import client_address
from accounts.models import User
from accounts.signing_in import attempts, passkeys, policy, proofs, proving, signals, stages, step_up
from accounts.signing_in.acts import Act
from accounts.signing_in.attempts import Kind
from accounts.signing_in.forms import ProofForm, answer_of
from accounts.signing_in.middleware import ARRIVING
from accounts.signing_in.next_page import next_address, safe_address
from accounts.signing_in.passkeys import Purpose
from accounts.signing_in.proofs import Method
from accounts.signing_in.views.answers import done, is_script, wrong

_OPTIONS_A_MINUTE: Final = 300
_NAME_LENGTH: Final = 150
#: Pictures are kept by browsers, and lists of places by pages: neither is for the next person.
_FORGET: Final = '"cache", "storage"'


class SignInView(allauth_views.LoginView):  # type: ignore[misc]
    """The sign-in page. A demo also lists its accounts, and fills in the one that is chosen."""

    def get_initial(self) -> dict[str, Any]:
        """Fill in the demo account of ``?as=``."""
        initial: dict[str, Any] = super().get_initial()
        chosen = self.request.GET.get("as", "")
        if settings.DEMO and len(chosen) <= _NAME_LENGTH and chosen.replace("-", "").replace("_", "").isalnum():
            initial["login"] = chosen
        return initial

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: Any) -> None:
        """Begin anew: who comes back to this page wants to sign in as somebody else, or with another way."""
        clear_login(request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the hospital's name and, in a demo, its accounts."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["hospital"] = selectors.only_site()
        context["is_switching"] = ARRIVING in self.request.session
        if settings.DEMO:
            context["demo_accounts"] = selectors.account_names()
            context["demo_password"] = getattr(settings, "DEMO_PASSWORD", "")
        return context


@method_decorator(never_cache, name="dispatch")
class SignOutView(allauth_views.LogoutView):  # type: ignore[misc]
    """Asks, then signs out; the browser forgets what it kept of the person."""

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out."""
        response: HttpResponse = super().post(*args, **kwargs)
        response["Clear-Site-Data"] = _FORGET
        return response


@require_POST
@never_cache
def switch(request: HttpRequest) -> HttpResponse:
    """End the session on a shared computer; who signs in next comes to the same page, if it is theirs to see.

    The browser forgets what the pages of the first person kept, and the pages themselves (Clear-Site-Data).
    """
    if not policy.in_force().quick_switch:
        raise Http404
    then = next_address(request)
    logout(request)
    request.session[ARRIVING] = then
    response = redirect(f"{reverse('account_login')}?{urlencode({'next': then})}")
    response["Clear-Site-Data"] = _FORGET
    return response


@require_POST
@never_cache
def passkey_options(request: HttpRequest) -> HttpResponse:
    """Answer what the browser needs for a passkey: to sign in, as second factor, to confirm, or to add one."""
    here = Actor(kind="user", id=client_address(request), name="", door="")
    room = throttling.spend(here, "passkey-options", limit=_OPTIONS_A_MINUTE)
    if room is not None and room.wait:
        return wrong([_("Too many requests. Wait a minute, then try again.")], status=429)
    purpose = request.POST.get("for", "")
    user = request.user if isinstance(request.user, User) else None
    if purpose == Purpose.SIGN_IN:
        return JsonResponse(passkeys.begin(request, Purpose.SIGN_IN))
    if purpose == Purpose.SECOND:
        answer: HttpResponse = _second_options(request)
        return answer
    if user is None or purpose not in {Purpose.CONFIRM, Purpose.ADD}:
        return wrong([_("Sign in first.")], status=401)
    if purpose == Purpose.CONFIRM:
        return JsonResponse(passkeys.begin(request, Purpose.CONFIRM, user))
    if not step_up.is_confirmed(request, Act.OWN_ACCOUNT):
        return step_up.answer(request, Act.OWN_ACCOUNT)
    return JsonResponse(passkeys.begin_adding(request, user))


@login_stage_required(stage=stages.KEY, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
def _second_options(request: HttpRequest) -> HttpResponse:
    return JsonResponse(passkeys.begin(request, Purpose.SECOND, request._login_stage.login.user))  # type: ignore[attr-defined]


@require_POST
@never_cache
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey that has recognised its owner: it stands for name, password and second factor."""
    then = next_address(request)
    if request.user.is_authenticated:
        return done(request, then)
    user: User | None = None
    try:
        shown = passkeys.shown(request, Purpose.SIGN_IN, answer_of(request.POST.get("credential", "")))
        user = shown.user
    except passkeys.Refused:
        signals.refused(request, None, "credential")
    if user is not None and not user.is_active:
        # Its owner proved it, and is told; nobody comes in.
        signals.refused(request, user, "account switched off")
        return done(request, reverse("account_inactive"))
    if user is None:
        text = _("This passkey is not accepted here. Try again, or use another way.")
        if is_script(request):
            return wrong([text])
        messages.error(request, text)
        return redirect(f"{reverse('account_login')}?{urlencode({'next': then})}")
    attempts.remember(request, user.get_username(), user.email, str(user.pk))
    proofs.note(request, user, Method.PASSKEY)
    response = perform_login(request, Login(user=user, redirect_url=then))
    return done(request, response["Location"])


@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
@login_stage_required(stage=stages.KEY, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor."""
    stage = request._login_stage  # type: ignore[attr-defined]
    user: User = stage.login.user
    if stage.is_over():
        signals.refused(request, user, "begun before a change of the account")
        aborted: HttpResponse = stage.abort()
        return done(request, aborted["Location"])
    offer = proving.offered_at_sign_in(user)
    errors: list[str] = []
    if request.method == "POST":
        form = ProofForm(request.POST)
        shown = form.cleaned_data if form.is_valid() else {}
        try:
            proving.judge(request, user, shown, offer=offer, purpose=Purpose.SECOND, kind=Kind.CODE)
        except proving.Refused as refusal:
            errors = [str(refusal)]
        else:
            response = stage.exit()
            return done(request, safe_address(request, response["Location"]))
        if is_script(request):
            return wrong(errors)
    context = {"offer": offer, "errors": errors, "action": request.path, "purpose": Purpose.SECOND}
    return render(request, "account/second_factor.html", context)
