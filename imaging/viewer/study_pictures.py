"""The pictures of a study page: a few previews at once, and one card for each series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Scope
from imaging.dicom import uids
from imaging.rendering import selectors as rendering
from imaging.rendering.models import Rendition
from imaging.storage.models import StoredObject
from imaging.studies import markings
from imaging.studies import selectors as studies
from imaging.studies.models import Instance, InstanceVersion, Series, Study
from imaging.viewer import picture_addresses, wording

MOST_POSTERS = 4
_ICONS = {
    "image": "photo",
    "document": "file-text",
    "structured_report": "report-medical",
    "key_objects": "star",
    "waveform": "file-description",
}


@dataclass(frozen=True, slots=True)
class Poster:
    """A large picture, or its place while it is being made."""

    address: str
    picture: str
    width: int
    height: int
    label: str
    icon: str
    pending: str


@dataclass(frozen=True, slots=True)
class Card:
    """One series."""

    address: str
    picture: str
    cine: str
    icon: str
    label: str
    detail: str
    count: int
    headers: str
    browse: str
    browse_fragment: str
    #: How many of its images somebody has flagged as key images, in words; empty for none.
    key_images: str
    #: Its picture is the only one that stands above, large: it is not shown a second time.
    is_above: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that is drawn of a study."""

    posters: list[Poster]
    cards: list[Card]
    size: str
    is_waiting: bool


def of(study: Study, series: Sequence[Series], *, scope: Scope) -> Shown:
    """Return what there is to see of a study now; ``series`` are those that the reader may view, in their order."""
    posters = posters_of(study, series, scope=scope)
    films = rendering.study_cines(study)
    texts = studies.documents_of(study, scope=scope)
    flagged = markings.key_images_by_series(study, scope=scope)
    cards = [
        _card(
            row,
            films.get(row.pk),
            texts.get(row.pk, []),
            flagged=flagged.get(row.pk, 0),
            is_above=len(series) == 1 and row.pk not in films,
        )
        for row in series
    ]
    length = studies.versions_of(study, scope=scope).order_by().aggregate(total=Sum("stored_object__length"))["total"]
    waiting = any(not poster.picture and poster.pending == _waiting() for poster in posters)
    return Shown(
        posters=posters,
        cards=cards,
        size=filesizeformat(length) if length else "",
        is_waiting=waiting,
    )


def posters_of(study: Study, series: Sequence[Series], *, scope: Scope) -> list[Poster]:
    """Return the few pictures that are shown large at once."""
    made = rendering.study_pictures(study, Rendition.Kind.PREVIEW)
    return [_poster(version, made) for version in _first_seen(series, scope)]


def _first_seen(series: Sequence[Series], scope: Scope) -> list[InstanceVersion]:
    """Return the instances whose previews are shown: all of a small study, else the middle one of the first series."""
    few = sum(row.instance_count for row in series) <= MOST_POSTERS
    chosen: list[InstanceVersion] = []
    for row in series:
        if len(chosen) >= MOST_POSTERS:
            break
        versions = studies.versions_of(row, scope=scope).defer("frame_index")
        middle = max(row.instance_count, 1) // 2
        chosen += versions[: MOST_POSTERS - len(chosen)] if few else versions[middle : middle + 1]
    return chosen


def _poster(version: InstanceVersion, made: Mapping[str, Rendition]) -> Poster:
    series = version.instance.series
    rendition = made.get(version.instance.sop_instance_uid)
    picture = rendition.stored_object if rendition else None
    failed = rendition is not None and picture is None
    is_text = version.instance.sop_class_uid.startswith(uids.HAVE_A_PAGE)
    return Poster(
        address=_document(series, version.instance) if is_text else _viewer(series),
        picture=picture_addresses.of_instance(version, "preview", picture),
        width=rendition.width if rendition else 0,
        height=rendition.height if rendition else 0,
        label=wording.series_label(series),
        icon="alert-triangle" if failed else _ICONS.get(uids.kind_of(version.instance.sop_class_uid), "photo"),
        pending=_("No preview: see above") if failed else _waiting(),
    )


def _waiting() -> str:
    return _("The preview is being made")


def _card(series: Series, film: StoredObject | None, texts: list[Instance], *, flagged: int, is_above: bool) -> Card:
    names = [series.study.study_instance_uid, series.series_instance_uid]
    images = ngettext("%(count)d image", "%(count)d images", series.instance_count) % {"count": series.instance_count}
    return Card(
        address=_document(series, texts[0]) if texts else _viewer(series),
        picture=picture_addresses.of_series(series),
        cine=picture_addresses.of_cine(series, film),
        icon="photo",
        label=wording.series_label(series),
        detail=" · ".join(part for part in (series.modality, images, series.body_part_examined) if part),
        count=series.frame_count or series.instance_count,
        headers=reverse("viewer:headers", args=names),
        browse=f"{reverse('viewer:study', args=names[:1])}?series={series.series_instance_uid}#images",
        browse_fragment=reverse("viewer:study-instances", args=names),
        key_images=ngettext("%(count)d key image", "%(count)d key images", flagged) % {"count": flagged}
        if flagged
        else "",
        is_above=is_above,
    )


def _document(series: Series, instance: Instance) -> str:
    names = [series.study.study_instance_uid, series.series_instance_uid, instance.sop_instance_uid]
    return reverse("viewer:document", args=names)


def _viewer(series: Series) -> str:
    address = reverse("viewer:viewer", args=[series.study.study_instance_uid])
    return f"{address}?series={series.series_instance_uid}"
