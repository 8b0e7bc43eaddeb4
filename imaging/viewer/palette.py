"""What the command palette finds: studies of the reader's scope by the list's own search, and the lists that they keep.

It is asked by POST: what somebody types is a name more often than not, and names belong into no log of addresses.
"""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import throttling
from imaging.studies import selectors as studies
from imaging.studies.finding import saved_lists
from imaging.studies.finding.time_limit import SearchTooBroad, time_limit
from imaging.studies.models import Study
from imaging.viewer import searches, wording
from imaging.viewer.addresses import ListAddress, address_of_list

MOST_STUDIES: Final = 8
#: Fewer letters fit half of the archive.
FEWEST_LETTERS: Final = 2
#: Searches of one person in a minute. Whoever types fast asks twice a second, and not for a minute.
MOST_A_MINUTE: Final = 120
#: As long as the list's own search.
_LONGEST: Final = 128


@dataclass(frozen=True, slots=True)
class Found:
    """One study: where Enter leads, where Shift and Enter lead, and its title."""

    study: Study
    title: str
    images: str
    page: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One list that is a word away."""

    label: str
    address: str


@require_POST
@login_required
@never_cache
def found(request: HttpRequest) -> HttpResponseBase:
    """Give the studies that fit `q`, and without it the lists of the reader; 429 to who searches without end."""
    search = request.POST.get("q", "").strip()[:_LONGEST]
    context: dict[str, Any] = {"search": search, "lists": [], "found": [], "in_list": ""}
    if len(search) >= FEWEST_LETTERS:
        allowance = throttling.spend(request.actor, "palette", limit=MOST_A_MINUTE)  # type: ignore[attr-defined]
        if allowance is not None and allowance.wait:
            return HttpResponse(status=429, headers={"Retry-After": str(allowance.wait)})
        searches.on_record(request, search)
        scope = request.scope  # type: ignore[attr-defined]
        try:
            with time_limit():
                page = studies.study_list(scope, studies.StudyFilters(search=search), limit=MOST_STUDIES)
            context["found"] = [_found(row.study) for row in page.rows]
            context["in_list"] = ListAddress(QueryDict()).where(q=search) if page.next else ""
        except SearchTooBroad:
            context["is_too_broad"] = True
    elif not search:
        context["lists"] = _lists(request)
    return render(request, "imaging/viewer/_palette_found.html", context)


def _found(study: Study) -> Found:
    names = [study.study_instance_uid]
    return Found(
        study, wording.study_title(study), reverse("viewer:viewer", args=names), reverse("viewer:study", args=names)
    )


def _lists(request: HttpRequest) -> list[Kept]:
    """The predefined days and the saved lists that the reader may open."""
    bare = ListAddress(QueryDict())
    days = [Kept(str(label), bare.chosen("from", name)) for name, label in wording.DAYS.items()]
    powers = saved_lists.powers_of(request.user, request.scope)  # type: ignore[arg-type,attr-defined]
    return [*(Kept(kept.name, address_of_list(kept)) for kept in saved_lists.lists_for(powers)), *days]
