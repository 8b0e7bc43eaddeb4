"""The addresses of SAML: our metadata, and where answers come in."""

import time
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.federation import arriving, begun, knocking, saml
from accounts.federation.begun import Begun, Purpose
from accounts.federation.errors import SignInRefused
from accounts.federation.models import Protocol
from accounts.federation.oidc.flow import Question
from accounts.federation.refusing import refused
from accounts.models import IdentityProvider


def sent_away(request: HttpRequest, provider: IdentityProvider, *, then: str) -> HttpResponse:
    """Send the browser to a SAML provider. Raises :class:`SignInRefused`."""
    if not saml.IS_INSTALLED:
        raise SignInRefused("not_set_up", "the extra saml is not installed")
    state = Question.new().state
    address, question = saml.address_to_ask(
        provider, here=ours(request, provider), state=state, afresh=begun.is_taken_over(request)
    )
    errand = Begun(
        provider=provider.pk, purpose=str(Purpose.SIGN_IN), user=0, then=then, at=time.time(), nonce=question
    )
    begun.keep(request, state, errand)
    answer = HttpResponse(status=302)
    answer["Location"] = address
    return answer


#: Answers posted from one address in a minute: what is put aside lies in the memory of all.
_ANSWERS_PER_MINUTE = 120


@csrf_exempt
@require_POST
@never_cache
def acs(request: HttpRequest, slug: str) -> HttpResponse:
    """Take what the provider has the browser post, and have the browser come again with its session."""
    provider = _active(slug)
    try:
        knocking.limit(request, "federation.saml", _ANSWERS_PER_MINUTE)
        name = saml.put_aside(request.POST.get("SAMLResponse", ""))
    except SignInRefused as refusal:
        return refused(request, provider, refusal, str(Purpose.SIGN_IN))
    query = urlencode({"answer": name, "state": request.POST.get("RelayState", "")[:200]})
    answer = HttpResponse(status=303)
    answer["Location"] = f"{reverse('federation:saml-arrived', args=[provider.slug])}?{query}"
    return answer


@require_safe
@never_cache
def arrived(request: HttpRequest, slug: str) -> HttpResponse:
    """Take up the answer, in the session that asked for it."""
    provider = _active(slug)
    errand = begun.take(request, request.GET.get("state", ""), provider=provider.pk)
    try:
        if errand is None:
            raise SignInRefused("begun_elsewhere", "unknown state")
        answer = saml.take_up(request.GET.get("answer", ""))
        assertion = saml.finish(provider, answer, here=ours(request, provider), question=errand.nonce)
        return arriving.arrive(request, provider, assertion, errand)
    except SignInRefused as refusal:
        return refused(request, provider, refusal, str(Purpose.SIGN_IN))


@require_safe
def metadata(request: HttpRequest, slug: str) -> HttpResponse:
    """Publish who we are."""
    provider = _active(slug)
    try:
        said = saml.metadata(provider, ours(request, provider))
    except SignInRefused as refusal:
        raise Http404 from refusal
    return HttpResponse(said, content_type="application/samlmetadata+xml")


def ours(request: HttpRequest, provider: IdentityProvider) -> dict[str, str]:
    """Return our own addresses, as the provider knows them."""
    return {
        "entity": request.build_absolute_uri(reverse("federation:saml-metadata", args=[provider.slug])),
        "acs": request.build_absolute_uri(reverse("federation:saml-acs", args=[provider.slug])),
    }


def _active(slug: str) -> IdentityProvider:
    if not saml.IS_INSTALLED:
        raise Http404
    return get_object_or_404(IdentityProvider.objects.speaking(Protocol.SAML), slug=slug)
