"""Pictures of whole series and studies (PS3.18 sections 10.4.1.1.5 and 10.4.1.1.6): one that stands for them, or one of each instance."""

import time
from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.roles import Right
from imaging.dicomweb import answers, long_answers, multipart, negotiation, rendered, rendering_parameters
from imaging.dicomweb.negotiation import MediaRange
from imaging.rendering.services import Picture
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion, Series, Study

#: Pictures of one answer.
_MOST: Final = 1_000
#: Seconds in which the decoder pool must find time for the next picture.
_PATIENCE: Final = 30.0


@answers.resource
def thumbnail_of_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Draw the middle image of the study's first series that has images, small."""
    scope = request.scope  # type: ignore[attr-defined]
    opened = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.THUMBNAIL)  # type: ignore[attr-defined]
    first = studies.series_of(opened, scope=scope, right=Right.VIEW).filter(frame_count__gt=0).first()
    return _thumbnail(request, first)


@answers.resource
def thumbnail_of_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Draw the middle image of the series, small."""
    opened = access.open_series(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL,
    )
    return _thumbnail(request, opened)


@answers.resource
def of_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Draw every instance of the study that is an image, one part each."""
    opened = access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.FRAMES,
    )
    return _all(request, opened)


@answers.resource
def of_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Draw every instance of the series that is an image, one part each."""
    opened = access.open_series(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.FRAMES,
    )
    return _all(request, opened)


def _thumbnail(request: HttpRequest, series: Series | None) -> HttpResponseBase:
    images = list(_images(request, series).values_list("instance__sop_instance_uid", flat=True)) if series else []
    if series is None or not images:
        raise answers.NotRenderable(_("There is no image here that could be drawn."))
    uids = (series.study.study_instance_uid, series.series_instance_uid, images[len(images) // 2])
    return rendered.drawn(request, uids, number=None, largest=rendered.THUMBNAIL)


def _images(request: HttpRequest, level: Study | Series) -> QuerySet[InstanceVersion]:
    """The versions that are images, in reading order."""
    versions = studies.versions_of(level, scope=request.scope, right=Right.VIEW)  # type: ignore[attr-defined]
    return versions.filter(instance__number_of_frames__gt=0).defer("frame_index")


def _all(request: HttpRequest, level: Study | Series) -> HttpResponseBase:
    media_type = negotiation.first(
        answers.accepted(request),
        _offer,
        ", ".join(f'multipart/related; type="{kind}"' for kind in rendered.MEDIA_TYPES),
    )
    viewport = rendering_parameters.viewport(request.GET)
    window = rendering_parameters.window(request.GET)
    quality = rendering_parameters.quality(request.GET)
    versions = list(_images(request, level)[: _MOST + 1])
    if len(versions) > _MOST:
        return answers.problem(413, _("These are too many pictures for one answer. Ask for one series at a time."))
    box = (viewport.width, viewport.height) if viewport else (0, 0)

    def parts() -> Iterator[multipart.Part]:
        drawn = 0
        for version in versions:
            try:
                picture = _patiently(version, box=box, window=window, media_type=media_type, quality=quality)
            except answers.NotRenderable:
                continue
            drawn += 1
            yield multipart.Part(picture.media_type, [picture.data], len(picture.data), _address(version))
        if not drawn:
            raise answers.NotRenderable(_("There is no image here that could be drawn."))

    boundary = multipart.new_boundary()
    content_type = multipart.content_type(media_type, boundary)
    if request.method == "HEAD":
        return HttpResponse(content_type=content_type)
    response = long_answers.answer(multipart.write(parts(), boundary), content_type=content_type)
    response["Cache-Control"] = "private, no-store"
    return response


def _patiently(
    version: InstanceVersion,
    *,
    box: tuple[int, int],
    window: rendering_parameters.Window | None,
    media_type: str,
    quality: int,
) -> Picture:
    """Draw one, waiting for the pool for a while. Raises ``NotRenderable``, and ``TryAgain`` in the end."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return rendered.draw(version, number=None, box=box, window=window, media_type=media_type, quality=quality)
        except answers.TryAgain as busy:
            if time.monotonic() + busy.seconds > deadline:
                raise
            time.sleep(busy.seconds)


def _offer(entry: MediaRange) -> str | None:
    if not entry.is_multipart:
        return None
    return next((media_type for media_type in rendered.MEDIA_TYPES if entry.takes(media_type)), None)


def _address(version: InstanceVersion) -> str:
    instance = version.instance
    series = instance.series
    uids = (series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid)
    return reverse("dicomweb:rendered", args=uids)
