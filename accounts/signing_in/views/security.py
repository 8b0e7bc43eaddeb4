"""One's own security: passkeys, authenticator app, recovery codes, sessions, latest sign-ins, password."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.signing_in import (
    enrolment,
    factors,
    history,
    passkeys,
    passwords,
    policy,
    proofs,
    proving,
    sealing,
    sessions,
    step_up,
    totp,
)
from accounts.signing_in.acts import Act
from accounts.signing_in.attempts import Kind
from accounts.signing_in.forms import ChangePasswordForm, PasskeyForm
from accounts.signing_in.next_page import next_address
from accounts.signing_in.passkeys import Purpose
from accounts.signing_in.policy import Need
from accounts.signing_in.proofs import Method
from accounts.signing_in.proving import Offer
from accounts.signing_in.views.answers import actor, done, is_script, messages_of, person, wrong

_APP_SECRET: Final = "app_secret"  # noqa: S105
_PAGE: Final = "accounts:security"


@require_safe
@never_cache
@login_required
def security(request: HttpRequest) -> HttpResponse:
    """Show how one signs in, where one is signed in, and when one did."""
    user, rules = person(request), policy.in_force()
    context = {
        "held": factors.held(user),
        "sessions": sessions.of(user, this=request.session.session_key),
        "sign_ins": history.latest_sign_ins(user),
        "lacking": enrolment.asked_of(request, user),
        "idle_minutes": int(rules.idle.total_seconds() // 60),
        "absolute_hours": int(rules.absolute.total_seconds() // 3600),
    }
    return render(request, "account/security.html", context)


@require_safe
@never_cache
@login_required
def enrol(request: HttpRequest) -> HttpResponse:
    """Lead to the factor that is missing, or on where nothing is."""
    user = person(request)
    lacking = enrolment.asked_of(request, user)
    then = next_address(request)
    if lacking is Need.NOTHING:
        return redirect(then)
    context = {"needs_passkey": lacking is Need.PASSKEY, "next": then, "can_wait": not enrolment.missing(request)}
    return render(request, "account/enrol.html", context)


@sensitive_post_parameters("code")
@require_http_methods(["GET", "POST"])
@never_cache
@login_required
@step_up.required(Act.OWN_ACCOUNT)
def add_app(request: HttpRequest) -> HttpResponse:
    """Show the secret of a new authenticator app, and keep it once a code of it was typed."""
    user = person(request)
    if factors.held(user).app is not None:
        return redirect(_PAGE)
    errors: list[str] = []
    sealed = request.session.get(_APP_SECRET)
    secret = sealing.opened(sealed) if sealed and request.method == "POST" else totp.new_secret()
    if request.method == "POST":
        step = totp.matching_step(secret, request.POST.get("code", ""))
        if step is not None:
            del request.session[_APP_SECRET]
            codes = factors.added(actor=actor(request), user=user, row=totp.add(user, secret, step))
            proofs.note(request, user, Method.TOTP)
            return _added(request, codes, _("Your authenticator app is set up."))
        errors = [_("This code is not right. Check the clock of your telephone, then type the code it shows now.")]
    request.session[_APP_SECRET] = sealing.seal(secret)
    context = {
        "picture": totp.picture(totp.address(user, secret)),
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "errors": errors,
        "next": next_address(request),
    }
    return render(request, "account/add_app.html", context)


@require_POST
@never_cache
@login_required
@step_up.required(Act.OWN_ACCOUNT)
def add_passkey(request: HttpRequest) -> HttpResponse:
    """Keep a passkey that the browser has made."""
    user = person(request)
    form = PasskeyForm(request.POST)
    try:
        if not form.is_valid():
            raise passkeys.Refused
        name = form.cleaned_data["name"].strip() or _("Passkey")
        row = passkeys.add(request, user, form.cleaned_data["credential"], name)
    except passkeys.Refused:
        text = _("The passkey could not be added. Try again.")
        if is_script(request):
            return wrong([text])
        messages.error(request, text)
        return redirect(_PAGE)
    codes = factors.added(actor=actor(request), user=user, row=row)
    proofs.note(request, user, Method.PASSKEY)
    return _added(request, codes, _("Your passkey is ready."))


def _added(request: HttpRequest, codes: list[str], text: str) -> HttpResponse:
    """Show the recovery codes that come with a first factor, this once; or go on."""
    enrolment.forget_all()
    sessions.rotate(request)
    if codes:
        return _codes(request, codes, text)
    messages.success(request, text)
    then = next_address(request)
    return redirect(_PAGE if then == "/" else then)


def _codes(request: HttpRequest, codes: list[str], text: str = "") -> HttpResponse:
    context = {"codes": codes, "said": text, "next": next_address(request)}
    return render(request, "account/recovery_codes.html", context)


@require_POST
@never_cache
@login_required
@step_up.required(Act.OWN_ACCOUNT)
def make_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes, and show them this once."""
    try:
        codes = factors.make_codes(actor=actor(request), user=person(request))
    except ValidationError as error:
        messages.error(request, " ".join(messages_of(error)))
        return redirect(_PAGE)
    return _codes(request, codes)


@require_POST
@never_cache
@login_required
@step_up.required(Act.OWN_ACCOUNT)
def remove_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one of one's own factors away; the other sessions end."""
    user = person(request)
    try:
        if not factors.remove(actor=actor(request), user=user, pk=pk):
            raise Http404
    except ValidationError as error:
        messages.error(request, " ".join(messages_of(error)))
        return redirect(_PAGE)
    sessions.end_all(actor=actor(request), user=user, reason="factor removed", but_of=request)
    enrolment.forget_all()
    messages.success(request, _("Removed. Your other sessions have ended."))
    return redirect(_PAGE)


@require_POST
@never_cache
@login_required
def rename_passkey(request: HttpRequest, pk: int) -> HttpResponse:
    """Call one's own passkey by another name."""
    if not factors.rename_passkey(user=person(request), pk=pk, name=request.POST.get("name", "")):
        raise Http404
    return redirect(_PAGE)


@require_POST
@never_cache
@login_required
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own sessions."""
    if not sessions.end_one(actor=actor(request), user=person(request), pk=pk):
        raise Http404
    messages.success(request, _("That session has ended."))
    return redirect(_PAGE)


@require_POST
@never_cache
@login_required
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """End all of one's own sessions but this one."""
    sessions.end_all(actor=actor(request), user=person(request), reason="ended by hand", but_of=request)
    messages.success(request, _("All your other sessions have ended."))
    return redirect(_PAGE)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password: who has a second factor shows it as well. The other sessions end."""
    user = person(request)
    if not user.has_usable_password():
        raise Http404
    if factors.has_second(user) and not step_up.is_confirmed(request, Act.OWN_ACCOUNT):
        return step_up.answer(request, Act.OWN_ACCOUNT)
    form = ChangePasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        shown: dict[str, Any] = {"password": form.cleaned_data["oldpassword"]}
        try:
            proving.judge(
                request, user, shown, offer=Offer(password=True), purpose=Purpose.CONFIRM, kind=Kind.CONFIRMATION
            )
        except proving.Refused as refusal:
            form.add_error("oldpassword", str(refusal))
        else:
            passwords.change(request=request, actor=actor(request), user=user, password=form.cleaned_data["password1"])
            messages.success(request, _("Your password has been changed. Your other sessions have ended."))
            return done(request, next_address(request))
    return render(request, "account/password_change.html", {"form": form, "next": next_address(request)})
