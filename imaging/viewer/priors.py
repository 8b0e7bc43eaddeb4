"""A patient's other studies as a reader sees them: a line of time, a list, and opening what lies elsewhere."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import opened_priors
from accounts.scope import Scope
from imaging.studies import access, priors
from imaging.studies.models import Study
from imaging.studies.priors import Relevance, Standing, TimelineEntry
from imaging.viewer import picture_addresses, wording
from imaging.viewer.errors import of_a_study

#: The drawn line of time, in its own units; marks nearer to each other than this stand above one another.
_WIDTH, _EDGE, _NEAR = 260.0, 14.0, 17.0
_LEVELS = 3
_MOST_YEARS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One study in the list. ``open`` is the address that opens it by POST; ``address`` works at once."""

    at: dt.datetime
    title: str
    detail: str
    why: str
    modalities: tuple[str, ...]
    picture: str
    address: str
    open: str
    is_this: bool
    is_relevant: bool
    is_locked: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """One study on the drawn line."""

    x: float
    y: float
    label: str
    kind: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class Year:
    """A year on the drawn line."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the panel shows."""

    rows: list[Row]
    marks: list[Mark]
    years: list[Year]
    others: int
    elsewhere: int


@dataclass(frozen=True, slots=True)
class OpenedAs:
    """That this page is read as a prior, of which study, and until when."""

    of: str
    until: dt.datetime | None


@require_POST
@of_a_study
def open_prior(request: HttpRequest, study_instance_uid: str, prior_instance_uid: str) -> HttpResponseBase:
    """Open an earlier study of the same patient by the rule of its department, and go there.

    ``then=viewer`` goes to the images. A script that accepts JSON gets the addresses instead, to show it beside.
    """
    prior = access.open_prior(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        prior_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
    )
    until = opened_priors.remember(request.session, prior)
    if request.headers.get("Accept", "").startswith("application/json"):
        told = {
            "study_instance_uid": prior.study,
            "study": reverse("viewer:study", args=[prior.study]),
            "manifest": reverse("viewer:manifest", args=[prior.study]),
            "until": until.isoformat(),
        }
        response = JsonResponse(told)
        response["Cache-Control"] = "private, no-store"
        return response
    name = "viewer:viewer" if request.POST.get("then") == "viewer" else "viewer:study"
    return redirect(name, study_instance_uid=prior.study)


def opened_as(request: HttpRequest, study: Study) -> OpenedAs | None:
    """Return as whose prior the reader has this study open; None for a study of the reader's own."""
    scope: Scope = request.scope  # type: ignore[attr-defined]
    base = scope.opened_as_prior(study.study_instance_uid)
    if not base:
        return None
    return OpenedAs(
        reverse("viewer:study", args=[base]), opened_priors.until(request.session, study.study_instance_uid)
    )


def timeline(study: Study, *, scope: Scope) -> Timeline:
    """Return the patient's studies for the panel of a study's page."""
    entries = priors.timeline_of(study, scope=scope)
    rows = [_row(study, entry) for entry in entries]
    return Timeline(
        rows=rows,
        marks=_marks(entries) if len(entries) > 1 else [],
        years=_years(entries) if len(entries) > 1 else [],
        others=len(entries) - 1,
        elsewhere=sum(entry.standing in {Standing.OPENABLE, Standing.KNOWN} for entry in entries),
    )


def _row(study: Study, entry: TimelineEntry) -> Row:
    is_this = entry.standing is Standing.THIS
    is_elsewhere = entry.study is None
    opener = ""
    if entry.standing is Standing.OPENABLE:
        opener = reverse("viewer:prior-open", args=[study.study_instance_uid, entry.study_instance_uid])
    return Row(
        at=entry.study_at,
        title=wording.study_title(entry.study) if entry.study else _elsewhere_title(entry),
        detail=_("This study") if is_this else _detail(entry),
        why=_why(entry),
        modalities=entry.modalities,
        picture=picture_addresses.of_study(entry.study) if entry.study else "",
        address="" if is_this or is_elsewhere else reverse("viewer:study", args=[entry.study_instance_uid]),
        open=opener,
        is_this=is_this,
        is_relevant=entry.relevance is not Relevance.OTHER,
        is_locked=entry.standing is Standing.KNOWN,
    )


def _elsewhere_title(entry: TimelineEntry) -> str:
    return " + ".join(str(wording.MODALITIES.get(code, code)) for code in entry.modalities).capitalize() or _("Study")


def _detail(entry: TimelineEntry) -> str:
    if entry.standing is Standing.KNOWN:
        return _("Exists at %(department)s, which does not share it") % {"department": entry.department}
    return entry.department


def _why(entry: TimelineEntry) -> str:
    if entry.relevance is Relevance.SAME_BODY_PART:
        return _("same body part")
    return _("same modality") if entry.relevance is Relevance.SAME_MODALITY else ""


def _place(moment: dt.datetime, entries: Sequence[TimelineEntry]) -> float:
    """Where a moment lies on the line; the whole line is used, however short the time."""
    first, last = entries[-1].study_at, entries[0].study_at
    span = (last - first).total_seconds()
    share = (moment - first).total_seconds() / span if span > 0 else 0.5
    return round(_EDGE + share * (_WIDTH - 2 * _EDGE), 1)


def _marks(entries: Sequence[TimelineEntry]) -> list[Mark]:
    """Each study on the line, oldest first; those too near to their neighbour one step higher."""
    marks: list[Mark] = []
    level, before = 0, -_WIDTH
    for entry in reversed(entries):
        x = _place(entry.study_at, entries)
        level = (level + 1) % _LEVELS if x - before < _NEAR else 0
        before = x
        marks.append(
            Mark(
                x=x,
                y=44.0 - level * 13,
                label=entry.modalities[0] if entry.modalities else "",
                kind="open" if entry.study else "elsewhere",
                is_this=entry.standing is Standing.THIS,
            )
        )
    return marks


def _years(entries: Sequence[TimelineEntry]) -> list[Year]:
    first, last = timezone.localtime(entries[-1].study_at).year, timezone.localtime(entries[0].study_at).year
    step = max(1, -(-(last - first) // _MOST_YEARS))
    zone = timezone.get_current_timezone()
    begins = [(year, dt.datetime(year, 1, 1, tzinfo=zone)) for year in range(first + 1, last + 1, step)]
    return [Year(_place(moment, entries), str(year)) for year, moment in begins if moment >= entries[-1].study_at]
