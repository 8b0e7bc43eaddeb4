"""The viewer's page, and what it is told about the study: addresses and words, no pixels."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from accounts.labels import name_of
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import uids
from imaging.rendering import selectors as rendering
from imaging.sharing.making import pages as sharing
from imaging.storage.models import StoredObject
from imaging.studies import access
from imaging.studies import priors as study_priors
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion, Series, Study
from imaging.studies.priors import Standing, TimelineEntry
from imaging.templatetags.assets import asset
from imaging.templatetags.people import clock, day
from imaging.viewer import patient_record, picture_addresses, surroundings, wording
from imaging.viewer.errors import of_a_study
from imaging.viewer.markings import study_version

Previews = Mapping[str, StoredObject]


@require_safe
@of_a_study
def page(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Show the viewer; `?series=` is the series to begin with."""
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.OPEN)  # type: ignore[attr-defined]
    rows = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    asked = request.GET.get("series", "")
    first = next((row for row in rows if row.series_instance_uid == asked), rows[0] if rows else None)
    sharing_in = sharing.sharing_in(study, scope)
    context = {
        "study": study,
        "patient": study.patient,
        "label": name_of(study.sensitivity),
        "may_share": sharing.may_share(study, request.user, scope, sharing_in),
        "may_collect": bool(sharing_in),
        "manifest_url": reverse("viewer:manifest", args=[study.study_instance_uid]),
        "dicom_web_root": reverse("dicomweb:root").rstrip("/"),
        "back_url": surroundings.around(request, study.study_instance_uid),
        "series_instance_uid": first.series_instance_uid if first else "",
        "headers_url": _headers_url(first) if first else "",
        "preview_url": _first_preview(first, scope) if first else "",
        "record_url": "" if surroundings.is_shared(request) else patient_record.address(study, request),
        "tools": _same_for_all("imaging/viewer/_viewer_tools.html", get_language(), asset("icons/icons.svg")),
        "words": _same_for_all("imaging/viewer/_viewer_words.html", get_language(), asset("icons/icons.svg")),
    }
    return render(request, "imaging/viewer/viewer.html", context)


@lru_cache(maxsize=8)
def _same_for_all(template: str, language: str | None, icons: str) -> SafeString:
    """Render what holds nothing of a study or a reader once for each language and build: most of the page's text is such."""
    return render_to_string(template)


@require_safe
@of_a_study
def manifest(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the series and instances of a study in reading order (`static/viewer/manifest.ts` has the shape)."""
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.OPEN)  # type: ignore[attr-defined]
    versions = list(studies.versions_of(study, scope=scope, right=Right.VIEW).defer("frame_index"))
    previews = ready_previews(study)
    grouped: dict[int, list[InstanceVersion]] = {}
    for version in versions:
        grouped.setdefault(version.instance.series_id, []).append(version)
    entries = [
        _series_entry(row, grouped[row.pk], previews, scope)
        for row in studies.series_of(study, scope=scope, right=Right.VIEW)
        if row.pk in grouped
    ]
    # Beside another study a prior brings no priors of its own.
    priors = [] if "beside" in request.GET else _priors(study, scope)
    return JsonResponse({"study": _study_entry(study), "series": entries, "priors": priors})


def ready_previews(study: Study) -> Previews:
    """Return the previews of a study that are ready, by SOP Instance UID."""
    made = rendering.study_pictures(study, "preview")
    return {uid: rendition.stored_object for uid, rendition in made.items() if rendition.stored_object is not None}


def _headers_url(series: Series) -> str:
    """Return the address of a series' headers, as `static/viewer/slides.ts` asks for them."""
    names = [series.study.study_instance_uid, series.series_instance_uid]
    return reverse("dicomweb:series-metadata", args=names)


def _first_preview(series: Series, scope: Scope) -> str:
    """Return the address of the picture that is shown while the pixels are on their way.

    While a study arrives, any picture that is ready is better than none, even the small one.
    """
    made = rendering.preview_of_series(series, scope=scope)
    if made is None:
        return _small_picture(series, scope) or ""
    return picture_addresses.of_instance(made.version, "preview", made.stored_object)


def _study_entry(study: Study) -> dict[str, Any]:
    return {
        "study_instance_uid": study.study_instance_uid,
        "description": wording.study_title(study),
        # Of a copy without identity the day on which it was made says nothing.
        "date": ""
        if study.is_copy and not study.study_time_known
        else _moment(study.study_at, is_known=study.study_time_known),
        "root_url": reverse("viewer:viewer", args=[study.study_instance_uid]),
        "version": study_version(study),
    }


def _priors(study: Study, scope: Scope) -> list[dict[str, Any]]:
    """Studies that can be shown beside this one, the most useful first: earlier ones before later ones."""
    told = study_priors.timeline_of(study, scope=scope)
    usable = [entry for entry in told if entry.standing in {Standing.OPEN, Standing.OPENABLE}]
    usable.sort(key=lambda entry: (entry.study_at > study.study_at, entry.rank))
    return [_prior_entry(study, entry, scope) for entry in usable]


def _prior_entry(study: Study, entry: TimelineEntry, scope: Scope) -> dict[str, Any]:
    uid = entry.study_instance_uid
    is_open = entry.standing is Standing.OPEN
    is_whole = surroundings.shows_all_of_study(scope, uid)
    return {
        "study_instance_uid": uid,
        "description": wording.study_title(entry.study) if entry.study else entry.department,
        "modalities": " ".join(entry.modalities),
        "date": day(entry.study_at),
        "distance": wording.distance(entry.study_at, study.study_at),
        "is_later": entry.study_at > study.study_at,
        "manifest_url": f"{reverse('viewer:manifest', args=[uid])}?beside",
        "open_url": "" if is_open else reverse("viewer:prior-open", args=[study.study_instance_uid, uid]),
        "thumbnail_url": (picture_addresses.of_study(entry.study) or None) if entry.study and is_whole else None,
    }


def _moment(at: dt.datetime, *, is_known: bool) -> str:
    return f"{day(at)} {clock(at)}" if is_known else day(at)


def _fills_a_viewport(version: InstanceVersion) -> bool:
    """Whether the frames are pictures that the viewer can decode; what is not gets a tile.

    A segmentation's frames are masks over another series, those of a video one stream, and single bits no grey levels.
    """
    sop_class_uid = version.instance.sop_class_uid
    masks = uids.kind_of(sop_class_uid) == "segmentation" or sop_class_uid == uids.SINGLE_BIT_CAPTURE
    is_stream = uids.is_video(version.stored_object.transfer_syntax_uid)
    return uids.is_image(sop_class_uid) and not masks and not is_stream and version.instance.rows > 0


def _page_url(series: Series, version: InstanceVersion) -> str:
    """Return the address of the page of a report, document or video; empty for what a viewport shows."""
    instance = version.instance
    if _fills_a_viewport(version) or not instance.sop_class_uid.startswith(uids.HAVE_A_PAGE):
        return ""
    names = [series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid]
    return reverse("viewer:document", args=names)


def _preview_address(ready: Sequence[tuple[InstanceVersion, StoredObject]]) -> str | None:
    if not ready:
        return None
    version, picture = rendering.middle(ready)
    return picture_addresses.of_instance(version, "preview", picture)


def _small_picture(series: Series, scope: Scope, *, otherwise: str | None = None) -> str | None:
    """The address of the small picture of a series; ``otherwise`` where only some of its images may be seen."""
    if not surroundings.shows_all_of_series(scope, series.study.study_instance_uid, series.series_instance_uid):
        return otherwise
    return picture_addresses.of_series(series) or None


def _series_entry(series: Series, versions: list[InstanceVersion], previews: Previews, scope: Scope) -> dict[str, Any]:
    first = versions[0].instance
    is_image = any(_fills_a_viewport(version) for version in versions)
    pictures = [previews.get(version.instance.sop_instance_uid) for version in versions]
    ready = [(version, picture) for version, picture in zip(versions, pictures, strict=True) if picture is not None]
    return {
        "series_instance_uid": series.series_instance_uid,
        "number": series.series_number,
        "description": wording.series_label(series),
        "modality": series.modality,
        "body_part": series.body_part_examined,
        "thumbnail_url": _small_picture(series, scope, otherwise=_preview_address(ready)),
        "preview_url": _preview_address(ready),
        "frame_count": series.frame_count or len(versions),
        "is_image": is_image,
        "tile_reason": "" if is_image else str(wording.KINDS[uids.kind_of(first.sop_class_uid)]),
        "instances": [
            {
                "sop_instance_uid": version.instance.sop_instance_uid,
                "sop_class_uid": version.instance.sop_class_uid,
                "number_of_frames": version.instance.number_of_frames,
                "preview_url": picture_addresses.of_instance(version, "preview", picture) or None,
                "page_url": _page_url(series, version),
            }
            for version, picture in zip(versions, pictures, strict=True)
        ],
    }
