"""The conflict desk: two versions of one image beside each other, and which one is shown from now on."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.scope import Scope
from imaging.ingest.desk import comparison, conflicts, facts
from imaging.ingest.desk.access import for_writers
from imaging.ingest.desk.forms import ConflictForm
from imaging.ingest.models import ConflictDecision
from imaging.storage import services as storage
from imaging.studies import access
from imaging.studies.models import Instance, InstanceVersion
from imaging.studies.reading import metadata


@require_safe
@for_writers
def page(request: HttpRequest, scope: Scope) -> HttpResponseBase:
    """Show the series in which images wait for a choice."""
    text = request.GET.get("page", "1")
    number = max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 5 else 1
    found, has_more = conflicts.lines(scope, page=number)
    context = {
        "lines": found,
        "waiting": conflicts.waiting_count(scope),
        "earlier": f"?page={number - 1}" if number > 1 else "",
        "later": f"?page={number + 1}" if has_more else "",
    }
    return render(request, "imaging/ingest/conflicts.html", context)


@require_safe
@for_writers
def detail(request: HttpRequest, scope: Scope, pk: int) -> HttpResponseBase:
    """Show the versions of one image: `?other=` names the one that is laid beside the current one."""
    instance = _instance(scope, pk)
    study = instance.study
    access.open_study(
        scope,
        study.study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.METADATA,
    )
    versions = conflicts.versions_of(instance)
    current, other = _pair(versions, request.GET.get("other", ""))
    siblings = conflicts.siblings_of(scope, instance)
    place = siblings.index(instance.pk)
    in_force = conflicts.in_force(instance)
    context = {
        "instance": instance,
        "series": instance.series,
        "study": study,
        "patient": study.patient,
        "current": current,
        "other": other,
        "origins": [(version, facts.door(version.door)) for version in versions],
        "others": [version for version in versions if version.pk != current.pk],
        "count": len(siblings),
        "place": place + 1,
        "previous": siblings[place - 1] if place else None,
        "next": siblings[place + 1] if place + 1 < len(siblings) else None,
        "history": conflicts.history_of(instance),
        "in_force": in_force,
        **_headers(current, other, everything=bool(request.GET.get("all"))),
    }
    return render(request, "imaging/ingest/conflict.html", context)


@require_POST
@for_writers
def decide(request: HttpRequest, scope: Scope, pk: int) -> HttpResponseBase:
    """Choose, keep or take back."""
    instance = _instance(scope, pk)
    form = ConflictForm(request.POST)
    if not form.is_valid():
        messages.error(request, "; ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("ingest:conflict", pk=pk)
    answer = _carried_out(request, scope, instance, form.cleaned_data)
    if answer.decided:
        text = ngettext("Decided about %(count)d image.", "Decided about %(count)d images.", answer.decided)
        messages.success(request, text % {"count": answer.decided})
    if answer.changed:
        messages.warning(
            request, _("Something was left as it is, because it has changed meanwhile. Look at the versions again.")
        )
    return redirect("ingest:conflict", pk=pk)


def _carried_out(request: HttpRequest, scope: Scope, instance: Instance, asked: dict[str, Any]) -> conflicts.Answer:
    actor = request.actor  # type: ignore[attr-defined]
    whole: dict[str, Any] = {"actor": actor, "note": asked["note"]}
    if asked["decision"] == ConflictDecision.Kind.REVERT:
        return conflicts.revert(scope, instance, **whole)
    whole["whole_series"] = asked["whole_series"]
    if asked["decision"] == ConflictDecision.Kind.KEEP:
        return conflicts.keep(scope, instance, **whole)
    return conflicts.choose(scope, instance, asked["version"], **whole)


def _instance(scope: Scope, pk: int) -> Instance:
    found = conflicts.instance_of(scope, pk)
    if found is None:
        raise Http404
    return found


def _pair(versions: list[InstanceVersion], named: str) -> tuple[InstanceVersion, InstanceVersion]:
    """The version that is shown, and the one beside it: the one named, else the latest that waits."""
    current, others = versions[0], versions[1:]
    chosen = next((version for version in others if str(version.pk) == named), None)
    waiting = [version for version in others if version.state == InstanceVersion.State.CONFLICTING]
    return current, chosen or (waiting[-1] if waiting else others[-1])


def _headers(current: InstanceVersion, other: InstanceVersion, *, everything: bool) -> dict[str, Any]:
    try:
        pairs = comparison.compare(metadata.instance_record(current), metadata.instance_record(other))
    except storage.StorageError:
        return {"pairs": [], "pair_count": 0, "everything": everything, "is_unreadable": True}
    return {
        "pairs": pairs if everything else comparison.differing(pairs),
        "pair_count": len(pairs),
        "everything": everything,
        "has_other": True,
    }
