"""Import on the server: an operator names files, folders and zips; they go the same way as everything else."""

import getpass
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from accounts.roles import Door
from imaging.ingest.imports import headers
from imaging.ingest.imports.taking_in import REFUSED, Offer, OutOfRoom, take_in
from imaging.ingest.intake import Outcome
from imaging.ingest.media import dicomdir, zip_directory
from imaging.ingest.media.dicomdir import Index
from imaging.ingest.media.files import open_file
from imaging.ingest.media.found import Found
from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.limits import Budget, MediaLimits
from imaging.ingest.media.trouble import MediaError, NoRoom, Trouble
from imaging.ingest.media.walk import walk
from imaging.ingest.services import Refused
from imaging.ingest.source import Source

#: What is left out without being a fault: strays of a disc, and what says itself that it is no image.
_STRAYS: Final = frozenset({Trouble.NOT_DICOM})


def source_of(department_id: int | None) -> Source:
    """Who imports on the server: the account that runs the command, for a department where one was named."""
    departments = () if department_id is None else (department_id,)
    return Source(
        door=str(Door.COMMAND),
        sender=_account()[:64],
        actor_kind="system",
        actor_id=f"account:{_account()}"[:64],
        department_ids=departments,
        place_in=departments,
    )


def _account() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


@dataclass(frozen=True, slots=True)
class Left:
    """A file that is not in the archive: its name to be shown, a code, and whether that is a fault."""

    path: str
    code: str
    is_fault: bool


@dataclass(slots=True)
class Report:
    """What a run did. ``outcomes`` counts by values of ``intake.Outcome``; ``studies`` are UIDs, of what was read."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    left: list[Left] = field(default_factory=list)
    studies: set[str] = field(default_factory=set)
    patients: set[tuple[str, str, str]] = field(default_factory=set)
    missing: list[str] = field(default_factory=list)
    stopped: str = ""

    @property
    def refused(self) -> list[Left]:
        """Those that should have been images."""
        return [one for one in self.left if one.is_fault]

    @property
    def strays(self) -> list[Left]:
        """Those that nobody misses."""
        return [one for one in self.left if not one.is_fault]

    @property
    def objects(self) -> int:
        """DICOM objects that were kept, or would be."""
        return sum(self.outcomes.values())

    @property
    def is_complete(self) -> bool:
        """Whether everything that should be in the archive is there."""
        return not (self.refused or self.stopped or self.missing or self.outcomes[Outcome.QUARANTINED])


@dataclass(slots=True)
class Run:
    """One run over the named paths. ``tell`` hears of each file that is left out, ``tick`` of each that is done."""

    paths: Sequence[Path]
    source: Source
    tell: Callable[[Left], None] = lambda _left: None
    tick: Callable[[], None] = lambda: None
    stopping: threading.Event = field(default_factory=threading.Event)
    limits: MediaLimits = field(default_factory=MediaLimits)
    report: Report = field(default_factory=Report)
    _indexes: list[tuple[str, Index]] = field(default_factory=list)
    _paths: set[str] = field(default_factory=set)
    _objects: set[str] = field(default_factory=set)

    def estimate(self) -> int:
        """How many files there will be, roughly: archives by what they claim."""
        return sum(_estimate(path) for path in self.paths)

    def take_in(self) -> Report:
        """Import. What was not taken in is told; nothing is lost when it stops half-way, and a second run goes on."""
        offers = (Offer(found, self.source) for found in self._objects_found())
        try:
            for taken in take_in(offers, should_stop=self.stopping.is_set):
                self.tick()
                if taken.outcome == REFUSED:
                    self._leave(taken.offer.found.path, taken.code, is_fault=True)
                else:
                    self.report.outcomes[taken.outcome] += 1
                    self._count(taken.header)
        except (OutOfRoom, NoRoom) as error:
            self.report.stopped = error.code
        return self._finished()

    def look(self) -> Report:
        """Read every header and write nothing: the outcomes count what would be handed over, as ``new``."""
        try:
            for found in self._objects_found():
                self._look_at(found)
        except NoRoom as error:
            self.report.stopped = error.code
        return self._finished()

    def _look_at(self, found: Found) -> None:
        try:
            header = headers.read(found)
        except Refused as refusal:
            self._leave(found.path, refusal.code, is_fault=True)
        except MediaError as error:
            self._leave(found.path, str(error.trouble.value), is_fault=True)
        else:
            self.report.outcomes[str(Outcome.NEW)] += 1
            self._count(header)
        self.tick()

    def _finished(self) -> Report:
        if self.stopping.is_set() and not self.report.stopped:
            self.report.stopped = "asked"
        if not self.report.stopped:
            for folder, index in self._indexes:
                below = (path.removeprefix(folder) for path in self._paths if path.startswith(folder))
                self.report.missing += [folder + one.path for one in index.missing(below, self._objects)]
        return self.report

    def _count(self, header: Any) -> None:
        self.report.studies.add(header.study.study_instance_uid)
        person = header.patient
        self.report.patients.add((person.issuer_of_patient_id, person.patient_id, person.name_norm))
        if self._indexes:
            self._objects.add(header.instance.sop_instance_uid)

    def _objects_found(self) -> Iterator[Found]:
        """The files that may be objects; the others are told."""
        for found in self._walk():
            if self.stopping.is_set():
                return
            if found.kind is Kind.ARCHIVE and found.trouble is None:
                continue
            self.report.files += 1
            self._paths.add(found.path)
            if found.trouble is not None:
                self._leave(found.path, str(found.trouble.value), is_fault=found.trouble not in _STRAYS)
                self.tick()
            elif found.kind is Kind.DICOMDIR:
                self._read_index(found)
                self.tick()
            else:
                yield found

    def _walk(self) -> Iterable[Found]:
        for path in self.paths:
            yield from walk(path, Budget(self.limits))

    def _read_index(self, found: Found) -> None:
        try:
            with found.open() as file:
                index = dicomdir.read_index(file)
        except MediaError:
            self._leave(found.path, "unreadable_index", is_fault=False)
            return
        self._indexes.append((found.path[: found.path.rfind("/") + 1], index))
        for path in index.refused:
            self._leave(path, "index_leaves_disc", is_fault=False)

    def _leave(self, path: str, code: str, *, is_fault: bool) -> None:
        left = Left(path, code, is_fault)
        self.report.left.append(left)
        self.tell(left)


def _estimate(path: Path) -> int:
    if path.is_dir():
        return sum(
            _estimate(Path(folder, name)) if name.lower().endswith(".zip") else 1
            for folder, _folders, names in os.walk(path)
            for name in names
        )
    try:
        with open_file(path.resolve()) as file:
            return zip_directory.check(file, MediaLimits())
    except (MediaError, OSError, RuntimeError):
        return 1
