"""What is done with several studies at once: each one asked for by itself, and what was not done is said."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.roles import Right
from imaging.rendering import selectors as rendering
from imaging.rendering import services as rendering_services
from imaging.studies import access
from imaging.studies.finding.chosen_studies import Chosen, chosen_studies
from imaging.viewer.addresses import ListAddress

_LONGEST_STATE = 4000


def list_address(request: HttpRequest) -> ListAddress:
    """The address of the list from which a form came, as its field `state` tells."""
    return ListAddress(QueryDict(request.POST.get("state", "")[:_LONGEST_STATE]))


@require_POST
@login_required
def act(request: HttpRequest) -> HttpResponseBase:
    """Do with the ticked studies what the button says."""
    address = list_address(request)
    uids = request.POST.getlist("study")
    if not uids:
        messages.warning(request, _("Nothing is selected. Tick the studies first."))
        return redirect(address.here())
    done = {"accessions": _accessions, "open": _open, "retry": _retry}.get(request.POST.get("do", ""))
    if done is None:
        messages.error(request, _("This cannot be done with several studies."))
        return redirect(address.here())
    return done(request, uids, address)


def _accessions(request: HttpRequest, uids: list[str], address: ListAddress) -> HttpResponseBase:
    """Show the accession numbers, one per line, to be copied."""
    chosen = chosen_studies(request.scope, uids)  # type: ignore[attr-defined]
    numbers = list(dict.fromkeys(study.accession_number for study in chosen.studies if study.accession_number))
    without = sum(not study.accession_number for study in chosen.studies)
    sentences = [_numbers(len(numbers)), *_left_out(chosen)]
    if without:
        sentences.append(
            ngettext("%(count)d study has no accession number.", "%(count)d studies have no accession number.", without)
            % {"count": without}
        )
    context = {"numbers": "\n".join(numbers), "sentences": sentences, "back": address.here()}
    return _page(request, "imaging/viewer/accessions.html", context)


def _open(request: HttpRequest, uids: list[str], address: ListAddress) -> HttpResponseBase:
    """Lead to the images: at once for one study, by a page of links for several (a browser blocks many tabs at once)."""
    chosen = chosen_studies(request.scope, uids, right=Right.VIEW)  # type: ignore[attr-defined]
    if len(uids) == len(chosen.studies) == 1:
        return redirect("viewer:viewer", study_instance_uid=chosen.studies[0].study_instance_uid)
    context = {"studies": chosen.studies, "sentences": _left_out(chosen), "back": address.here()}
    return _page(request, "imaging/viewer/open_selected.html", context)


def _retry(request: HttpRequest, uids: list[str], address: ListAddress) -> HttpResponseBase:
    """Try again what failed, where something did and the reader may write."""
    chosen = chosen_studies(request.scope, uids, right=Right.WRITE)  # type: ignore[attr-defined]
    tried = 0
    for study in chosen.studies:
        if not rendering.problems_of(study):
            continue
        opened = access.open_study(
            request.scope,  # type: ignore[attr-defined]
            study.study_instance_uid,
            actor=request.actor,  # type: ignore[attr-defined]
            purpose=access.Purpose.CHANGE,
            right=Right.WRITE,
        )
        rendering_services.retry(opened, actor=request.actor)  # type: ignore[attr-defined]
        tried += 1
    if tried:
        text = ngettext("Trying again for %(count)d study.", "Trying again for %(count)d studies.", tried)
        messages.success(request, text % {"count": tried})
    idle = len(chosen.studies) - tried
    if idle:
        text = ngettext(
            "%(count)d study has no failed step: nothing was done with it.",
            "%(count)d studies have no failed step: nothing was done with them.",
            idle,
        )
        messages.info(request, text % {"count": idle})
    for sentence in _left_out(chosen):
        messages.warning(request, sentence)
    return redirect(address.here())


def _numbers(count: int) -> str:
    return ngettext("%(count)d accession number.", "%(count)d accession numbers.", count) % {"count": count}


def _left_out(chosen: Chosen) -> list[str]:
    """What was not done, in sentences."""
    sentences = []
    if chosen.without_right:
        text = ngettext(
            "%(count)d study was left out: your role does not allow this there.",
            "%(count)d studies were left out: your role does not allow this there.",
            chosen.without_right,
        )
        sentences.append(text % {"count": chosen.without_right})
    if chosen.unknown:
        text = ngettext(
            "%(count)d study is not in your lists any more.",
            "%(count)d studies are not in your lists any more.",
            chosen.unknown,
        )
        sentences.append(text % {"count": chosen.unknown})
    return sentences


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponseBase:
    response = render(request, template, context)
    response["Cache-Control"] = "private, no-store"
    return response
