"""The doors by which a record sends its users: SMART there and back, and a signed token in one step.

Who comes is believed by `accounts.federation`; what they are to see is checked, and kept in the session, where RAD-106 keeps it.
"""

import time
from collections.abc import Mapping
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit, throttling
from accounts.federation import arriving, begun, knocking, signed
from accounts.federation.begun import Begun, Purpose
from accounts.federation.errors import SignInRefused
from accounts.federation.oidc import flow
from accounts.federation.oidc.flow import Question
from accounts.federation.oidc.metadata import Metadata, metadata_at
from accounts.federation.refusing import refused as not_signed_in
from accounts.middleware import actor_of
from accounts.models import IdentityProvider
from accounts.roles import Door
from imaging.ehr.invoking import kept
from imaging.ehr.launching import context, tokens
from imaging.ehr.models import HealthRecord
from imaging.ehr.records import selectors
from imaging.ehr.records.client import Unavailable, reading

_PER_MINUTE: Final = 120
_LONGEST: Final = 4096


@require_safe
@never_cache
def launch(request: HttpRequest) -> HttpResponseBase:
    """Begin a SMART launch: by the record (``iss`` and ``launch``), or standalone, when the record asks for the patient."""
    address, ticket = _given(request, "iss"), _given(request, "launch")
    record = selectors.record_at(address) if address else None
    if record is None:
        _record_unknown(request, address)
        text = _(
            "Images are opened only from records that this hospital has listed. Nothing was opened, nobody signed in."
        )
        return _said(request, 403, _("This record is not known here"), text)
    provider = _provider(record)
    question = Question.new()
    errand = Begun(
        provider=provider.pk,
        purpose=str(Purpose.SIGN_IN),
        user=0,
        then=reverse("ehr:resume"),
        at=time.time(),
        nonce=question.nonce,
        verifier=question.verifier,
    )
    try:
        knocking.limit(request, "ehr.launch", _PER_MINUTE)
        there = flow.address_to_ask(
            provider,
            question,
            callback=_callback(request, record),
            language=get_language() or "",
            metadata=_metadata(record, provider),
            more={"aud": record.address, **_scopes(record, ticket)},
        )
    except SignInRefused as refusal:
        return not_signed_in(request, provider, refusal, str(Purpose.SIGN_IN))
    begun.keep(request, question.state, errand)
    answer = HttpResponse(status=302)
    answer["Location"] = there
    return answer


@require_safe
@never_cache
def callback(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Take what the browser brings back from the record: who it is, whose images, and which."""
    record = selectors.record_named(slug)
    if record is None:
        raise Http404
    provider = _provider(record)
    answered = {name: values[0] for name, values in request.GET.lists() if len(values) == 1}
    state = answered.get("state", "")
    errand = begun.take(request, state, provider=provider.pk)
    try:
        if errand is None:
            raise SignInRefused("begun_elsewhere", "unknown state")
        redeemed = flow.redeem(
            provider,
            errand.question(state),
            answered,
            callback=_callback(request, record),
            metadata=_metadata(record, provider),
        )
    except SignInRefused as refusal:
        return not_signed_in(request, provider, refusal, str(Purpose.SIGN_IN))
    try:
        with reading(record, str(redeemed.answer.get("access_token") or "")) as reader:
            asked = context.asked(record, redeemed.answer, reader)
    except (context.NotOurs, Unavailable) as error:
        return _not_shown(request, record, error)
    return _arrived(request, provider, redeemed.assertion, asked, errand=errand, detail={"record": record.slug})


@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
def signed_launch(request: HttpRequest) -> HttpResponseBase:
    """Take a signed token, in a form or in the address, and show what it names. It opens once, and for a minute (LA-2)."""
    given = request.POST if request.method == "POST" else request.GET
    token = given.get("token", "")[: 4 * _LONGEST]
    provider = signed.provider_of(token)
    if provider is None:
        _record_unknown(request, "")
        text = _(
            "Images are opened only from records that this hospital has listed. Nothing was opened, nobody signed in."
        )
        return _said(request, 403, _("This record is not known here"), text)
    errand = Begun(
        provider=provider.pk, purpose=str(Purpose.SIGN_IN), user=0, then=reverse("ehr:resume"), at=time.time()
    )
    try:
        knocking.limit(request, "ehr.launch", _PER_MINUTE)
        found = signed.read(provider, token)
        asked = tokens.asked(found.assertion.claims)
    except SignInRefused as refusal:
        return not_signed_in(request, provider, refusal, str(Purpose.SIGN_IN))
    except context.NotOurs as error:
        return _not_shown(request, provider, error)
    purpose = found.assertion.text("purpose", longest=60)
    return _arrived(request, provider, found.assertion, asked, errand=errand, detail={"purpose": purpose})


def _arrived(
    request: HttpRequest,
    provider: IdentityProvider,
    assertion: Any,
    asked: context.Asked | None,
    *,
    errand: Begun,
    detail: Mapping[str, str],
) -> HttpResponseBase:
    if asked is None:
        errand = Begun(provider=provider.pk, purpose=errand.purpose, user=0, then="/", at=errand.at)
    try:
        answer = arriving.arrive(request, provider, assertion, errand, bringing=kept.entry(asked) if asked else {})
    except SignInRefused as refusal:
        return not_signed_in(request, provider, refusal, str(Purpose.SIGN_IN))
    audit.record(
        audit.Action.RECORD_LAUNCHED,
        actor=actor_of(request, Door.PAGE),
        subject_type="identity_provider",
        subject_uid=str(provider.pk),
        detail={"provider": provider.slug, "subject": assertion.subject, "asked": asked or {}, **detail},
    )
    return answer


def _scopes(record: HealthRecord, ticket: str) -> dict[str, str]:
    """With the record's ticket, or asking it for a patient (SMART App Launch 2.2, section 3.0.2)."""
    wanted = ["openid", *record.scopes]
    if not ticket:
        wanted = ["launch/patient" if scope == "launch" else scope for scope in wanted]
    scopes = {"scope": " ".join(dict.fromkeys(wanted))}
    return {**scopes, "launch": ticket} if ticket else scopes


def _metadata(record: HealthRecord, provider: IdentityProvider) -> Metadata:
    return metadata_at(provider, f"{record.base}/.well-known/smart-configuration")


def _provider(record: HealthRecord) -> IdentityProvider:
    assert record.provider is not None, "a record that launches has one (`selectors`)"
    return record.provider


def _given(request: HttpRequest, name: str) -> str:
    values = request.GET.getlist(name)
    return values[0] if len(values) == 1 and len(values[0]) <= _LONGEST else ""


def _callback(request: HttpRequest, record: HealthRecord) -> str:
    return request.build_absolute_uri(reverse("ehr:launch-callback", args=[record.slug]))


def _record_unknown(request: HttpRequest, address: str) -> None:
    actor = actor_of(request, Door.PAGE)
    if throttling.is_worth_a_record(actor.address):
        audit.record(
            audit.Action.RECORD_LAUNCHED,
            actor=actor,
            subject_type="identity_provider",
            outcome=audit.Outcome.REFUSED,
            detail={"iss": address[:200], "why": "not listed"},
        )


def _not_shown(
    request: HttpRequest, source: HealthRecord | IdentityProvider, error: context.NotOurs | Unavailable
) -> HttpResponseBase:
    """Say why nothing is shown; nobody was signed in."""
    audit.record(
        audit.Action.RECORD_LAUNCHED,
        actor=actor_of(request, Door.PAGE),
        subject_type="identity_provider",
        outcome=audit.Outcome.FAILED if isinstance(error, Unavailable) else audit.Outcome.REFUSED,
        detail={"record": source.slug, "why": error.code},
    )
    named = {"record": source.name}
    if isinstance(error, Unavailable):
        text = _(
            "%(record)s does not say whose images are meant. Nothing was opened. Open them there again in a moment."
        )
        return _said(request, 503, _("The record does not answer"), text % named)
    if isinstance(error, context.Disagrees):
        text = _("%(record)s names images of another patient than the one it shows. Nothing was opened.")
        return _said(request, 409, _("This does not agree"), text % named)
    text = _(
        "%(record)s names a patient, or images, in a way that means nobody here. Nothing was opened. Search the list."
    )
    return _said(request, 404, _("There is nothing here for you to see"), text % named)


def _said(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "refused.html", {"title": title, "text": text, "code": status}, status=status)
