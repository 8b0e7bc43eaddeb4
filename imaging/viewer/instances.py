"""The instance browser: the pictures of one series, page by page or as a stack, in the window that the reader chooses.

Nothing is drawn for it but what a chosen window asks for: small pictures are ready-made. A series of thousands of slices
costs no more than its page: what stands before and after is not read.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.scope import Scope
from imaging.dicom import uids
from imaging.rendering import selectors as rendering
from imaging.rendering.models import Rendition
from imaging.storage.errors import StorageError
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion, Series
from imaging.studies.reading import metadata
from imaging.templatetags.people import clock, day
from imaging.viewer import acquisition, download_menu, picture_addresses, window_presets, wording
from imaging.viewer.download_menu import Offer
from imaging.viewer.errors import of_a_study
from imaging.viewer.study_facts import Fact

PER_PAGE: Final = 48
_SMALL, _LARGE = 256, 1024
_VIEWS: Final = ("grid", "stack")


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture of the grid. `is_drawn`: it is drawn when asked for, which a busy portal may put off."""

    picture: str
    is_drawn: bool
    number: str
    detail: str
    alt: str
    stack: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: a window, or the way of looking."""

    label: str
    address: str
    fragment: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Browser:
    """Everything that the panel of one opened series shows."""

    label: str
    series_instance_uid: str
    count: int
    view: str
    views: list[Choice]
    windows: list[Choice]
    tiles: list[Tile]
    first: int
    last: int
    pages: list[Choice]
    previous: Choice | None
    next: Choice | None
    image: int
    slider: str
    slider_fields: list[tuple[str, str]]
    large: Tile | None
    large_facts: list[Fact]
    kept_as: Sequence[Offer]
    facts: list[Fact]
    headers: str
    viewer: str
    close: str
    here: str

    @property
    def etag(self) -> str:
        """A tag of all that is shown, in quotes: another one when images came, went or were drawn."""
        return f'"{hashlib.sha256(repr((get_language(), self)).encode()).hexdigest()[:32]}"'

    @property
    def refresh_headers(self) -> str:
        """Headers by which an open panel asks whether it is still what there is."""
        return json.dumps({"If-None-Match": self.etag})


@require_safe
@of_a_study
def panel(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give the panel of one series alone; the study's page includes the same for `?series=`. 304 while it is the same.

    An open panel asks again when its page hears that the study has changed (`imaging.viewer.study.live`).
    """
    scope = request.scope  # type: ignore[attr-defined]
    series = access.open_series(
        scope,
        study_instance_uid,
        series_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.OPEN,
    )
    browser = browse(series, request.GET, scope=scope)
    response: HttpResponseBase | None = get_conditional_response(request, etag=browser.etag)
    if response is None:
        response = render(request, "imaging/viewer/_instances.html", {"study": series.study, "browser": browser})
    response["ETag"] = browser.etag
    return response


def browse(series: Series, query: QueryDict, *, scope: Scope) -> Browser:
    """Return the panel of a series that the reader has open, as the address asks; what it asks amiss is left aside."""
    return _Browsing(series, query, scope).browser()


def middle_record(series: Series, *, scope: Scope) -> Mapping[str, Any]:
    """Return the header of a series' middle image; empty when it cannot be read."""
    versions = studies.versions_of(series, scope=scope).defer("frame_index")
    version = next(iter(versions[max(series.instance_count - 1, 0) // 2 :][:1]), None)
    return _record(version) if version is not None else {}


def _record(version: InstanceVersion) -> Mapping[str, Any]:
    try:
        return metadata.instance_record(version)
    except StorageError:
        return {}


class _Browsing:
    """One look at one series: what the address asks for, checked against what there is."""

    def __init__(self, series: Series, query: QueryDict, scope: Scope) -> None:
        self.series = series
        self.scope = scope
        self.versions = studies.versions_of(series, scope=scope).defer("frame_index")
        instances = self.versions.count()
        self.only = self.versions.first() if instances == 1 else None
        frames = self.only.instance.number_of_frames if self.only and _has_frames(self.only) else 1
        #: A single object of several frames is shown frame by frame.
        self.by_frame = frames > 1
        self.count = frames if self.by_frame else instances
        self.view = query.get("view", "") if query.get("view", "") in _VIEWS else "grid"
        self.image = min(max(_whole(query.get("image", "")), 1), max(self.count, 1))
        pages = max(math.ceil(self.count / PER_PAGE), 1)
        asked = _whole(query.get("page", "")) or math.ceil(self.image / PER_PAGE)
        self.page, self.pages = min(max(asked, 1), pages), pages
        self.middle = self.only or next(iter(self.versions[max(self.count - 1, 0) // 2 :][:1]), None)
        self.record = _record(self.middle) if self.middle else {}
        drawable = self.middle is not None and _has_pixels(self.middle)
        self.presets = window_presets.presets_of(series, self.record) if drawable else ()
        #: None for the window that the images bring along: then nothing is drawn.
        self.preset = next(
            (entry for entry in self.presets if entry.key and entry.key == query.get("window", "")), None
        )

    def browser(self) -> Browser:
        """Everything, for the template."""
        shown = self._shown() if self.view == "grid" else []
        large = self._large() if self.view == "stack" else None
        return Browser(
            label=wording.series_label(self.series),
            series_instance_uid=self.series.series_instance_uid,
            count=self.count,
            view=self.view,
            views=[
                self._choice(_("Grid"), is_chosen=self.view == "grid", view="grid"),
                self._choice(_("Stack"), is_chosen=self.view == "stack", view="stack"),
            ],
            windows=[
                self._choice(entry.label, is_chosen=entry == (self.preset or self.presets[0]), window=entry.key)
                for entry in self.presets
            ],
            tiles=shown,
            first=(self.page - 1) * PER_PAGE + 1,
            last=min(self.page * PER_PAGE, self.count),
            pages=self._pages(),
            previous=self._step(-1),
            next=self._step(1),
            image=self.image,
            slider=self._fragment({}),
            slider_fields=[(name, value) for name, value in self._state().items() if name not in {"image", "page"}],
            large=large,
            large_facts=self._facts_of_image() if large else [],
            kept_as=self._kept_as() if large else (),
            facts=acquisition.facts(self.record, self.series.modality),
            headers=self._headers(),
            viewer=self._viewer(),
            close=reverse("viewer:study", args=[self._study]),
            here=self._fragment(self._state(page=str(self.page) if self.view == "grid" and self.page > 1 else "")),
        )

    @property
    def _study(self) -> str:
        return self.series.study.study_instance_uid

    def _state(self, **chosen: str) -> dict[str, str]:
        """The parameters of an address, those that say nothing left out."""
        kept = {
            "view": self.view if self.view != "grid" else "",
            "window": self.preset.key if self.preset else "",
            "image": str(self.image) if self.image > 1 else "",
            **chosen,
        }
        return {name: value for name, value in kept.items() if value and (name, value) != ("view", "grid")}

    def _choice(self, label: str, *, is_chosen: bool = False, **chosen: str) -> Choice:
        state = self._state(**chosen)
        whole = QueryDict(mutable=True)
        whole.update({"series": self.series.series_instance_uid, **state})
        page = f"{reverse('viewer:study', args=[self._study])}?{whole.urlencode()}"
        return Choice(label, page, self._fragment(state), is_chosen)

    def _fragment(self, state: Mapping[str, str]) -> str:
        query = QueryDict(mutable=True)
        query.update(state)
        address = reverse("viewer:study-instances", args=[self._study, self.series.series_instance_uid])
        return f"{address}?{query.urlencode()}" if query else address

    def _pages(self) -> list[Choice]:
        """Each page by its images; none when there is one."""
        if self.pages < 2 or self.view != "grid":
            return []
        return [
            self._choice(
                f"{number * PER_PAGE + 1}–{min((number + 1) * PER_PAGE, self.count)}",
                is_chosen=number + 1 == self.page,
                page=str(number + 1),
                image="",
            )
            for number in range(self.pages)
        ]

    def _step(self, by: int) -> Choice | None:
        """One page on or back, in a stack one image."""
        label = _("Next") if by > 0 else _("Previous")
        if self.view == "stack":
            place = self.image + by
            return self._choice(label, image=str(place)) if 1 <= place <= self.count else None
        number = self.page + by
        return self._choice(label, page=str(number), image="") if 1 <= number <= self.pages else None

    def _shown(self) -> list[Tile]:
        start = (self.page - 1) * PER_PAGE
        places = range(start, min(start + PER_PAGE, self.count))
        if self.by_frame and self.only is not None:
            only = self.only
            return [self._tile(only, place + 1, None, {}) for place in places]
        versions = list(self.versions[start : start + PER_PAGE])
        made = rendering.renditions(versions, Rendition.Kind.THUMBNAIL)
        contents = rendering.contents_of(made.values())
        return [
            self._tile(version, start + offset + 1, contents.get(version.pk), _record(version))
            for offset, version in enumerate(versions)
        ]

    def _large(self) -> Tile | None:
        version = self._chosen()
        if version is None:
            return None
        ready = None if self.preset or self.by_frame else rendering.picture(version, Rendition.Kind.PREVIEW)
        picture = picture_addresses.of_instance(version, "preview", ready)
        drawn = picture or (self._drawn(version, _LARGE, self.image) if _has_pixels(version) else "")
        if not drawn:
            small = rendering.picture(version, Rendition.Kind.THUMBNAIL)
            drawn = picture_addresses.of_instance(version, "thumbnail", small)
        return self._tile_of(drawn, not picture, version, self.image, _record(version))

    def _chosen(self) -> InstanceVersion | None:
        return self.only or next(iter(self.versions[self.image - 1 : self.image]), None)

    def _tile(self, version: InstanceVersion, place: int, ready: Any, record: Mapping[str, Any]) -> Tile:
        """A ready-made picture; a drawn one in a chosen window, and of the frames of a single object."""
        if (self.preset or self.by_frame) and _has_pixels(version):
            return self._tile_of(self._drawn(version, _SMALL, place), True, version, place, record)
        return self._tile_of(picture_addresses.of_instance(version, "thumbnail", ready), False, version, place, record)

    def _tile_of(
        self, picture: str, is_drawn: bool, version: InstanceVersion, place: int, record: Mapping[str, Any]
    ) -> Tile:
        instance = version.instance
        number = place if self.by_frame or instance.instance_number is None else instance.instance_number
        alt = (_("Frame %(number)s") if self.by_frame else _("Image %(number)s")) % {"number": number}
        frames = "" if self.by_frame or instance.number_of_frames < 2 else wording.frames(instance.number_of_frames)
        return Tile(
            picture=picture,
            is_drawn=is_drawn and bool(picture),
            number=str(number),
            detail=frames or acquisition.place_of(record),
            alt=alt,
            stack=self._choice("", view="stack", image=str(place)).address,
            is_chosen=place == self.image and self.image > 1,
        )

    def _drawn(self, version: InstanceVersion, edge: int, place: int) -> str:
        """The address at which the picture is drawn in the chosen window (PS3.18 section 8.3.5.1)."""
        names = [self._study, self.series.series_instance_uid, version.instance.sop_instance_uid]
        query = QueryDict(mutable=True)
        query.update({"viewport": f"{edge},{edge}", "accept": "image/webp"})
        if self.preset and self.preset.window:
            query["window"] = self.preset.window
        if self.by_frame:
            return f"{reverse('dicomweb:frames-rendered', args=[*names, str(place)])}?{query.urlencode(safe=',/')}"
        return f"{reverse('dicomweb:rendered', args=names)}?{query.urlencode(safe=',/')}"

    def _facts_of_image(self) -> list[Fact]:
        version = self._chosen()
        if version is None:
            return []
        instance = version.instance
        number = "" if instance.instance_number is None else str(instance.instance_number)
        known = [
            (_("Number"), number),
            (_("Place"), acquisition.place_of(_record(version))),
            (_("Kind"), uids.sop_class_name(instance.sop_class_uid)),
            (_("Encoding"), uids.transfer_syntax_name(version.stored_object.transfer_syntax_uid)),
            (_("Size"), filesizeformat(version.stored_object.length)),
            (_("Received"), f"{day(version.received_at)}, {clock(version.received_at)}"),
        ]
        return [Fact(label, value) for label, value in known if value]

    def _kept_as(self) -> Sequence[Offer]:
        """The image that is shown, as a picture to be kept."""
        version = self._chosen()
        if version is None or not _has_pixels(version):
            return ()
        return download_menu.of_image(
            self.series,
            version.instance.sop_instance_uid,
            scope=self.scope,
            frame=self.image if self.by_frame else None,
            window=self.preset.window if self.preset else "",
        )

    def _headers(self) -> str:
        address = reverse("viewer:headers", args=[self._study, self.series.series_instance_uid])
        version = self._chosen() if self.view == "stack" else None
        return f"{address}?instance={version.instance.sop_instance_uid}" if version else address

    def _viewer(self) -> str:
        query = QueryDict(mutable=True)
        query["series"] = self.series.series_instance_uid
        version = self._chosen() if self.view == "stack" else None
        if version is not None:
            query["instance"] = version.instance.sop_instance_uid
            if self.by_frame:
                query["frame"] = str(self.image)
        return f"{reverse('viewer:viewer', args=[self._study])}?{query.urlencode()}"


def _has_pixels(version: InstanceVersion) -> bool:
    is_stream = uids.is_video(version.stored_object.transfer_syntax_uid)
    return uids.is_image(version.instance.sop_class_uid) and not is_stream and version.instance.rows > 0


def _has_frames(version: InstanceVersion) -> bool:
    """Whether its frames are pictures of their own; those of a segmentation are masks over another series."""
    return _has_pixels(version) and uids.kind_of(version.instance.sop_class_uid) != "segmentation"


def _whole(text: str) -> int:
    """A number of an address; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
