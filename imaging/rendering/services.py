"""Drawing pictures: ready-made ones in the background, others when somebody looks. All pixels go through the decoder pool."""

import itertools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts import audit
from accounts.actor import Actor
from imaging.dicom.errors import DicomError
from imaging.events import jobs
from imaging.events import services as events
from imaging.events.jobs import Outcome
from imaging.events.models import Event
from imaging.rendering import cines, conversion, documents, representatives, selectors, sources
from imaging.rendering.decoder import Busy, Client, Page, Picture, Unavailable
from imaging.rendering.models import Rendition
from imaging.rendering.protocol import Lane
from imaging.rendering.sources import Problem, Window
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies.models import Correction, InstanceVersion, Study
from imaging.studies.reading import frames

__all__ = [
    "Busy",
    "Page",
    "Picture",
    "Unavailable",
    "Window",
    "convert_study",
    "make_cines",
    "make_first_previews",
    "make_first_thumbnail",
    "make_previews",
    "make_thumbnails",
    "page",
    "picture",
    "render",
    "retry",
]

logger = logging.getLogger(__name__)

#: Longest edge in pixels.
SIZES: Final = {
    Rendition.Kind.THUMBNAIL.value: 256,
    Rendition.Kind.PREVIEW.value: 1024,
    Rendition.Kind.CINE.value: cines.SIZE,
}
#: Longest edge of a page of a document that is read.
PAGE_EDGE: Final = 1600
MEDIA_TYPE: Final = "image/webp"
Prepare = Callable[[InstanceVersion], sources.Source | None]
#: Seconds after which a step stops and asks to be run again, so that other studies get their turn.
_TURN: Final = 20.0
_IN_FLIGHT: Final = 8
_BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a version: a picture, or the problem with it."""

    version: InstanceVersion
    picture: Picture | None = None
    problem: Problem | None = None
    is_card: bool = False
    shown_with: str = ""


def render(
    version: InstanceVersion,
    *,
    number: int | None = None,
    box: tuple[int, int] = (0, 0),
    window: Window | None = None,
    media_type: str = "image/jpeg",
    quality: int = 0,
    words: str = "",
) -> Picture:
    """Draw a version for somebody who waits (WADO-RS ``/rendered``): frame ``number``, by default the middle one.

    ``box`` is (width, height) that the picture has to fit in, 0 = no bound; ``words`` stand below it. ``version`` is from
    ``access.open_instance``.
    Raises ``DicomError`` when it cannot be drawn, ``frames.NoSuchFrame``, the errors of ``storage``, and ``Unavailable``
    (503 with ``Retry-After``), of which ``Busy`` is one.
    """
    source = _source(version, number=number, window=window)
    client = Client(settings.DECODER_SOCKET, Lane.PERSON)
    if not words:
        return source.draw(client, box, media_type, quality)
    return client.caption(source.draw(client, box, "image/png", 0).data, words, media_type=media_type, quality=quality)


def picture(version: InstanceVersion, kind: str) -> Picture | StoredObject:
    """The ready-made picture of a version, or one that is drawn now and kept; errors as ``render``."""
    ready = selectors.picture(version, kind)
    if ready is not None:
        return ready
    size = SIZES[kind]
    source = _source(version, with_others=True)
    drawn = source.draw(Client(settings.DECODER_SOCKET, Lane.PERSON), (size, size), MEDIA_TYPE, 0)
    _keep([Drawn(version, drawn, is_card=source.is_card, shown_with=source.shown_with)], kind)
    return drawn


def page(version: InstanceVersion, number: int) -> Page | None:
    """Draw a page of an encapsulated PDF for somebody who reads it; None when the instance holds none. Raises as ``render``."""
    document = documents.content(version)
    if document is None:
        return None
    client = Client(settings.DECODER_SOCKET, Lane.PERSON)
    return client.page(document, number=number, size=PAGE_EDGE, media_type=MEDIA_TYPE)


def _source(
    version: InstanceVersion, *, number: int | None = None, window: Window | None = None, with_others: bool = False
) -> sources.Source:
    try:
        return sources.of(version, number=number, window=window, with_others=with_others)
    except frames.FramesNotReady:
        conversion.convert_now(version)
        return sources.of(version, number=number, window=window, with_others=with_others)


def make_first_thumbnail(series_instance_uid: str) -> None:
    """Show something of a series as soon as its first image is there."""
    missing = _missing(Rendition.Kind.THUMBNAIL).filter(instance__series__series_instance_uid=series_instance_uid)
    _make(missing[:1], Rendition.Kind.THUMBNAIL)
    representatives.choose(series_instance_uids=[series_instance_uid])


def make_thumbnails(study_instance_uid: str) -> Outcome:
    """Make the missing thumbnails of a study and choose those that stand for its series."""
    _forget_old_pictures(study_instance_uid)
    missing = _missing(Rendition.Kind.THUMBNAIL).filter(instance__study__study_instance_uid=study_instance_uid)
    more = _make(missing, Rendition.Kind.THUMBNAIL)
    representatives.choose(study_instance_uid=study_instance_uid)
    return more


def make_first_previews(study_instance_uid: str) -> Outcome:
    """Make the previews of single views at once: a radiograph is looked at before its study is complete."""
    wanted = representatives.single_views(study_instance_uid)
    return _make(_missing(Rendition.Kind.PREVIEW).filter(pk__in=wanted), Rendition.Kind.PREVIEW)


def make_previews(study_instance_uid: str) -> Outcome:
    """Make previews of what a reader sees first: small series whole, the middle image of others."""
    wanted = representatives.first_seen(study_instance_uid)
    return _make(_missing(Rendition.Kind.PREVIEW).filter(pk__in=wanted), Rendition.Kind.PREVIEW)


def make_cines(study_instance_uid: str) -> Outcome:
    """Make the moving pictures of films: one for each series, of its first film. What is no film gets none."""
    films = _missing(Rendition.Kind.CINE).filter(
        instance__study__study_instance_uid=study_instance_uid, instance__number_of_frames__gt=1
    )
    chosen = {version.instance.series_id: version for version in reversed(films)}
    made = Rendition.objects.filter(
        kind=Rendition.Kind.CINE, state=Rendition.State.READY, version__instance__series__in=list(chosen)
    )
    done = set(made.values_list("version__instance__series_id", flat=True))
    return _make([version for series, version in chosen.items() if series not in done], Rendition.Kind.CINE)


def convert_study(study_instance_uid: str) -> None:
    """Convert what no browser reads, in objects that are too large for the thumbnails' turn."""
    waiting = (
        _missing(Rendition.Kind.THUMBNAIL)
        .filter(
            instance__study__study_instance_uid=study_instance_uid,
            frames_object=None,
            stored_object__length__gt=conversion.SMALL,
        )
        .exclude(needs_rendition="")
    )
    for version in waiting:
        problem = _converted(version)
        if problem:
            _keep([Drawn(version, problem=problem)], Rendition.Kind.THUMBNAIL)
        events.append(kind=Event.Kind.STUDY_CHANGED, subject_uid=study_instance_uid)


def retry(study: Study, *, actor: Actor) -> None:
    """Try again what failed for a study, as a person asked."""
    uid = study.study_instance_uid
    with transaction.atomic():
        Rendition.objects.filter(version__instance__study=study, state=Rendition.State.FAILED).delete()
        jobs.retry(study_instance_uid=uid)
        audit.record(
            audit.Action.STEP_RETRIED,
            actor=actor,
            subject_type="study",
            subject_uid=uid,
            patient_id=study.patient.patient_id,
            issuer_of_patient_id=study.patient.issuer_of_patient_id,
        )
        events.append(kind=Event.Kind.STUDY_CHANGED, subject_uid=uid)
        events.append(kind=Event.Kind.STUDY_SETTLED, subject_uid=uid)


def _forget_old_pictures(study_instance_uid: str) -> None:
    """Cards say what headers say: those made before a correction, or before its end, are made anew.

    So is what shows an image that was withdrawn since.
    """
    selectors.of_withdrawn(study_instance_uid).delete()
    since = Q(made_at__gt=OuterRef("made_at")) | Q(reverted_at__gt=OuterRef("made_at"))
    changed = Correction.objects.filter(since, version=OuterRef("version"))
    cards = Rendition.objects.filter(
        state=Rendition.State.TILE, version__instance__study__study_instance_uid=study_instance_uid
    )
    cards.filter(Exists(changed)).delete()


def _missing(kind: str) -> QuerySet[InstanceVersion]:
    """Current versions without a picture of a kind (a failed one counts: a person decides whether it is tried again)."""
    current = InstanceVersion.objects.filter(state=InstanceVersion.State.CURRENT, instance__is_rejected=False)
    made = Rendition.objects.filter(kind=kind).values("version")
    return sources.with_bytes(current.exclude(pk__in=made)).order_by(
        "instance__series_id", F("instance__instance_number").asc(nulls_last=True), "pk"
    )


def _make(versions: Iterable[InstanceVersion], kind: str) -> Outcome:
    """Draw and keep pictures batch by batch, for one turn. A slow batch is cut short, so that its pictures are kept in time."""
    until = time.monotonic() + _TURN
    todo = deque(versions)
    prepare = cines.source_of if kind == Rendition.Kind.CINE else _ready_made
    drawing = _draw(_during(todo, until), SIZES[kind], prepare)
    while batch := list(itertools.islice(drawing, _BATCH)):
        _keep(batch, kind)
    return Outcome.AGAIN if todo else Outcome.DONE


def _during(todo: deque[InstanceVersion], until: float) -> Iterator[InstanceVersion]:
    """Take one version after the other, as long as the turn lasts."""
    while todo and time.monotonic() < until:
        yield todo.popleft()


def _ready_made(version: InstanceVersion) -> sources.Source:
    return sources.of(version, with_others=True)


def _draw(versions: Iterable[InstanceVersion], size: int, prepare: Prepare) -> Iterator[Drawn]:
    """Draw versions with several of them in the pool at once. Rows are read in this thread only."""
    client = Client(settings.DECODER_SOCKET, Lane.BACKGROUND)
    flying: deque[tuple[InstanceVersion, sources.Source, Future[Picture]]] = deque()
    with ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="draw") as threads:
        for version in versions:
            prepared = _prepare(version, prepare)
            if isinstance(prepared, Problem):
                yield Drawn(version, problem=prepared)
            elif prepared:
                future = threads.submit(prepared.draw, client, (size, size), MEDIA_TYPE, 0)
                flying.append((version, prepared, future))
            if len(flying) >= _IN_FLIGHT:
                yield _landed(*flying.popleft())
        while flying:
            yield _landed(*flying.popleft())


def _prepare(version: InstanceVersion, prepare: Prepare) -> sources.Source | Problem | None:
    """The source, why there is none, or None when it has to wait for its conversion, or is not to be drawn."""
    try:
        return prepare(version)
    except frames.NoSuchFrame:
        return None
    except frames.FramesNotReady:
        if version.stored_object.length > conversion.SMALL:
            return None
        return _converted(version) or _prepare(version, prepare)
    except DicomError as error:
        return Problem(error.code, error.detail)
    except storage.StorageAway:
        raise  # it passes: the step is tried again, and nobody is told that there is no picture
    except storage.StorageError as error:
        return Problem(error.code, "")


def _converted(version: InstanceVersion) -> Problem | None:
    try:
        conversion.convert(version)
    except DicomError as error:
        return Problem(error.code, error.detail)
    except storage.StorageAway:
        raise  # it passes: the step is tried again, and nobody is told that there is no picture
    except storage.StorageError as error:
        return Problem(error.code, "")
    return None


def _landed(version: InstanceVersion, source: sources.Source, future: Future[Picture]) -> Drawn:
    try:
        return Drawn(version, future.result(), is_card=source.is_card, shown_with=source.shown_with)
    except DicomError as error:
        return Drawn(version, problem=Problem(error.code, error.detail))


def _keep(drawn: Sequence[Drawn], kind: str) -> None:
    """Store pictures and write their rows, with a handful of statements for all of them."""
    if not drawn:
        return
    with transaction.atomic():
        made = [entry for entry in drawn if entry.picture is not None]
        contents = storage.put_many([entry.picture.data for entry in made if entry.picture], kind="picture")
        stored = {entry.version.pk: content for entry, content in zip(made, contents, strict=True)}
        Rendition.objects.bulk_create(
            [_row(entry, kind, stored.get(entry.version.pk)) for entry in drawn],
            update_conflicts=True,
            unique_fields=["version", "kind"],
            update_fields=[
                "state",
                "stored_object",
                "width",
                "height",
                "shown_with",
                "problem_code",
                "problem_detail",
                "made_at",
            ],
        )


def _row(entry: Drawn, kind: str, content: StoredObject | None) -> Rendition:
    row = Rendition(version=entry.version, kind=kind, stored_object=content, state=Rendition.State.FAILED)
    if entry.picture is not None:
        row.state = Rendition.State.TILE if entry.is_card else Rendition.State.READY
        row.width, row.height, row.shown_with = entry.picture.width, entry.picture.height, entry.shown_with
    elif entry.problem is not None:
        row.problem_code, row.problem_detail = entry.problem.code[:40], entry.problem.detail[:500]
        logger.warning("no %s of version %s: %s", kind, entry.version.pk, entry.problem.code)
    return row
