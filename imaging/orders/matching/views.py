"""The reconciliation desk: studies without a request on one side, requests without images on the other, and bringing them together."""

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from imaging.dicom.correctable import CorrectionInvalid
from imaging.orders.matching import facts, selectors, services, waiting
from imaging.orders.matching.forms import LinkForm, ReasonForm, UnlinkForm
from imaging.orders.matching.services import DecidedMeanwhile, Decision, NotAnswerable, OtherPatient
from imaging.orders.matching.waiting import Matcher
from imaging.orders.models import ExamRequest, StudyLink, UnmatchedStudy
from imaging.orders.performing import services as performing
from imaging.storage.services import StorageError
from imaging.studies import access
from imaging.studies.finding import searched
from imaging.studies.models import Study

P = ParamSpec("P")

_LONGEST_WORDS: Final = 64


def for_matchers(
    view: Callable[Concatenate[HttpRequest, Matcher, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who matches studies and requests: 403 for others, whatever they ask for."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        by = waiting.matcher(
            request.user,
            actor=request.actor,  # type: ignore[attr-defined]
            scope=request.scope,  # type: ignore[attr-defined]
        )
        if by is None:
            raise PermissionDenied
        response = view(request, by, *args, **names)
        response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)  # type: ignore[return-value]


@require_http_methods(["GET", "HEAD", "POST"])
@for_matchers
def page(request: HttpRequest, by: Matcher) -> HttpResponseBase:
    """Show what waits on both sides. Words are posted, so that no name stands in an address or a log."""
    return render(request, "imaging/orders/matching/desk.html", _desk(by, _words(request, by)))


@require_safe
@for_matchers
def live(request: HttpRequest, by: Matcher) -> HttpResponseBase:
    """Give both sides anew; 304 while nothing has changed."""
    context = _desk(by, "")
    response: HttpResponseBase | None = get_conditional_response(request, etag=context["etag"])
    if response is None:
        response = render(request, "imaging/orders/matching/_desk.html", context)
    response["ETag"] = context["etag"]
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@for_matchers
def study(request: HttpRequest, by: Matcher, study_instance_uid: str) -> HttpResponseBase:
    """Show one study beside the requests that it may answer, and those that posted words find. Reading it is on record."""
    found = _study(request, by, study_instance_uid)
    return render(request, "imaging/orders/matching/study.html", _of_study(request, by, found))


@require_safe
@for_matchers
def asked(request: HttpRequest, by: Matcher, key: UUID) -> HttpResponseBase:
    """Show one request beside the waiting studies that may answer it."""
    found = waiting.request_of(by, key)
    if found is None:
        raise Http404
    context = {
        "asked": found,
        "patient": facts.patient_asked(found),
        "person": selectors.person_asked(found),
        "requester": selectors.requester_name(found),
        "links": selectors.seen_of_request(found, by.scope),
        "suggestions": [
            {"study": one.study, "patient": one.study.patient, "signs": facts.signs(one.likeness.signs)}
            for one in waiting.studies_like(by, found)
        ],
    }
    return render(request, "imaging/orders/matching/request.html", context)


@require_POST
@for_matchers
def link(request: HttpRequest, by: Matcher, study_instance_uid: str) -> HttpResponseBase:
    """Say that the study answers a request; with ``corrects`` it becomes that request's patient's too."""
    found = _study(request, by, study_instance_uid)
    form = LinkForm(request.POST)
    if not form.is_valid():
        return _refused(request, found, _("Say why, so that others can follow what was decided."))
    to = waiting.request_of(by, form.cleaned_data["request"])
    if to is None:
        raise Http404
    decision = _decision(by, form)
    try:
        if form.cleaned_data["corrects"]:
            if not waiting.may_correct(by, found):
                raise PermissionDenied
            services.link_with_correction(found, to.key, decision)
        else:
            services.link(found, to, decision)
    except DecidedMeanwhile as error:
        return _refused(request, found, facts.refusal(error.by))
    except OtherPatient:
        text = _("The request is for another patient. Compare the two below, and say whose study it is.")
        return _refused(request, found, text, to=to)
    except NotAnswerable:
        return _refused(request, found, _("This request was refused, cancelled or not sent. Take that back first."))
    except CorrectionInvalid:
        text = _("This patient cannot be written into images: the request names no number or no valid one.")
        return _refused(request, found, text, to=to)
    except StorageError:
        return _refused(request, found, _("The headers cannot be read at the moment. Nothing was changed: try again."))
    messages.success(request, _("Linked. Who asked for the exam finds the images now."))
    return redirect("orders:reconcile")


@require_POST
@for_matchers
def unlink(request: HttpRequest, by: Matcher, study_instance_uid: str) -> HttpResponseBase:
    """Say that the study does not answer a request."""
    found = _study(request, by, study_instance_uid)
    form = UnlinkForm(request.POST)
    if not form.is_valid():
        return _refused(request, found, _("Say why, so that others can follow what was decided."))
    held = (
        StudyLink.objects.filter(pk=form.cleaned_data["link"], study=found).select_related("study", "request").first()
    )
    if held is None or waiting.request_of(by, held.request.key) is None:
        raise Http404
    try:
        services.unlink(held, _decision(by, form))
    except DecidedMeanwhile as error:
        return _refused(request, found, facts.refusal(error.by))
    messages.success(request, _("Unlinked. The study waits for its request again."))
    return redirect("orders:reconcile-study", study_instance_uid=found.study_instance_uid)


@require_POST
@for_matchers
def settle(request: HttpRequest, by: Matcher, study_instance_uid: str) -> HttpResponseBase:
    """Say that the study needs no request; with ``again`` that it does after all."""
    found = _study(request, by, study_instance_uid)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _refused(request, found, _("Say why, so that others can follow what was decided."))
    is_again = "again" in request.POST
    act = services.ask_again if is_again else services.settle_without
    try:
        act(found, _decision(by, form))
    except DecidedMeanwhile as error:
        return _refused(request, found, facts.refusal(error.by))
    messages.success(request, _("The study waits again.") if is_again else _("Noted: the study needs no request."))
    return redirect("orders:reconcile")


@require_POST
@for_matchers
def mend(request: HttpRequest, by: Matcher, pk: int) -> HttpResponseBase:
    """Say that what a machine reported was looked at."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why, so that others can follow what was decided."))
        return redirect("orders:reconcile")
    is_ours = waiting.exams(by).filter(pk=pk).exists()
    if is_ours and performing.mend(pk, actor=by.actor, reason=form.cleaned_data["reason"]) is not None:
        messages.success(request, _("Noted: it was looked at."))
    else:
        messages.info(request, _("Somebody has looked at this exam already."))
    return redirect("orders:reconcile")


def _words(request: HttpRequest, by: Matcher) -> str:
    """What is looked for: never of an address, where a name would stay in logs and histories. Looking is on record."""
    words = " ".join(request.POST.get("q", "").replace("\x00", "").split())[:_LONGEST_WORDS]
    if words:
        searched.on_record("study", {"search": words, "at": "reconciliation"}, actor=by.actor)
    return words


def _desk(by: Matcher, words: str) -> dict[str, Any]:
    studies = list(waiting.studies(by, words)[: waiting.MOST_SHOWN])
    requests = list(waiting.requests(by, words)[: waiting.MOST_SHOWN])
    exams = list(waiting.exams(by)[: waiting.MOST_SHOWN])
    seen = repr([get_language(), words, waiting.version(studies, requests, exams)])
    openable = waiting.studies_of_exams(by, exams)
    etag = f'"{hashlib.sha256(seen.encode()).hexdigest()[:32]}"'
    return {
        "words": words,
        "studies": [{"row": row, "study": row.study, "why": facts.why(row)} for row in studies],
        "requests": [
            {"row": row, "patient": facts.patient_asked(row), "person": selectors.person_asked(row)} for row in requests
        ],
        "exams": [
            {"row": row, "why": facts.why_mended(row), "is_here": row.study_instance_uid in openable} for row in exams
        ],
        "most": waiting.MOST_SHOWN,
        "etag": etag,
        "refresh_headers": json.dumps({"If-None-Match": etag}),
    }


def _study(request: HttpRequest, by: Matcher, study_instance_uid: str) -> Study:
    """The study, its reading on record; 404 for one that is no business of this person's as for one that is not there."""
    try:
        access.open_study(by.scope, study_instance_uid, actor=by.actor, purpose=access.Purpose.METADATA)
    except access.StudyNotVisible as error:
        raise Http404 from error
    except access.RightMissing as error:
        raise PermissionDenied from error
    found = waiting.study_of(by, study_instance_uid)
    if found is None:
        raise Http404
    return found


def _of_study(request: HttpRequest, by: Matcher, found: Study) -> dict[str, Any]:
    links = list(selectors.links_of_study(found))
    shown = {held.pk for held in selectors.seen_of_study(found, by.scope)}
    unmatched = UnmatchedStudy.objects.filter(study=found).select_related("candidate").first()
    words = _words(request, by)
    may_correct = waiting.may_correct(by, found)
    candidate = unmatched.candidate if unmatched is not None and unmatched.settled_at is None else None
    linked = {held.request_id for held in links}
    suggested = waiting.requests_like(by, found, candidate)
    suggestions = [
        _choice(found, one.request, signs=facts.signs(one.likeness.signs), is_same=one.is_same_patient)
        for one in suggested
        if one.request.pk not in linked
    ]
    told = linked | {one.request.pk for one in suggested}
    pointed_at = _pointed_at(request, by)
    if pointed_at is not None and pointed_at.pk not in told:
        same = selectors.is_for(pointed_at, found)
        suggestions.insert(0, _choice(found, pointed_at, signs=[], is_same=same))
        told |= {pointed_at.pk}
    return {
        "study": found,
        "patient": found.patient,
        "links": [held for held in links if held.pk in shown],
        "is_linked": bool(links),
        "hides_links": len(shown) < len(links),
        "unmatched": unmatched,
        "why": facts.why(unmatched) if unmatched is not None and unmatched.settled_at is None else "",
        "is_settled": unmatched is not None and unmatched.settled_at is not None and not links,
        "suggestions": suggestions,
        "words": words,
        "found": [
            _choice(found, row, signs=[], is_same=selectors.is_for(row, found))
            for row in waiting.found(by, words)
            if row.pk not in told
        ],
        "seen": facts.seen(links),
        "may_correct": may_correct,
    }


def _pointed_at(request: HttpRequest, by: Matcher) -> ExamRequest | None:
    """The request from whose page the study was opened."""
    try:
        key = UUID(request.GET.get("request", ""))
    except ValueError:
        return None
    return waiting.request_of(by, key)


def _choice(found: Study, row: ExamRequest, *, signs: list[str], is_same: bool) -> dict[str, Any]:
    return {
        "request": row,
        "patient": facts.patient_asked(row),
        "person": selectors.person_asked(row),
        "requester": selectors.requester_name(row),
        "signs": signs,
        "is_same": is_same,
        "traits": facts.traits(found, row),
    }


def _decision(by: Matcher, form: ReasonForm) -> Decision:
    return Decision(by.actor, form.cleaned_data["reason"], form.cleaned_data["seen"])


def _refused(request: HttpRequest, found: Study, text: str, *, to: ExamRequest | None = None) -> HttpResponseBase:
    messages.error(request, text)
    address = reverse("orders:reconcile-study", args=[found.study_instance_uid])
    return redirect(f"{address}?{urlencode({'request': str(to.key)})}" if to is not None else address)
