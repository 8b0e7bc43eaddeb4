"""The quarantine desk: what waits, one object beside what is known, decisions and how to take them back."""

from typing import Any

from django.contrib import messages
from django.core.paginator import EmptyPage
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from imaging.dicom import uids
from imaging.ingest.desk import comparison, facts, selectors, services
from imaging.ingest.desk.access import for_deciders
from imaging.ingest.desk.forms import DecisionForm, FilterForm
from imaging.ingest.desk.policies import Chosen, Decider
from imaging.ingest.models import QuarantineDecision, QuarantinedObject
from imaging.storage import services as storage
from imaging.studies import access
from imaging.studies.models import Instance
from imaging.studies.reading import metadata

_MOST_STRIP = 60
_MOST_PAGES = 10_000


@require_safe
@for_deciders
def page(request: HttpRequest, decider: Decider) -> HttpResponseBase:
    """Show what waits, longest first, one line per sender, study and reason."""
    filters = FilterForm(request.GET)
    number = _number(request)
    found, has_more = selectors.groups(decider, filters.filters(), page=number)
    context = {
        "lines": [facts.line(group) for group in found],
        "counts": selectors.counts(decider.departments),
        "senders": selectors.senders(decider),
        "reasons": QuarantinedObject.Reason.choices,
        "filters": filters.filters(),
        "is_narrowed": any(request.GET.get(name) for name in ("reason", "sender", "q")),
        "earlier": _address(request, number - 1) if number > 1 else "",
        "later": _address(request, number + 1) if has_more else "",
        "notice_days": facts.notice_days(),
        **_choices(decider),
    }
    return render(request, "imaging/ingest/quarantine.html", context)


@require_safe
@for_deciders
def detail(request: HttpRequest, decider: Decider, pk: int) -> HttpResponseBase:
    """Show one object: why it waits, its picture and header beside what is known. Reading it is on record."""
    found = _found(decider, pk)
    audit.record_read(
        audit.Action.METADATA_READ,
        actor=decider.actor,
        subject_type="quarantined_object",
        subject_uid=str(found.pk),
        patient_id=facts.patient_of(found).patient_id,
        issuer_of_patient_id=facts.patient_of(found).issuer_of_patient_id,
        detail={"via": "desk", "sop_instance_uid": found.sop_instance_uid},
    )
    siblings = selectors.members(decider, found)
    keys = list(siblings.values_list("pk", flat=True))
    place = keys.index(found.pk) if found.pk in keys else 0
    beside = selectors.beside(decider, found)
    if beside.version is not None:
        _read_on_record(decider, beside.version.instance)
    context = {
        "object": found,
        "patient": facts.patient_of(found),
        "facts": facts.of_object(found),
        "why": facts.why(found),
        "next_step": facts.next_step(found, beside),
        "beside": beside,
        "traits": facts.traits(found, beside),
        "count": len(keys),
        "place": place + 1,
        "previous": keys[place - 1] if place else None,
        "next": keys[place + 1] if place + 1 < len(keys) else None,
        "chosen": Chosen(keys[0], keys[-1]) if keys else Chosen(found.pk),
        "decisions": [facts.history(decision) for decision in selectors.decisions_of(found)],
        "earlier": selectors.earlier_of(decider, found),
        "is_open": found.state == QuarantinedObject.State.OPEN,
        "can_undo": found.decision_id is not None and found.state in {"released", "rejected"},
        **_headers(found, beside, everything=bool(request.GET.get("all"))),
        **_choices(decider),
    }
    return render(request, "imaging/ingest/quarantined.html", context)


@require_POST
@for_deciders
def decide(request: HttpRequest, decider: Decider) -> HttpResponseBase:
    """Carry out a decision about the ticked lines, and say what became of it."""
    form = DecisionForm(request.POST, decider=decider)
    back = _back(request, decider)
    if not form.is_valid():
        for field, errors in form.errors.items():
            for error in errors:
                messages.error(request, f"{facts.field_label(field)}{error}")
        return back
    answer = services.decide(decider, selectors.keys_of(decider, form.chosen()), form.wish())
    facts.tell(request, answer)
    if answer.decision is not None:
        return redirect("ingest:quarantine-decision", pk=answer.decision.pk)
    return back


@require_safe
@for_deciders
def decisions(request: HttpRequest, decider: Decider) -> HttpResponseBase:
    """Show what was decided, latest first."""
    number = _number(request)
    found, has_more = selectors.decisions(decider, page=number)
    context = {
        "decisions": [facts.history(decision) for decision in found],
        "earlier": f"?page={number - 1}" if number > 1 else "",
        "later": f"?page={number + 1}" if has_more else "",
    }
    return render(request, "imaging/ingest/quarantine_decisions.html", context)


@require_safe
@for_deciders
def decision(request: HttpRequest, decider: Decider, pk: int) -> HttpResponseBase:
    """Show one decision: how far it is carried out, and how to take it back. Its fragment refreshes while it is."""
    found = _decision(decider, pk)
    context = {"decision": facts.history(found), **facts.progress(decider, found)}
    template = "_quarantine_progress.html" if request.GET.get("part") else "quarantine_decision.html"
    return render(request, f"imaging/ingest/{template}", context)


@require_POST
@for_deciders
def undo(request: HttpRequest, decider: Decider, pk: int) -> HttpResponseBase:
    """Take a decision back."""
    found = _decision(decider, pk)
    answer = services.undo(decider, found)
    facts.tell(request, answer)
    return redirect("ingest:quarantine-decision", pk=answer.decision.pk if answer.decision else found.pk)


@require_safe
@for_deciders
def patients(request: HttpRequest, decider: Decider) -> HttpResponseBase:
    """Give the patients of an ID or name, to choose from."""
    text = request.GET.get("find", "")[:64]
    found = selectors.patients(decider, text)
    return render(request, "imaging/ingest/_quarantine_patients.html", {"patients": found, "text": text.strip()})


def _read_on_record(decider: Decider, instance: Instance) -> None:
    """The header of the archive's image is shown too: that is reading its study."""
    access.open_instance(
        decider.scope,
        instance.series.study.study_instance_uid,
        instance.series.series_instance_uid,
        instance.sop_instance_uid,
        actor=decider.actor,
        purpose=access.Purpose.METADATA,
    )


def _found(decider: Decider, pk: int) -> QuarantinedObject:
    found = selectors.object_of(decider, pk)
    if found is None:
        raise Http404
    return found


def _decision(decider: Decider, pk: int) -> QuarantineDecision:
    found = selectors.decision_of(decider, pk)
    if found is None:
        raise Http404
    return found


def _choices(decider: Decider) -> dict[str, Any]:
    return {
        "departments": selectors.departments(decider),
        "reject_reasons": QuarantineDecision.RejectReason.choices,
    }


def _headers(found: QuarantinedObject, beside: selectors.Beside, *, everything: bool) -> dict[str, Any]:
    """The header, beside that of the known image where there is one this person may see."""
    try:
        record = selectors.record_of(found)
    except storage.StorageError:
        record = None
    context: dict[str, Any] = {"everything": everything, "is_unreadable": record is None, "pairs": []}
    if record is None:
        return context
    other = metadata.instance_record(beside.version) if beside.version is not None else None
    pairs = comparison.compare(record, other if other is not None else {})
    return {
        **context,
        "has_other": other is not None,
        "pairs": pairs if everything or other is None else comparison.differing(pairs),
        "pair_count": len(pairs),
        "syntax": uids.transfer_syntax_name(found.stored_object.transfer_syntax_uid),
    }


def _number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1
    if number > _MOST_PAGES:
        raise Http404 from EmptyPage()
    return max(number, 1)


def _address(request: HttpRequest, number: int) -> str:
    kept: dict[str, str | int] = {
        name: str(request.GET[name])[:128] for name in ("reason", "sender", "q") if request.GET.get(name)
    }
    return f"?{urlencode(kept | {'page': number})}"


def _back(request: HttpRequest, decider: Decider) -> HttpResponseBase:
    """To the page of the object that the form stood on, else to the list; never to an address that was posted."""
    text = request.POST.get("from", "")
    if text.isascii() and text.isdigit() and len(text) < 19 and selectors.object_of(decider, int(text)) is not None:
        return redirect("ingest:quarantined", pk=int(text))
    return redirect("ingest:quarantine")
