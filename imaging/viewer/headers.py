"""The headers of one instance as they go out, and what was received, to read and to search. All of it is hostile text."""

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import header_listing, uids
from imaging.ingest.desk import comparison
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion, Series
from imaging.studies.reading import metadata
from imaging.viewer import corrections, wording
from imaging.viewer.errors import of_a_study

_LONGEST_SEARCH: Final = 64
#: Which attributes are shown: as they go out, as received, or both where they differ.
_MODES: Final = ("", "received", "compare")


@require_safe
@of_a_study
def page(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Show the headers of the instance that `?instance=` names or `?place=` counts, else of the first.

    `?find=` keeps matching lines, for who has no script; `?as=` chooses received or compared.
    """
    scope = request.scope  # type: ignore[attr-defined]
    actor = request.actor  # type: ignore[attr-defined]
    series = access.open_series(
        scope, study_instance_uid, series_instance_uid, actor=actor, purpose=access.Purpose.METADATA
    )
    known = list(studies.instances_of(series, scope=scope, right=Right.VIEW).values_list("sop_instance_uid", flat=True))
    chosen = _chosen(request, known)
    version = access.open_instance(
        scope, study_instance_uid, series_instance_uid, chosen, actor=actor, purpose=access.Purpose.METADATA
    )
    place = known.index(chosen)
    context = {
        "study": series.study,
        "patient": series.study.patient,
        "series": series,
        "series_label": wording.series_label(series),
        "others": _other_series(series, scope),
        "instance": version.instance,
        "sop_class": uids.sop_class_name(version.instance.sop_class_uid),
        "transfer_syntax": uids.transfer_syntax_name(version.stored_object.transfer_syntax_uid),
        "decisions": corrections.decisions(studies.corrections_of(version), may_revert=False),
        "place": place + 1,
        "count": len(known),
        "previous": known[place - 1] if place else "",
        "next": known[place + 1] if place + 1 < len(known) else "",
        **_lines(request, version),
    }
    return render(request, "imaging/viewer/headers.html", context)


def _chosen(request: HttpRequest, known: Sequence[str]) -> str:
    """The instance that is asked for; a place beyond the series is its nearest end."""
    place = request.GET.get("place", "")
    if place.isascii() and place.isdigit() and len(place) < 7 and known:
        return known[min(max(int(place), 1), len(known)) - 1]
    chosen = request.GET.get("instance", known[0] if known else "")
    if chosen not in known:
        raise access.StudyNotVisible(chosen)
    return chosen


def _lines(request: HttpRequest, version: InstanceVersion) -> dict[str, Any]:
    """The lines to show; of what was never corrected there is only one kind, whatever is asked."""
    asked = request.GET.get("as", "")
    mode = asked if asked in _MODES and version.is_corrected else ""
    find = request.GET.get("find", "").strip()[:_LONGEST_SEARCH]
    said: dict[str, Any] = {"mode": mode, "find": find}
    if mode == "compare":
        received, served = metadata.received_record(version), metadata.instance_record(version)
        pairs = comparison.differing(comparison.compare(received, served))
        return {**said, "pairs": pairs, "total": len(pairs)}
    # As received on request: then nothing is put over it, as if it had never been corrected.
    record = metadata.received_record(version) if mode == "received" else metadata.instance_record(version)
    lines = list(islice(header_listing.listing(record), header_listing.MOST_LINES))
    return {
        **said,
        "lines": [line for line in lines if line.holds(find)] if find else lines,
        "total": len(lines),
        "is_cut_off": len(lines) == header_listing.MOST_LINES,
    }


def _other_series(series: Series, scope: Scope) -> list[tuple[str, str]]:
    """(UID, name) of every series of the study, to go to."""
    rows = studies.series_of(series.study, scope=scope, right=Right.VIEW)
    return [(row.series_instance_uid, wording.series_label(row)) for row in rows]
