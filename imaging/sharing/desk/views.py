"""Pages of the desk: what is shared and by whom, one share with all that happened to it, and what is done about it."""

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from imaging.sharing.copies import selectors as copies
from imaging.sharing.desk import facts, policies, selectors, words
from imaging.sharing.desk.forms import ChangeForm, DecisionForm, FindForm, RenewForm, RevokeForm
from imaging.sharing.desk.selectors import Keeper, Show, Whose
from imaging.sharing.entrance import sending
from imaging.sharing.making import services
from imaging.sharing.making.services import Made, NotShared
from imaging.sharing.models import Share
from imaging.sharing.record import selectors as records

P = ParamSpec("P")

#: Tones of the clock ("ends soon") are written anew this often, though nothing else changed.
_CLOCK_SECONDS: Final = 60
_FARTHEST: Final = 10_000
_WHOSE_WORDS: Final[dict[Whose, str | Promise]] = {
    Whose.MINE: pgettext_lazy("shares", "Mine"),
    Whose.DEPARTMENT: pgettext_lazy("shares", "My department’s"),
    Whose.ALL: gettext_lazy("All departments"),
}
_SHOW_WORDS: Final[dict[Show, str | Promise]] = {
    Show.OPEN: pgettext_lazy("shares", "Open"),
    Show.WAITING: gettext_lazy("Waiting for agreement"),
    Show.ENDING: gettext_lazy("Ending soon"),
    Show.ENDED: pgettext_lazy("shares", "Ended"),
}


def for_keepers(
    view: Callable[Concatenate[HttpRequest, Keeper, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who shares or looks after shares: 403 for others, whatever they ask for."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        person = selectors.keeper(
            request.user,
            actor=request.actor,  # type: ignore[attr-defined]
            scope=request.scope,  # type: ignore[attr-defined]
        )
        if person is None:
            raise PermissionDenied
        response = view(request, person, *args, **names)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)  # type: ignore[return-value]


@require_safe
@for_keepers
def page(request: HttpRequest, person: Keeper) -> HttpResponseBase:
    """Show one list; as a part with 304 while nothing in it has changed."""
    whose, show = _asked(request, person)
    text = request.GET.get("from", "")
    begin = min(int(text), _FARTHEST) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    rows, has_more = selectors.listed(person, whose, show, begin=begin)
    here = {"of": whose, "show": show, **({"from": begin} if begin else {})}
    if request.headers.get("HX-Request"):
        minute = int(timezone.now().timestamp()) // _CLOCK_SECONDS
        tag = _tag(person.user.pk, get_language(), minute, here, selectors.marks_of(rows), has_more)
        response: HttpResponseBase | None = get_conditional_response(request, etag=tag)
        if response is None:
            context = {"lines": facts.lines(person.scope, rows), "whose": whose, "here": urlencode(here)}
            response = render(request, "imaging/sharing/desk/_rows.html", context)
        response["ETag"] = tag
        response["Cache-Control"] = "private, no-cache"
        return response
    found = facts.lines(person.scope, rows)
    _record_list(person, {"of": whose, "show": show, "count": len(found)})
    context = _list(person, whose, show, lines=found, here=urlencode(here))
    context["next"] = urlencode({**here, "from": begin + selectors.PAGE}) if has_more else ""
    return render(request, "imaging/sharing/desk/list.html", context)


def _asked(request: HttpRequest, person: Keeper) -> tuple[Whose, Show]:
    """The list that an address asks for; one that this person does not have, or that is none, is the first."""
    sent = request.POST if request.method == "POST" else request.GET
    of, show = sent.get("of", ""), sent.get("show", "")
    offered = person.offered
    has_own = bool(person.shares_in)
    first = Whose.MINE if has_own or len(offered) == 1 else offered[-1]
    whose = Whose(of) if of in set(Whose) and Whose(of) in offered else first
    return whose, Show(show) if show in set(Show) else Show.OPEN


def _list(person: Keeper, whose: Whose, show: Show, **more: Any) -> dict[str, Any]:
    return {
        "whose": whose,
        "show": show,
        "tabs": [(key, _WHOSE_WORDS[key]) for key in person.offered],
        "groups": list(_SHOW_WORDS.items()),
        "find_form": FindForm(),
        **more,
    }


def _record_list(person: Keeper, detail: dict[str, Any]) -> None:
    audit.record_read(audit.Action.SHARES_READ, actor=person.actor, subject_type="share", subject_uid="", detail=detail)


def _tag(*parts: object) -> str:
    return f'"{hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]}"'


@require_POST
@for_keepers
def find(request: HttpRequest, person: Keeper) -> HttpResponseBase:
    """Show the lines of a list that fit a recipient or a patient."""
    whose, show = _asked(request, person)
    form = FindForm(request.POST)
    if not form.is_valid():
        return redirect(f"{reverse('sharing:mine')}?{urlencode({'of': whose, 'show': show})}")
    sought = form.cleaned_data["words"]
    rows, has_more = selectors.listed(person, whose, show, words=sought)
    found = facts.lines(person.scope, rows)
    _record_list(person, {"of": whose, "show": show, "count": len(found), "searched": True})
    context = _list(person, whose, show, lines=found, is_found=True, is_cut=has_more, find_form=form, sought=sought)
    return render(request, "imaging/sharing/desk/list.html", context)


def _of(person: Keeper, key: str) -> Share:
    found = selectors.share_for(person, key)
    if found is None:
        raise Http404
    return found


@require_safe
@for_keepers
def detail(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Show one share; as a part, what happened to it, with 304 while nothing has."""
    share = _of(person, key)
    context = _shown(person, share)
    if request.headers.get("HX-Request"):
        return conditional(request, "imaging/sharing/desk/_status.html", context)
    patient = share.patient
    audit.record_read(
        audit.Action.SHARES_READ,
        actor=person.actor,
        subject_type="share",
        subject_uid=share.key,
        patient_id=patient.patient_id if patient else "",
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
    )
    return render(request, "imaging/sharing/desk/share.html", context)


def conditional(
    request: HttpRequest, template: str, context: dict[str, Any], *, marks: tuple[object, ...] = ()
) -> HttpResponseBase:
    """Answer with a part of a page, or with 304 while it is the same; ``marks`` tell it where the text changes each time."""
    text = render_to_string(template, context, request)
    tag = _tag(request.user.pk, get_language(), marks) if marks else _tag(text)
    response: HttpResponseBase = get_conditional_response(request, etag=tag) or HttpResponse(text)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    return response


def _shown(person: Keeper, share: Share, **forms: Any) -> dict[str, Any]:
    parts = facts.parts_of(share, person.scope)
    events = selectors.events_of(share)
    shown = frozenset(part.item.study_id for part in parts if part.is_seen)
    if records.is_record(share):
        shown = selectors.seen(person.scope, {event.study_id for event in events if event.study_id})
    is_known = bool(shown) or (records.is_record(share) and selectors.sees_patient(person.scope, share.patient))
    is_own = share.created_by_id == person.user.pk
    limits = {
        "valid_until": timezone.localdate(share.valid_until),
        "most_opens": share.most_opens,
        "may_download": share.may_download,
    }
    return {
        "share": share,
        "asks_for_earlier": facts.asks_for_earlier(share, parts) if is_own else "",
        "copies": copies.shown_copies(share, person.scope),
        "standing": facts.standing_of(share),
        "parts": parts,
        "closed": sum(not part.is_live for part in parts),
        "patient": share.patient if is_known else None,
        "initials": facts.initials_of(share.patient),
        "events": facts.history_of(events, shown),
        "visits": selectors.visits_of(share),
        "why_ended": facts.why_ended(share),
        "record": records.link_of(share),
        "proxies": records.proxies_of(share) if records.is_record(share) else [],
        "is_own": is_own,
        "acts": policies.acts_of(person, share),
        "can_send": bool(share.recipient_email or share.recipient_phone),
        "revoke_form": RevokeForm(is_own=is_own),
        "change_form": ChangeForm(initial=limits),
        "decision_form": DecisionForm(),
        **forms,
    }


@require_POST
@for_keepers
def revoke(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """End a share at every door, at once."""
    share = _of(person, key)
    form = RevokeForm(request.POST, is_own=share.created_by_id == person.user.pk)
    if not form.is_valid():
        return _refused(request, person, share, revoke_form=form)
    if services.revoke(share, words=form.cleaned_data["words"], user=person.user, actor=person.actor):
        messages.success(request, _("Revoked: nothing of it opens any more, and what was on its way has stopped."))
    else:
        messages.info(request, _("It had ended already."))
    return redirect("sharing:share", key=key)


def _refused(request: HttpRequest, person: Keeper, share: Share, **forms: Any) -> HttpResponseBase:
    return render(request, "imaging/sharing/desk/share.html", _shown(person, share, **forms), status=422)


@require_POST
@for_keepers
def change(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Let a share last longer or shorter, be opened more often, be downloaded or not."""
    share = _of(person, key)
    if not policies.acts_of(person, share).change:
        return _too_late(request, key)
    form = ChangeForm(request.POST)
    if not form.is_valid():
        return _refused(request, person, share, change_form=form)
    try:
        services.change(
            share,
            user=person.user,
            actor=person.actor,
            valid_until=form.ends_at(share),
            most_opens=form.cleaned_data["most_opens"],
            may_download=form.cleaned_data["may_download"],
        )
    except NotShared as refused:
        form.add_error(None, words.refusal(refused.problems))
        return _refused(request, person, share, change_form=form)
    messages.success(request, _("Changed. It counts from now on, for who has it open too."))
    return redirect("sharing:share", key=key)


def _too_late(request: HttpRequest, key: str) -> HttpResponseBase:
    messages.warning(request, _("Nothing was done: that cannot be done about this share now, or not by you."))
    return redirect("sharing:share", key=key)


@require_POST
@for_keepers
def renew(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Make a new link, and show it this once."""
    share = _of(person, key)
    if not policies.acts_of(person, share).renew:
        return _too_late(request, key)
    form = RenewForm(request.POST)
    sends = form.is_valid() and form.cleaned_data["sends"] and bool(share.recipient_email or share.recipient_phone)
    try:
        made: Made = services.renew_link(share, user=person.user, actor=person.actor, sends=sends)
    except NotShared as refused:
        messages.warning(request, words.refusal(refused.problems))
        return redirect("sharing:share", key=key)
    context = {
        "share": made.share,
        "handed": made.handed,
        "link": sending.link_of(made.share, made.handed.secret),
        "is_sent": sends,
    }
    return render(request, "imaging/sharing/desk/link.html", context)


@require_POST
@for_keepers
def decide(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Agree to the share of a colleague, or refuse it."""
    share = _of(person, key)
    if not policies.acts_of(person, share).decide:
        return _too_late(request, key)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _refused(request, person, share, decision_form=form)
    allow = form.cleaned_data["verdict"] == "allow"
    try:
        services.decide(share, allow=allow, words=form.cleaned_data["words"], user=person.user, actor=person.actor)
    except NotShared as refused:
        messages.warning(request, words.refusal(refused.problems))
    else:
        messages.success(
            request, _("Agreed: the link is on its way.") if allow else _("Refused. Your colleague is told.")
        )
    return redirect("sharing:share", key=key)
