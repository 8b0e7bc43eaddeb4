"""The headers of one instance as they go out, and what was received, to read and to search. All of it is hostile text."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.roles import Right
from imaging.dicom import header_listing, uids
from imaging.studies import access, metadata
from imaging.studies import selectors as studies
from imaging.viewer import corrections
from imaging.viewer.errors import of_a_study

_LONGEST_SEARCH = 64


@require_safe
@of_a_study
def page(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Show the headers of the instance that `?instance=` names, else of the first; `?find=` keeps matching lines."""
    scope = request.scope  # type: ignore[attr-defined]
    actor = request.actor  # type: ignore[attr-defined]
    series = access.open_series(
        scope, study_instance_uid, series_instance_uid, actor=actor, purpose=access.Purpose.METADATA
    )
    known = list(studies.instances_of(series, scope=scope, right=Right.VIEW).values_list("sop_instance_uid", flat=True))
    chosen = request.GET.get("instance", known[0] if known else "")
    if chosen not in known:
        raise access.StudyNotVisible(chosen)
    version = access.open_instance(
        scope, study_instance_uid, series_instance_uid, chosen, actor=actor, purpose=access.Purpose.METADATA
    )
    # As received on request: then nothing is put over it, as if it had never been corrected.
    as_received = version.is_corrected and request.GET.get("as") == "received"
    record = metadata.received_record(version) if as_received else metadata.instance_record(version)
    lines = list(header_listing.listing(record))[: header_listing.MOST_LINES]
    find = request.GET.get("find", "").strip()[:_LONGEST_SEARCH]
    place = known.index(chosen)
    context = {
        "study": series.study,
        "patient": series.study.patient,
        "series": series,
        "instance": version.instance,
        "sop_class": uids.sop_class_name(version.instance.sop_class_uid),
        "transfer_syntax": uids.transfer_syntax_name(version.stored_object.transfer_syntax_uid),
        "lines": [line for line in lines if line.holds(find)] if find else lines,
        "total": len(lines),
        "decisions": corrections.decisions(studies.corrections_of(version), may_revert=False),
        "as_received": as_received,
        "find": find,
        "place": place + 1,
        "count": len(known),
        "previous": known[place - 1] if place else "",
        "next": known[place + 1] if place + 1 < len(known) else "",
    }
    return render(request, "imaging/viewer/headers.html", context)
