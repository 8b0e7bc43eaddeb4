"""What a program hands over with one request and waits for: one object, or a zip of them; the truth about each."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from imaging.dicom.header import Header
from imaging.ingest import intake, services
from imaging.ingest.imports.taking_in import REFUSED, Offer, take_in
from imaging.ingest.intake import Outcome
from imaging.ingest.media.found import Found
from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.limits import Budget, MediaLimits
from imaging.ingest.media.walk import walk
from imaging.ingest.services import Refused
from imaging.ingest.source import Source
from imaging.ingest.uploads import staging
from imaging.ingest.uploads.staging import Read

#: Who waits for an answer brings less at once than a person's import may hold.
LIMITS: Final = MediaLimits(entries=20_000, archive_entries=20_000, seconds=900)
#: The quarantine reason that depends on the object alone; any other may tell what the archive holds.
_UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class Told:
    """What its sender is told of one file: kept, or refused with a code. ``path`` is its name in the zip, to be shown.

    Neither a second version nor a quarantine shows, but that of an object that cannot be read: what the archive held
    before is not the sender's to know.
    """

    path: str = ""
    header: Header | None = None
    refusal: str = ""
    is_unreadable: bool = False


def hand_over_object(stream: BinaryIO, *, source: Source) -> Told:
    """Take in one DICOM file; durable when this returns. Raises ``SpoolError`` when nothing more can be kept."""
    try:
        held = services.hold(stream, source=source)
    except Refused as refusal:
        return Told(header=refusal.found, refusal=refusal.code)
    (result,) = intake.register([held])
    return _told("", str(result.outcome), result.reason, result.header)


def hand_over_zip(
    read: Read, length: int, *, source: Source, going_on: Callable[[], None] = lambda: None
) -> Iterator[Told]:
    """Take in the objects of a zip of so many bytes; each is durable when it is told. What is no object is left out.

    ``going_on`` is called with each file that was looked at, and with each that was taken in: many take minutes.
    Raises ``staging.NoRoom`` before anything is kept, ``staging.Damaged`` when the zip ends too early, and
    ``taking_in.OutOfRoom`` after telling of what was kept.
    """
    # An import's folder without an import: were this process to die, it is swept away like one.
    folder, name = uuid.uuid4(), uuid.uuid4()
    staging.make_folder(folder)
    try:
        staging.check_room(length)
        with staging.StagedFile(folder, name, create=True) as staged:
            if staged.fill(read, length) != length:
                raise staging.Damaged
        yield from _of_zip(folder, name, source, going_on)
    finally:
        staging.remove_folder(folder)


def _of_zip(folder: uuid.UUID, name: uuid.UUID, source: Source, going_on: Callable[[], None]) -> Iterator[Told]:
    troubles: list[Told] = []
    offers = (Offer(found, source) for found in _objects(folder, name, troubles, going_on))
    for taken in take_in(offers):
        going_on()
        path = taken.offer.found.path.removeprefix(f"{name}/")
        if taken.outcome == REFUSED:
            yield Told(path=path, refusal=taken.code)
        else:
            yield _told(path, taken.outcome, taken.reason, taken.header)
    yield from troubles


def _objects(folder: uuid.UUID, name: uuid.UUID, troubles: list[Told], going_on: Callable[[], None]) -> Iterator[Found]:
    """The files that may be objects; what is wrong with others is noted, strays and indexes are passed over."""
    path = staging.path_of(folder, name)
    for found in walk(path, Budget(LIMITS), scratch=staging.folder_of(folder)):
        going_on()
        if found.trouble is not None:
            is_stray = found.kind in {Kind.JUNK, Kind.DOCUMENT} and found.archive is not None
            if not is_stray:
                shown = found.path.removeprefix(f"{name}/") if found.archive is not None else ""
                troubles.append(Told(path=shown, refusal=str(found.trouble.value)))
        elif found.kind is Kind.DICOM:
            yield found


def _told(path: str, outcome: str, reason: str, header: Header | None) -> Told:
    return Told(path, header, is_unreadable=outcome == Outcome.QUARANTINED and reason == _UNREADABLE)
