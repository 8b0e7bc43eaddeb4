"""The editor: its page, the draft as it is typed, and what is taken from the images."""

from __future__ import annotations

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from imaging.rendering import services as rendering
from imaging.reports.models import ReportDraft
from imaging.reports.templates import selectors as templates
from imaging.reports.writing import beginning, differences, facts, policies, pulling, selectors, services, words
from imaging.reports.writing.pages import for_writers
from imaging.reports.writing.policies import Act, Refused
from imaging.reports.writing.selectors import Writer
from imaging.reports.writing.services import Overtaken, Wish
from imaging.storage import services as storage
from imaging.studies.models import Study


@require_safe
@for_writers
def page(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Show the editor: what is being written, or how it begins. ``?template=`` chooses the beginning."""
    report = selectors.report_of(study)
    draft = selectors.draft_of(report)
    state, writing = selectors.standing(report, draft)
    acts = policies.offered(state, writing, selectors.powers(person, study))
    if Act.WRITE not in acts and report is not None:
        return redirect("reports:report", key=report.key)
    start = beginning.of(person, study, draft, chosen=request.GET.get("template", ""))
    context = {
        **facts.editor(person, study, report, draft, start),
        "acts": {act.value for act in acts},
        "macros": json.dumps(templates.macros_for(person.user, start.language)),
    }
    response = render(request, "imaging/reports/writing/write.html", context)
    # The portal lets no page have the microphone; this one, where the hospital allows dictation.
    response.may_listen = selectors.policy().allows_dictation  # type: ignore[attr-defined]
    return response


@require_http_methods(["PUT"])
@for_writers
def draft(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Save what is typed. 409 with the difference when somebody else saved meanwhile; both texts are kept."""
    try:
        wish = _wish(request, person, study)
        saved = services.save(person, study, wish)
    except Refused as refused:
        return JsonResponse({"error": refused.code, "message": words.refusal(refused)}, status=400)
    except Overtaken as overtaken:
        return _overtaken(overtaken, wish.sections)
    return JsonResponse(_told(saved))


@require_safe
@for_writers
def template(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Give the sections of a template, to be put into what is there already."""
    start = beginning.of(person, study, None, chosen=request.GET.get("template", ""))
    return JsonResponse({"sections": start.sections, "language": start.language})


@require_POST
@for_writers
def pull(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Take a measurement or key image into the report, give it other words, or take it out again."""
    try:
        sent = _body(request)
        report = selectors.report_of(study)
        known = selectors.draft_of(report)
        if known is None:
            raise Refused("not_begun")
        changed = _pulled(person, study, known, sent)
    except Refused as refused:
        return JsonResponse({"error": refused.code, "message": words.refusal(refused)}, status=400)
    except Overtaken as overtaken:
        return _overtaken(overtaken, overtaken.draft.sections)
    except rendering.Unavailable:
        busy = _("Everything that draws pictures is busy. The report is as it was; try again in a moment.")
        return JsonResponse({"error": "busy", "message": busy}, status=503)
    entries = facts.pulled(study, changed)
    html = render_to_string("imaging/reports/writing/_pulled.html", {"pulled": entries, "study": study}, request)
    return JsonResponse({**_told(changed), "html": html})


@require_safe
@for_writers
def picture(request: HttpRequest, person: Writer, study: Study, sha256: str) -> HttpResponseBase:
    """Give a picture of the report as it will be signed."""
    report = selectors.report_of(study)
    content = pulling.picture_of(report, sha256) if report else None
    if content is None:
        raise Http404
    return HttpResponse(storage.read(content), content_type="image/jpeg")


@require_POST
@for_writers
def let_go(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Forget one's own text that was overtaken."""
    services.let_go(person, study)
    return redirect("reports:write", study_instance_uid=study.study_instance_uid)


def _wish(request: HttpRequest, person: Writer, study: Study) -> Wish:
    sent = _body(request)
    revision, language = sent.get("revision"), sent.get("language")
    if type(revision) is not int or not 0 <= revision < 2**31 or language not in beginning.LANGUAGES:
        raise Refused("shape")
    chosen = sent.get("template")
    found = beginning.template_named(person, study, chosen) if isinstance(chosen, str) and chosen else None
    sections = policies.checked_sections(sent.get("sections"))
    return Wish(sections, revision, language, found, keeps_mine=sent.get("keep_mine") is True)


def _pulled(person: Writer, study: Study, known: ReportDraft, sent: dict[str, Any]) -> ReportDraft:
    revision = sent.get("revision")
    if type(revision) is not int:
        raise Refused("shape")
    if isinstance(key := sent.get("measurement"), str):
        return pulling.add_measurement(person, study, known, key, seen_revision=revision)
    if isinstance(uid := sent.get("picture"), str) and type(frame := sent.get("frame")) is int:
        return pulling.add_picture(person, study, known, uid, frame, seen_revision=revision)
    if type(position := sent.get("position")) is int:
        said = sent.get("words")
        return pulling.change(
            person, study, known, position, seen_revision=revision, words=said if isinstance(said, str) else None
        )
    raise Refused("shape")


def _overtaken(overtaken: Overtaken, mine: Any) -> JsonResponse:
    theirs = overtaken.draft
    changes = differences.sections(theirs.sections, list(mine))
    told = {
        "error": "overtaken",
        "message": _("%(name)s saved this report meanwhile. Your text is kept; choose what stays.")
        % {"name": theirs.saved_by.label},
        "html": render_to_string("imaging/reports/writing/_difference.html", {"changes": changes}),
        "sections": theirs.sections,
    }
    return JsonResponse({**_told(theirs), **told}, status=409)


def _told(saved: ReportDraft) -> dict[str, Any]:
    at = timezone.localtime(saved.saved_at)
    fields = policies.unfilled(saved.sections)
    faults = [
        _("%(section)s, line %(line)s: “%(piece)s” — %(why)s")
        % {"section": title, "line": problem.line, "piece": problem.piece[:60], "why": words.fault(problem.fault)}
        for title, problem in policies.broken(saved.sections)
    ]
    return {
        "revision": saved.revision,
        "saved": _("Saved at %(time)s") % {"time": time_format(at, "H:i:s")},
        "unfilled": ngettext("%(count)d field to fill in", "%(count)d fields to fill in", len(fields))
        % {"count": len(fields)}
        if fields
        else "",
        "faults": faults[:20],
    }


def _body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request. Raises ``Refused`` for anything else."""
    if int(request.headers.get("Content-Length") or 0) > policies.LARGEST_BODY:
        raise Refused("too_long")
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refused("shape") from None
    if not isinstance(sent, dict):
        raise Refused("shape")
    return sent
