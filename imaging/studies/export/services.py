"""Taking studies out of the archive: one way for pages, shares and the command line.

`prepare` asks for the right, puts the export on record and looks up what belongs to it; nothing else is decided later. The
export then is a zip of known length, or a folder. What cannot be read when it begins is named in MISSING.TXT; what turns out to
be damaged on the way ends it, so that nothing arrives whole that is not: the next attempt knows of it.
"""

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies import access
from imaging.studies.export import directory, notes, zipped
from imaging.studies.export.directory import Placed
from imaging.studies.export.notes import Lost
from imaging.studies.export.selection import ExportChanged, Selection, Versions, select
from imaging.studies.export.zipped import Member
from imaging.studies.models import Series, Study

__all__ = ["Export", "ExportChanged", "Transfer", "prepare"]

#: Called when it is the turn of the next object.
Tell = Callable[[], None]

_MODALITY: Final = re.compile(r"[A-Z][A-Z0-9]{1,7}")
_INDEX: Final = "DICOMDIR"
_MISSING: Final = "MISSING.TXT"
#: Part of every tag: another way of writing an export is another file.
_WRITING: Final = 1


@dataclass(frozen=True, slots=True)
class Export:
    """Objects of one or more studies as they go out, with the index of a disc. Nothing of it changes while it is read."""

    #: Name for the file, without an ending; it says nothing of the patient.
    name: str
    #: Changes with every byte of the zip.
    etag: str
    #: Of the zip, in bytes.
    length: int
    lost: tuple[Lost, ...]
    studies: tuple[Study, ...]
    moment: datetime
    notes: tuple[tuple[str, bytes], ...]
    places: tuple[Placed, ...]
    scope: Scope
    actor: Actor

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.places)

    def transfer(self, start: int = 0, length: int | None = None, *, tell: Tell | None = None) -> "Transfer":
        """The zip, or ``length`` bytes of it from ``start``, to be read once and closed; ``tell`` is called at each object."""
        whole = self.length - start if length is None else length
        return Transfer(self, _cut(zipped.write(self.members(tell), self.moment), start, whole), whole)

    def members(self, tell: Tell | None = None) -> list[Member]:
        """The files of the export in their order; an object is read when its turn comes."""
        versions = Versions(self.scope, [place.chosen for place in self.places])
        return [
            *(Member(name, len(content), _given(content)) for name, content in self.notes),
            *(_object(versions, number, place, tell) for number, place in enumerate(self.places)),
        ]

    def write_folder(self, target: Path, *, tell: Tell | None = None) -> None:
        """Write the files below ``target``, an empty folder. Raises what ``transfer`` raises, and ``OSError``."""
        sent = 0
        try:
            for member in self.members(tell):
                path = target / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    for piece in member.read():
                        sent += file.write(piece)
        except BaseException as error:
            whole = sum(member.length for member in self.members())
            self.interrupted(sent=sent, of=whole, reason=type(error).__name__)
            raise

    def interrupted(self, *, sent: int, of: int, reason: str) -> None:
        """Put on record that not all of it went out."""
        audit.record_many(
            audit.Entry(
                action=audit.Action.EXPORT_INTERRUPTED,
                actor=self.actor,
                subject_type="study",
                subject_uid=study.study_instance_uid,
                patient_id=study.patient.patient_id,
                issuer_of_patient_id=study.patient.issuer_of_patient_id,
                outcome=audit.Outcome.FAILED,
                detail={"bytes": sent, "of": of, "reason": reason},
            )
            for study in self.studies
        )


class Transfer:
    """The bytes of an export on their way out. Whoever reads closes it, and an early end is put on record then."""

    def __init__(self, export: Export, pieces: Iterator[bytes], length: int) -> None:
        """Begin; nothing is read yet."""
        self._export = export
        self._pieces = pieces
        self._length = length
        self._sent = 0
        self._is_told = False
        self._ahead: deque[bytes] = deque()

    def read_ahead(self, pieces: int) -> None:
        """Read so many pieces now, and keep them until they are asked for. Raises what ``next`` does."""
        while len(self._ahead) < pieces:
            piece = self._read()
            if piece is None:
                return
            self._ahead.append(piece)

    def __iter__(self) -> "Transfer":
        """Itself: it is read once."""
        return self

    def __next__(self) -> bytes:
        """The next piece. Raises what reading an object raises, ``ExportChanged`` among it."""
        piece = self._ahead.popleft() if self._ahead else self._read()
        if piece is None:
            raise StopIteration
        self._sent += len(piece)
        return piece

    def _read(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except Exception as error:
            self._tell(type(error).__name__)
            raise

    def close(self) -> None:
        """Let go of everything; record that not all was taken, if so."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
        self._tell("the reader left")

    def _tell(self, reason: str) -> None:
        if self._sent < self._length and not self._is_told:
            self._is_told = True
            self._export.interrupted(sent=self._sent, of=self._length, reason=reason)


def prepare(
    scope: Scope,
    study_instance_uids: Sequence[str],
    *,
    actor: Actor,
    form: str,
    series_instance_uid: str = "",
) -> Export:
    """The export of these studies, or of one series of the first; each study is on record before this returns.

    ``form`` says in the record what is made of them. The texts are in the language that is active now. Raises
    ``access.StudyNotVisible`` and ``access.RightMissing`` before anything is on record as exported,
    ``audit.AuditUnavailable`` when it cannot be put on record, and ``storage.StorageAway``.
    """
    levels = _opened(scope, study_instance_uids, series_instance_uid, actor, form)
    selection = select(levels, scope=scope)
    if not selection.parts and not selection.lost:
        raise access.StudyNotVisible(study_instance_uids[0])
    studies = tuple(level if isinstance(level, Study) else level.study for level in levels)
    places = tuple(directory.placed(selection.parts))
    texts = _notes(selection, places, len(studies))
    moment = timezone.localtime(max(study.last_received_at for study in studies))
    layout = [Member(name, len(content), _given(content)) for name, content in texts]
    layout += [Member(place.name, place.chosen.length, tuple) for place in places]
    return Export(
        name=_name(levels),
        etag=_tag(selection, texts, moment),
        length=zipped.length(layout),
        lost=selection.lost,
        studies=studies,
        moment=moment,
        notes=texts,
        places=places,
        scope=scope,
        actor=actor,
    )


def _opened(
    scope: Scope, study_instance_uids: Sequence[str], series_instance_uid: str, actor: Actor, form: str
) -> list[Study | Series]:
    """The levels that are asked for, opened for export; what may not be exported is refused before the others are."""
    wanted = list(dict.fromkeys(study_instance_uids))
    if series_instance_uid:
        detail = {"form": form, "series": series_instance_uid}
        return [
            access.open_series(
                scope,
                wanted[0],
                series_instance_uid,
                actor=actor,
                purpose=access.Purpose.EXPORT,
                right=Right.DOWNLOAD,
                detail=detail,
            )
        ]
    allowed = set(
        Study.objects.visible_to(scope, Right.DOWNLOAD)
        .filter(study_instance_uid__in=[uid for uid in wanted if "\x00" not in uid])
        .values_list("study_instance_uid", flat=True)
    )
    return [
        access.open_study(
            scope,
            uid,
            actor=actor,
            purpose=access.Purpose.EXPORT,
            right=Right.DOWNLOAD,
            detail={"form": form, "studies": len(wanted)},
        )
        for uid in sorted(wanted, key=lambda uid: (uid in allowed, wanted.index(uid)))
    ]


def _notes(selection: Selection, places: Sequence[Placed], studies: int) -> tuple[tuple[str, bytes], ...]:
    """What lies beside the objects: the words, what is missing, and the index."""
    readme = notes.readme(studies=studies, objects=len(places), lost=len(selection.lost))
    missing = [(_MISSING, notes.missing(selection.lost))] if selection.lost else []
    index = directory.directory(selection.parts, places, selection.digest)
    return ((notes.readme_name(), readme), *missing, (_INDEX, index))


def _name(levels: Sequence[Study | Series]) -> str:
    """Modality and date of one study, with the number of one series; of several how many there are."""
    if len(levels) > 1:
        return f"{len(levels)}-studies"
    level = levels[0]
    study = level if isinstance(level, Study) else level.study
    modality = level.modality if isinstance(level, Series) else next(iter(study.modalities), "")
    pieces = [modality if _MODALITY.fullmatch(modality) else "DICOM", f"{timezone.localtime(study.study_at):%Y%m%d}"]
    if isinstance(level, Series) and level.series_number is not None:
        pieces.append(str(abs(level.series_number)))
    return "-".join(pieces)


def _tag(selection: Selection, texts: Iterable[tuple[str, bytes]], moment: datetime) -> str:
    found = hashlib.sha256(f"{_WRITING} {selection.digest} {moment.isoformat()}".encode())
    for name, content in texts:
        found.update(name.encode() + content)
    return found.hexdigest()[:32]


def _given(content: bytes) -> Callable[[], Iterable[bytes]]:
    return lambda: (content,)


def _object(versions: Versions, number: int, place: Placed, tell: Tell | None) -> Member:
    def read() -> Iterable[bytes]:
        if tell is not None:
            tell()
        return versions.file(number).read()

    return Member(place.name, place.chosen.length, read)


def _cut(pieces: Iterator[bytes], start: int, length: int) -> Iterator[bytes]:
    """``length`` bytes from ``start``; what is before is read and left out, since the checksums of all stand at the end."""
    for piece in pieces:
        if start >= len(piece):
            start -= len(piece)
            continue
        taken = piece[start : start + length]
        start, length = 0, length - len(taken)
        yield taken
        if not length:
            return
