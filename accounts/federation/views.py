"""Pages of single sign-on: there, back, and what a provider says behind the browser's back."""

import time

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.actor import Actor
from accounts.addresses import client_address
from accounts.federation import arriving, begun, knocking, saml_views, selectors, services
from accounts.federation.begun import Begun, Purpose, is_taken_over
from accounts.federation.errors import SignInRefused
from accounts.federation.models import Protocol
from accounts.federation.oidc import flow, own_key, tokens
from accounts.federation.oidc.flow import Question
from accounts.federation.oidc.metadata import metadata_of
from accounts.federation.refusing import refused
from accounts.middleware import actor_of
from accounts.models import FederatedIdentity, IdentityProvider, User
from accounts.roles import Door
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from accounts.signing_in.next_page import next_address

#: Logout tokens of one address in a minute: a provider ends a whole shift's sessions at once.
_LOGOUTS_PER_MINUTE = 600
_BEGUN_PER_MINUTE = 120


@require_safe
@never_cache
def begin(request: HttpRequest, slug: str) -> HttpResponse:
    """Send the browser to the provider: to sign in, to confirm (``?for=confirm``), or to link an identity (``?for=link``)."""
    provider = _active(slug, Protocol.OIDC, Protocol.SAML)
    purpose = request.GET.get("for", str(Purpose.SIGN_IN))
    if purpose not in Purpose.values or (purpose != Purpose.SIGN_IN and provider.protocol != Protocol.OIDC):
        raise Http404
    if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        # Another site's link must not sign anybody in unasked: the person says so here.
        return render(request, "federation/ask.html", {"provider": provider, "address": request.get_full_path()})
    if purpose != Purpose.SIGN_IN and not isinstance(request.user, User):
        return redirect(f"{reverse('account_login')}?next={reverse('federation:identities')}")
    if purpose == Purpose.SIGN_IN and request.user.is_authenticated:
        return redirect(next_address(request))
    if purpose == Purpose.LINK and not step_up.is_confirmed(request, Act.OWN_ACCOUNT):
        return step_up.answer(request, Act.OWN_ACCOUNT)
    try:
        knocking.limit(request, "federation.begin", _BEGUN_PER_MINUTE)
        if provider.protocol == Protocol.SAML:
            return saml_views.sent_away(request, provider, then=next_address(request))
        return _sent_away(request, provider, purpose)
    except SignInRefused as refusal:
        return refused(request, provider, refusal, purpose)


@require_safe
@never_cache
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the answer that the browser brings back from an OpenID provider."""
    provider = _active(slug, Protocol.OIDC)
    answered = {name: values[0] for name, values in request.GET.lists() if len(values) == 1}
    state = answered.get("state", "")
    errand = begun.take(request, state, provider=provider.pk)
    try:
        if errand is None:
            raise SignInRefused("begun_elsewhere", "unknown state")
        assertion = flow.finish(provider, errand.question(state), answered, callback=_callback(request, provider))
        return arriving.arrive(request, provider, assertion, errand)
    except SignInRefused as refusal:
        return refused(request, provider, refusal, errand.purpose if errand else str(Purpose.SIGN_IN))


@csrf_exempt
@require_POST
@never_cache
def back_channel_logout(request: HttpRequest, slug: str) -> HttpResponse:
    """End the sessions that the provider names (OpenID Connect Back-Channel Logout 1.0, section 2.5)."""
    provider = _active(slug, Protocol.OIDC)
    actor = Actor(
        kind="system", id=f"provider:{provider.pk}", name=provider.name, address=client_address(request), door=Door.PAGE
    )
    try:
        knocking.limit(request, "federation.logout", _LOGOUTS_PER_MINUTE)
        token = request.POST.get("logout_token", "")
        claims = tokens.read_logout_token(token, provider=provider, metadata=metadata_of(provider))
    except SignInRefused as refusal:
        services.record_refusal(actor=actor, provider=provider, refusal=refusal)
        return JsonResponse({"error": "invalid_request", "error_description": refusal.why}, status=400)
    services.log_out_from_behind(
        actor=actor, provider=provider, subject=str(claims.get("sub") or ""), sid=str(claims.get("sid") or "")
    )
    return HttpResponse(status=200)


@require_safe
@never_cache
def identities(request: HttpRequest) -> HttpResponse:
    """Show by which providers one's own account can be entered, and link another."""
    if not isinstance(request.user, User):
        return redirect(f"{reverse('account_login')}?next={request.path}")
    context = {
        "identities": selectors.identities_of(request.user),
        "linkable": selectors.linkable(request.user),
        "has_password": request.user.has_usable_password(),
    }
    return render(request, "federation/identities.html", context)


@require_POST
@never_cache
@step_up.required(Act.OWN_ACCOUNT)
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own identity away; the last way in stays."""
    if not isinstance(request.user, User):
        raise Http404
    identity = get_object_or_404(FederatedIdentity, pk=pk, user=request.user)
    others = len(selectors.identities_of(request.user)) > 1
    if request.user.has_usable_password() or others:
        services.unlink(actor=actor_of(request, Door.PAGE), identity=identity)
    return redirect("federation:identities")


@require_safe
@cache_control(max_age=3600, private=True)
def published_keys(_request: HttpRequest) -> HttpResponse:
    """Publish the portal's own public keys (RFC 7517), with which providers check that it is the client."""
    return JsonResponse({"keys": own_key.public_keys()}, content_type="application/jwk-set+json")


def _active(slug: str, *protocols: str) -> IdentityProvider:
    return get_object_or_404(IdentityProvider.objects.active(), slug=slug, protocol__in=protocols)


def _sent_away(request: HttpRequest, provider: IdentityProvider, purpose: str) -> HttpResponse:
    question = Question.new()
    errand = Begun(
        provider=provider.pk,
        purpose=purpose,
        user=request.user.pk if isinstance(request.user, User) else 0,
        then=reverse("federation:identities") if purpose == Purpose.LINK else next_address(request),
        at=time.time(),
        nonce=question.nonce,
        verifier=question.verifier,
    )
    address = flow.address_to_ask(
        provider,
        question,
        callback=_callback(request, provider),
        afresh=purpose != Purpose.SIGN_IN or is_taken_over(request),
        language=get_language() or "",
    )
    begun.keep(request, question.state, errand)
    answer = HttpResponse(status=302)
    answer["Location"] = address
    return answer


def _callback(request: HttpRequest, provider: IdentityProvider) -> str:
    return request.build_absolute_uri(reverse("federation:callback", args=[provider.slug]))
