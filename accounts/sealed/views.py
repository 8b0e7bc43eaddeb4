"""The way in for sealed accounts: apart from the sign-in, and an alarm."""

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from accounts.actor import Actor
from accounts.addresses import client_address
from accounts.audit import context
from accounts.models import User
from accounts.roles import Door
from accounts.sealed import selectors, services, sessions
from accounts.sealed.forms import OpenSealForm
from accounts.signing_in import attempts, proofs
from accounts.signing_in.signals import refused


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def entrance(request: HttpRequest) -> HttpResponse:
    """Ask for the envelope's code and for who opens it; sign in with the account."""
    if request.user.is_authenticated:
        return redirect(settings.LOGIN_REDIRECT_URL)
    form = OpenSealForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            status = _sign_in(request, form)
            if status == 302:
                return redirect(settings.LOGIN_REDIRECT_URL)
    return render(
        request, "accounts/sealed/entrance.html", {"form": form, "is_any": selectors.is_any_sealed()}, status=status
    )


@sensitive_variables("code", "form")
def _sign_in(request: HttpRequest, form: OpenSealForm) -> int:
    """Open the envelope and begin a session that ends with it. Returns the status of the answer."""
    name, code = form.cleaned_data["account"].strip(), form.cleaned_data["code"]
    try:
        account = services.open_seal(
            name=name,
            code=code,
            said_name=form.cleaned_data["person"],
            reason=form.cleaned_data["reason"],
            actor=_stranger(request),
        )
    except services.SealRefused:
        # Counted afterwards: 150 random bits need no waiting, and nobody may close an envelope by guessing at it.
        try:
            attempts.spend(request, attempts.Kind.LINK, f"sealed:{name}")
        except attempts.TooMany:
            form.add_error(None, _("Too many failed attempts. Wait five minutes, then try again."))
            return 429
        refused(request, User.objects.filter(username=name, sealed__isnull=False).first(), "seal")
        form.add_error(
            None,
            _(
                "This account and this code open nothing. Check both letter by letter; an envelope that was used is"
                " closed until it is sealed again. If another envelope lies there, take that."
            ),
        )
        return 400
    user = account.user
    proofs.note(request, user, proofs.Method.SEALED, is_strong=True, resists_phishing=False)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    sessions.keep_person(request, form.cleaned_data["person"])
    if account.opened_until is not None:
        request.session.set_expiry(account.opened_until)
    return 302


def _stranger(request: HttpRequest) -> Actor:
    return Actor(
        kind="user",
        id="",
        name="anonymous",
        address=client_address(request),
        door=Door.PAGE,
        request_id=context.current().request_id,
    )
