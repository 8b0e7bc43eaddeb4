"""Making one copy: object by object, in the background, begun again after a crash where it was left.

Of each object the header is cleaned and the pixels are searched for words. What nobody need look at is taken into the archive as
an object of the copy; what cannot be cleaned surely is refused, and what a person must see waits for that person. Nothing is
passed that was not understood.
"""

import dataclasses
import io
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from django.conf import settings
from django.utils import timezone

from accounts import audit
from accounts.actor import SYSTEM
from imaging.dicom import part10
from imaging.dicom.corrections import Change
from imaging.dicom.deidentification.deidentified_file import DeidentifiedFile, deidentify_file
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.pseudonyms import Pseudonym
from imaging.dicom.deidentification.refusals import Refusal, Refused
from imaging.dicom.errors import DicomError
from imaging.ingest import intake
from imaging.ingest import services as ingest
from imaging.ingest.intake import Outcome
from imaging.ingest.services import Held
from imaging.ingest.source import Source
from imaging.rendering.burned_in import services as burned_in
from imaging.sharing.copies import pixels, pseudonyms, selectors
from imaging.sharing.copies.reasons import IDENTIFIER_SEEN, NOT_SEARCHED, WORDS_SEEN
from imaging.sharing.models import CopiedStudy, HeldObject
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion, Study
from imaging.studies.reading import corrections

#: Objects that are registered together, and after which progress is written down.
_BATCH: Final = 25
_DOOR: Final = "copy"
_KEPT: Final = frozenset({Outcome.NEW, Outcome.DUPLICATE, Outcome.CONFLICT})

_State = CopiedStudy.State
_Ruling = HeldObject.State


class NotKept(Exception):
    """The archive did not take an object of a copy in: the work is tried again."""


class _Stopped(Exception):
    """Nobody wants the copy any more."""


@dataclass(frozen=True, slots=True)
class _Maker:
    """What all objects of one copy are made with."""

    copied: CopiedStudy
    profile: Profile
    secret: bytes
    pseudonym: Pseudonym
    uid: Callable[[str], str]

    @property
    def source(self) -> Source:
        """Who hands the copies over: the archive itself."""
        return Source(
            door=_DOOR,
            sender=pseudonyms.issuer_of(self.copied.deidentification),
            actor_kind="system",
            actor_id=SYSTEM.id,
            is_copy=True,
        )

    def clean(self, file: BinaryIO, changes: Sequence[Change], *, is_seen: bool) -> DeidentifiedFile:
        """How a file goes out without identity; ``is_seen`` says that its pixels were searched or looked at."""
        file.seek(0)
        profile = dataclasses.replace(self.profile, clean_pixel_data=is_seen)
        return deidentify_file(file, profile=profile, key=self.secret, pseudonym=self.pseudonym, changes=changes)


def make(key: str) -> CopiedStudy | None:
    """Make the copy of this key as far as it goes without a person; what it has become. None when there is nothing to do."""
    rows = CopiedStudy.objects.select_related("deidentification", "source__patient", "copy")
    copied = rows.filter(key=key, state__in=[_State.WAITING, _State.RUNNING]).first()
    if copied is None:
        return None
    wanted = selectors.wanted_instances(copied)
    total = wanted.count()
    CopiedStudy.objects.filter(pk=copied.pk).update(state=_State.RUNNING, total=total, problem="")
    keyed = pseudonyms.keyed(copied)
    maker = _Maker(
        copied,
        pseudonyms.profile_of(copied.deidentification),
        bytes(copied.deidentification.secret),
        pseudonyms.named(copied),
        keyed.uid,
    )
    try:
        _make_all(maker, list(wanted.order_by("series__series_number", "instance_number", "pk")))
    except _Stopped:
        return None
    return _ended(copied)


def _make_all(maker: _Maker, wanted: list[Instance]) -> None:
    """Copy what is not copied yet and waits for nobody."""
    copied = maker.copied
    rulings = {row.source_id: row for row in copied.held.select_related("source")}
    there = _there(maker, wanted)
    todo = [
        instance
        for instance in wanted
        if maker.uid(instance.sop_instance_uid) not in there
        and (instance.pk not in rulings or rulings[instance.pk].state == _Ruling.RELEASED)
    ]
    done = len(wanted) - len(todo)
    for start in range(0, len(todo), _BATCH):
        _still_wanted(copied)
        batch = todo[start : start + _BATCH]
        _copy_together(maker, batch, rulings)
        done += len(batch)
        CopiedStudy.objects.filter(pk=copied.pk).update(done=done)


def _there(maker: _Maker, wanted: Iterable[Instance]) -> frozenset[str]:
    uids = [maker.uid(instance.sop_instance_uid) for instance in wanted]
    return frozenset(
        Instance.objects.filter(sop_instance_uid__in=uids, study__is_copy=True).values_list(
            "sop_instance_uid", flat=True
        )
    )


def _still_wanted(copied: CopiedStudy) -> None:
    if not CopiedStudy.objects.filter(pk=copied.pk, state=_State.RUNNING).exists():
        raise _Stopped


def _copy_together(maker: _Maker, batch: Sequence[Instance], rulings: dict[int, HeldObject]) -> None:
    versions = {
        version.instance_id: version
        for version in InstanceVersion.objects.current().filter(instance__in=batch).select_related("stored_object")
    }
    changes = corrections.changes_of(version.pk for version in versions.values() if version.is_corrected)
    held: list[Held] = []
    try:
        for instance in batch:
            version = versions[instance.pk]
            ruling = rulings.get(instance.pk)
            found = _copied(maker, instance, version, changes.get(version.pk, ()), ruling)
            if found is not None:
                held.append(found)
    finally:
        results = intake.register(held)
    if any(result.outcome not in _KEPT for result in results):
        raise NotKept
    _remember(maker, results)
    allowed = [rulings[instance.pk].pk for instance in batch if instance.pk in rulings]
    HeldObject.objects.filter(pk__in=allowed, state=_Ruling.RELEASED).update(state=_Ruling.COPIED)


def _remember(maker: _Maker, results: Sequence[intake.Result]) -> None:
    """Which study the copy is, as soon as there is one."""
    if maker.copied.copy_id is None and results:
        uid = results[0].header.study.study_instance_uid
        maker.copied.copy = Study.objects.get(study_instance_uid=uid)
        maker.copied.save(update_fields=["copy"])


def _copied(
    maker: _Maker,
    instance: Instance,
    version: InstanceVersion,
    changes: Sequence[Change],
    ruling: HeldObject | None,
) -> Held | None:
    """The durable copy of one object; None when it is refused or must be looked at, which is written down."""
    with _plain(version) as file:
        try:
            if ruling is not None:
                return _as_ruled(maker, file, changes, ruling)
            return _by_itself(maker, instance, file, changes)
        except Refused as error:
            _set_aside(maker.copied, instance, state=_Ruling.REFUSED, refusal=error.refusal)
        except DicomError:
            _set_aside(maker.copied, instance, state=_Ruling.REFUSED, refusal=Refusal.UNREADABLE)
    return None


def _by_itself(maker: _Maker, instance: Instance, file: BinaryIO, changes: Sequence[Change]) -> Held | None:
    plain = maker.clean(file, changes, is_seen=False)
    reviews = {review.value for review in plain.outcome.review}
    file.seek(0)
    parsed = part10.read_part10(file)
    words: list[burned_in.Region] = []
    if parsed.has_pixels:
        try:
            words = pixels.telling(pixels.seen(file), pixels.size_of(parsed))
        except DicomError:
            reviews.add(NOT_SEARCHED)
    if words:
        reviews.add(WORDS_SEEN)
    if reviews:
        _set_aside(
            maker.copied,
            instance,
            reviews=sorted(reviews),
            words=pixels.stored(words),
            areas=pixels.proposed(file, parsed, words),
        )
        return None
    return _hold(maker, maker.clean(file, changes, is_seen=parsed.has_pixels), file)


def _as_ruled(maker: _Maker, file: BinaryIO, changes: Sequence[Change], ruling: HeldObject) -> Held | None:
    """The copy as a person allowed it: unless its pixels still say who the patient is, whatever that person saw."""
    with ExitStack() as files:
        cleaned = file
        if ruling.areas:
            areas = pixels.areas_of(ruling.areas)
            cleaned = files.enter_context(burned_in.blanked(file, areas, outside_regions=False))
        if NOT_SEARCHED not in ruling.reviews and ruling.words:
            size = ruling.source.rows, ruling.source.columns
            left = pixels.telling(pixels.seen(cleaned), size)
            if pixels.names_somebody(file, left):
                ruling.state, ruling.reviews = _Ruling.HELD, [IDENTIFIER_SEEN]
                ruling.words = pixels.stored(left)
                ruling.areas = [*ruling.areas, *(pixels.as_row(word.area()) for word in left)]
                ruling.save(update_fields=["state", "reviews", "words", "areas"])
                return None
        return _hold(maker, maker.clean(cleaned, changes, is_seen=True), cleaned)


def _set_aside(copied: CopiedStudy, instance: Instance, *, state: str = _Ruling.HELD, **said: Any) -> None:
    HeldObject.objects.update_or_create(copied_study=copied, source=instance, defaults={"state": state, **said})


def _hold(maker: _Maker, cleaned: DeidentifiedFile, file: BinaryIO) -> Held:
    with tempfile.TemporaryFile(dir=_folder()) as out:
        for piece in cleaned.read(file):
            out.write(piece)
        out.seek(0)
        return ingest.hold(out, source=maker.source)


@contextmanager
def _plain(version: InstanceVersion) -> Iterator[BinaryIO]:
    """The received bytes as a file that the decoder pool can be handed, gone when it is closed."""
    with tempfile.TemporaryFile(dir=_folder()) as file, storage.open(version.stored_object) as stored:
        shutil.copyfileobj(stored, file, io.DEFAULT_BUFFER_SIZE * 16)
        file.flush()
        file.seek(0)
        yield cast(BinaryIO, file)


def _folder() -> Any:
    folder = settings.DATA_DIR / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _ended(copied: CopiedStudy) -> CopiedStudy:
    """Say what the copy has become; a person who stopped it meanwhile is right."""
    copied.refresh_from_db()
    if copied.held.filter(state=_Ruling.RELEASED).exists():
        # Decided while the others were copied: their turn is now.
        CopiedStudy.objects.filter(pk=copied.pk, state=_State.RUNNING).update(state=_State.WAITING)
        return make(copied.key) or copied
    if copied.held.filter(state=_Ruling.HELD).exists():
        state = _State.HELD
    elif copied.copy_id is None:
        state = _State.EMPTY
    else:
        state = _State.READY
    now = timezone.now()
    if CopiedStudy.objects.filter(pk=copied.pk, state=_State.RUNNING).update(state=state, ready_at=now):
        copied.state = state
        audit.record(
            audit.Action.COPY_MADE,
            actor=SYSTEM,
            subject_type="study",
            subject_uid=copied.source.study_instance_uid,
            patient_id=copied.source.patient.patient_id,
            issuer_of_patient_id=copied.source.patient.issuer_of_patient_id,
            detail={
                "copy": copied.copy.study_instance_uid if copied.copy else "",
                "state": state,
                **selectors.counts(copied),
            },
        )
    return copied
