"""My requests, the page of one, and what may be done with it."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from imaging.orders import transitions
from imaging.orders.catalogue import questions
from imaging.orders.models import ExamRequest, Priority
from imaging.orders.requesting import attachments, back, facts, forms, patients, selectors, services
from imaging.orders.requesting.asking import (
    NothingDone,
    conditional,
    for_askers,
    for_readers,
    opened,
    stepping,
    the_request,
    version_of,
)
from imaging.orders.requesting.policies import Asker
from imaging.orders.workflow import CHANGEABLE, ENDED, State, Step
from imaging.storage import services as storage

GROUP_WORDS = {
    "open": gettext_lazy("Under way"),
    "answer": gettext_lazy("To be answered"),
    "draft": gettext_lazy("Drafts"),
    "reported": gettext_lazy("Report to read"),
    "ended": pgettext_lazy("request", "Ended"),
    "all": gettext_lazy("All"),
}
_NOT_KEPT = {
    "kind": gettext_lazy("Nothing was kept: a PDF, JPEG, PNG or TIFF can be attached, and this is none."),
    "large": gettext_lazy("Nothing was kept: the file is larger than 20 MB."),
    "many": gettext_lazy("Nothing was kept: there are 20 files already. Take one away first."),
    "ended": gettext_lazy("Nothing was kept: the request has ended."),
}


@require_safe
@for_askers
def requests(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show one's own requests, or those of one's departments; as a part with 304 where nothing is new."""
    whose = "department" if request.GET.get("of") == "department" else "mine"
    group = request.GET.get("show", "")
    group = group if group in selectors.GROUPS else "open"
    priority = {"stat": Priority.STAT, "urgent": Priority.URGENT}.get(request.GET.get("priority", ""))
    text = request.GET.get("before", "")
    before = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    rows = selectors.listed(person, is_mine=whose == "mine", group=group, priority=priority, before=before)
    kept = {"of": whose, "show": group, **({"priority": request.GET["priority"]} if priority is not None else {})}
    context = {
        "lines": [facts.line(row) for row in rows[: selectors.PAGE]],
        "of": whose,
        "show": group,
        "priority": request.GET["priority"] if priority is not None else "",
        "groups": GROUP_WORDS.items(),
        "next": urlencode({**kept, "before": rows[selectors.PAGE - 1].pk}) if len(rows) > selectors.PAGE else "",
        "here": urlencode(kept | ({"before": before} if before else {})),
        "is_first": before is None,
    }
    _record_listing(person, rows, {"of": whose, "show": group})
    if request.headers.get("HX-Request"):
        return conditional(request, "imaging/orders/requesting/_lines.html", context)
    return render(request, "imaging/orders/requesting/requests.html", context)


def _record_listing(person: Asker, rows: list[ExamRequest], detail: dict[str, str]) -> None:
    audit.record_read(
        audit.Action.REQUESTS_LISTED,
        actor=person.actor,
        subject_type="request",
        subject_uid="",
        detail={**detail, "count": len(rows)},
    )


@require_safe
@for_readers
def request_page(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Show one request: where it stands, its history, and what may be done. As a part with 304."""
    if request.headers.get("HX-Request"):
        return conditional(request, "imaging/orders/requesting/_status.html", _shown(the_request(person, key), person))
    return render(request, "imaging/orders/requesting/request.html", _shown(opened(person, key), person))


def _shown(found: ExamRequest, person: Asker) -> dict[str, Any]:
    offered = transitions.offered(found, person.by)
    is_theirs = found.requester_id == person.user.pk or found.requesting_department_id in person.departments
    return {
        "exam": found,
        "line": facts.line(found),
        "patient": found.patient,
        "way": facts.way(found),
        "history": facts.history(found.transitions.all()),
        "step": facts.booked(found),
        "safety": questions.answered(found.safety),
        "notes": list(found.notes.select_related("author")),
        "attachments": selectors.attachments_of(found),
        "studies": selectors.studies_of(found, person.scope),
        "may_change": found.state in CHANGEABLE and is_theirs,
        "is_draft": found.state == State.DRAFT,
        "backs": back.offered(found, person),
        "may_cancel": Step.CANCEL in offered,
        "may_answer": Step.ANSWER in offered,
        "may_acknowledge": Step.ACKNOWLEDGE in offered,
        "may_copy": is_theirs and found.state != State.DRAFT,
        "may_join": is_theirs and found.patient is None,
        "may_attach": is_theirs and found.state not in ENDED,
        "has_slip": bool(found.accession_number),
    }


@require_POST
@for_askers
def cancel(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Take a request back with a reason, or throw a draft away."""
    was_draft = the_request(person, key).state == State.DRAFT
    form = forms.ReasonForm(request.POST)
    reason = form.cleaned_data["reason"].strip() if form.is_valid() else ""

    def take() -> str:
        services.cancel(person, key, reason=reason, seen_version=version_of(request))
        return _("The draft was thrown away.") if was_draft else _("Cancelled. Who was to do the exam sees it.")

    response = stepping(request, key, take)
    return redirect("orders:requests") if was_draft else response


@require_POST
@for_askers
def acknowledge(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Say that the report was read."""
    the_request(person, key)

    def take() -> str:
        services.acknowledge(person, key, seen_version=version_of(request))
        return _("Noted that the report was read.")

    return stepping(request, key, take)


@require_POST
@for_readers
def write(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Answer the question with which a request came back, or write a remark."""
    found = the_request(person, key)
    form = forms.NoteForm(request.POST)

    def take() -> str:
        if not form.is_valid():
            raise NothingDone(_("Nothing was written: the text is empty, too long or has control characters."))
        if found.state == State.RETURNED and "answer" in request.POST:
            services.answer(person, key, text=form.cleaned_data["text"], seen_version=version_of(request))
            return _("Answered. The request goes on.")
        services.note(person, key, text=form.cleaned_data["text"])
        return _("Written.")

    return stepping(request, key, take)


@require_POST
@for_askers
def join(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Say which patient of the index a typed one is."""
    the_request(person, key)
    patient = patients.opened(person, request.POST.get("patient", ""))

    def take() -> str:
        if patient is None:
            raise NothingDone(_("This patient is not open to you any more. Look again."))
        services.join(person, key, patient, seen_version=None)
        return _("The request is this patient’s now.")

    return stepping(request, key, take)


@require_POST
@for_askers
def attach(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Keep a letter beside a request."""
    found = the_request(person, key)
    if found.requester_id != person.user.pk and found.requesting_department_id not in person.departments:
        raise PermissionDenied
    form = forms.AttachmentForm(request.POST, request.FILES)
    problem = ""
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            attachments.attach(person, key, file.file, name=file.name or "")
        except attachments.NotKept as refused:
            problem = str(_NOT_KEPT[refused.code])
    else:
        problem = str(next(iter(form.errors.values()))[0])
    return _attached(request, person, key, problem)


@require_POST
@for_askers
def detach(request: HttpRequest, person: Asker, key: uuid.UUID, attachment: uuid.UUID) -> HttpResponseBase:
    """Take a file away from a request."""
    found = the_request(person, key)
    if found.requester_id != person.user.pk and found.requesting_department_id not in person.departments:
        raise PermissionDenied
    attachments.remove(person, key, attachment)
    return _attached(request, person, key, "")


def _attached(request: HttpRequest, person: Asker, key: uuid.UUID, problem: str) -> HttpResponseBase:
    found = the_request(person, key)
    if not request.headers.get("HX-Request") and not problem:
        return redirect("orders:edit" if found.state == State.DRAFT else "orders:request", key=key)
    context = {
        "exam": found,
        "attachments": selectors.attachments_of(found),
        "attach_problem": problem,
        "may_attach": True,
    }
    return render(request, "imaging/orders/requesting/_attachments.html", context, status=200)


@require_safe
@for_readers
def attachment(request: HttpRequest, person: Asker, key: uuid.UUID, attachment: uuid.UUID) -> HttpResponseBase:
    """Give a file that lies beside a request, to be saved and never shown in the page."""
    found = opened(person, key)
    row = next((row for row in selectors.attachments_of(found) if row.key == attachment), None)
    if row is None:
        raise Http404
    try:
        content = storage.open(row.stored_object)
    except storage.StorageError as error:
        context = {"exam": found, "row": row, "is_away": isinstance(error, storage.StorageAway)}
        answer = render(request, "imaging/orders/requesting/unreadable.html", context, status=503)
        answer["Retry-After"] = "30"
        return answer
    response = FileResponse(
        content, as_attachment=True, filename=row.file_name, content_type="application/octet-stream"
    )
    response["Content-Length"] = str(row.stored_object.length)
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_safe
@for_readers
def slip(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Show the sheet that the patient takes along, in the patient's language."""
    found = opened(person, key)
    if not found.accession_number:
        raise Http404
    language = request.GET.get("lang", "")
    with translation.override(language if language in {"en", "fr"} else translation.get_language()):
        procedure = found.procedure
        is_french = (translation.get_language() or "").startswith("fr")
        preparation = ""
        if procedure is not None:
            preparation = procedure.preparation_fr if is_french else procedure.preparation
        context = {
            "exam": found,
            "line": facts.line(found),
            "step": facts.booked(found) if found.state in {State.SCHEDULED, State.ARRIVED} else None,
            "preparation": preparation,
            "slip_language": "fr" if is_french else "en",
        }
        return render(request, "imaging/orders/requesting/slip.html", context)
