"""Saying that nobody came in: to the audit with the reason, to the person with what to do next."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.federation import services
from accounts.federation.errors import WORDS, SignInRefused
from accounts.middleware import actor_of
from accounts.models import IdentityProvider
from accounts.roles import Door


def refused(request: HttpRequest, provider: IdentityProvider, refusal: SignInRefused, purpose: str) -> HttpResponse:
    """Record it, and answer with a page that leads on."""
    services.record_refusal(actor=actor_of(request, Door.PAGE), provider=provider, refusal=refusal)
    happened, next_step = said(provider, refusal)
    context = {
        "provider": provider,
        "happened": happened,
        "next_step": next_step,
        "code": refusal.code,
        "purpose": purpose,
    }
    status = 503 if refusal.code == "no_answer" else 403
    return render(request, "federation/refused.html", context, status=status)


def said(provider: IdentityProvider, refusal: SignInRefused) -> tuple[str, str]:
    """Return what happened and what to do next, in the reader's language."""
    happened, next_step = WORDS[refusal.code]
    named = {"provider": provider.button}
    return str(happened) % named, str(next_step) % named
