"""Taking studies out of the archive: one way for pages, shares and the command line.

`prepare` asks for the right, puts the export on record and looks up what belongs to it; nothing else is decided later. The
export then is a zip of known length, or a folder. What cannot be read when it begins is named in MISSING.TXT; what turns out to
be damaged on the way ends it, so that nothing arrives whole that is not: the next attempt knows of it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final, Protocol

from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies import access
from imaging.studies.export import directory, notes, receipts, transfers, zipped
from imaging.studies.export.directory import Folder, Placed
from imaging.studies.export.extras import Extra
from imaging.studies.export.notes import Lost
from imaging.studies.export.receipts import Digests, Handed, Listed, Receipts
from imaging.studies.export.selection import ExportChanged, Selection, Versions, select
from imaging.studies.export.transfers import Transfer
from imaging.studies.export.zipped import Member
from imaging.studies.models import Series, Study

__all__ = ["Around", "Content", "Export", "ExportChanged", "Handed", "IdentityKept", "Transfer", "prepare"]

#: Called when it is the turn of the next object.
Tell = Callable[[], None]


class Readable(Protocol):
    """One object as it goes out."""

    def read(self) -> Iterable[bytes]:
        """Give it from its first byte to its last."""


class Files(Protocol):
    """The objects of an export by their number, from 0: each is looked up when its turn comes."""

    def file(self, number: int) -> Readable:
        """Give one. Raises ``ExportChanged`` when it is not what was chosen any more."""


class IdentityKept(Exception):
    """A reader who may have nothing that names a patient asked for objects that nobody said to be without identity."""


@dataclass(frozen=True, slots=True)
class Content:
    """What an export holds, for whoever adds a page or previews: a folder for each series, and how many objects are lost."""

    folders: tuple[Folder, ...]
    lost: int
    handed: Handed


#: Gives the files that are to lie beside the objects, once it is known which objects there are.
Around = Callable[[Content], Iterable[Extra]]

_MODALITY: Final = re.compile(r"[A-Z][A-Z0-9]{1,7}")
_INDEX: Final = "DICOMDIR"
_MISSING: Final = "MISSING.TXT"
#: Part of every tag: another way of writing an export is another file.
_WRITING: Final = 2


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
    extras: tuple[Extra, ...]
    receipts: Receipts
    actor: Actor
    #: Opens the objects anew for each time that the export is read.
    files: Callable[[], Files]

    @property
    def count(self) -> int:
        """How many objects there are."""
        return len(self.places)

    def transfer(self, start: int = 0, length: int | None = None, *, tell: Tell | None = None) -> "Transfer":
        """The zip, or ``length`` bytes of it from ``start``, to be read once and closed; ``tell`` is called at each object."""
        whole = self.length - start if length is None else length
        pieces = transfers.cut(zipped.write(self.members(tell), self.moment), start, whole)
        return Transfer(pieces, whole, self.interrupted)

    def members(self, tell: Tell | None = None) -> Iterator[Member]:
        """The files of the export, to be read in their order and once; an object is read when its turn comes."""
        files = self.files()
        digests = Digests()
        readers: Iterator[Callable[[], Iterable[bytes]]] = chain(
            (partial(_given, content) for _name, content in self.notes),
            (partial(_read, files, number, tell) for number in range(len(self.places))),
            (extra.read for extra in self.extras),
        )
        for number, (file, read) in enumerate(zip(self.receipts.files(), readers, strict=True)):
            yield Member(file.name, file.length, partial(digests.taken, number, read))
        yield from self.receipts.members(digests)

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
        interrupted(self.studies, self.actor, sent=sent, of=of, reason=reason)


def interrupted(studies: Iterable[Study], actor: Actor, *, sent: int, of: int, reason: str) -> None:
    """Put on record that an export of these studies did not go out, or not to its end: ``sent`` of ``of`` bytes."""
    audit.record_many(
        audit.Entry(
            action=audit.Action.EXPORT_INTERRUPTED,
            actor=actor,
            subject_type="study",
            subject_uid=study.study_instance_uid,
            patient_id=study.patient.patient_id,
            issuer_of_patient_id=study.patient.issuer_of_patient_id,
            outcome=audit.Outcome.FAILED,
            detail={"bytes": sent, "of": of, "reason": reason},
        )
        for study in studies
    )


def prepare(
    scope: Scope,
    study_instance_uids: Sequence[str],
    *,
    actor: Actor,
    form: str,
    series_instance_uids: Sequence[str] = (),
    around: Around | None = None,
    handed: Handed | None = None,
) -> Export:
    """The export of these studies, or of some series of the first; each study is on record before this returns.

    ``form`` says in the record what is made of them; ``around`` adds files, ``handed`` tells the circumstances, today's unless
    given: for a scope without identities the caller has to say there that the objects have none. The texts are in the language
    that is active now. Raises ``access.StudyNotVisible``, ``access.RightMissing`` and ``IdentityKept`` before anything is on
    record as exported, ``audit.AuditUnavailable`` when it cannot be put on record, ``storage.StorageAway``, and ``ValueError``
    for two files of one name.
    """
    said = handed or Handed(timezone.localdate())
    if scope.deidentified and not said.is_deidentified:
        raise IdentityKept
    levels = opened(scope, study_instance_uids, series_instance_uids, actor=actor, detail={"form": form})
    selection = select(levels, scope=scope)
    if not selection.parts and not selection.lost:
        raise access.StudyNotVisible(study_instance_uids[0])
    studies = studies_of(levels)
    places = tuple(directory.placed(selection.parts))
    content = Content(tuple(directory.folders(selection.parts)), len(selection.lost), said)
    extras = tuple(around(content)) if around else ()
    texts = _notes(selection, places, len(studies), said, extras)
    signed = receipts.prepared(said, [study.study_instance_uid for study in studies], listed(texts, places, extras))
    moment = timezone.localtime(max(study.last_received_at for study in studies))
    return Export(
        name=_name(levels),
        etag=_tag(selection, texts, extras, signed, moment),
        length=length_of(signed),
        lost=selection.lost,
        studies=studies,
        moment=moment,
        notes=texts,
        places=places,
        extras=extras,
        receipts=signed,
        actor=actor,
        files=partial(Versions, scope, [place.chosen for place in places]),
    )


def opened(
    scope: Scope,
    study_instance_uids: Sequence[str],
    series_instance_uids: Sequence[str],
    *,
    actor: Actor,
    detail: Mapping[str, object],
) -> list[Study | Series]:
    """The levels that are asked for, opened for export; what may not be exported is refused before the others are.

    ``detail`` goes on record with each. Raises as ``prepare`` does.
    """
    wanted = list(dict.fromkeys(study_instance_uids))
    if series_instance_uids:
        return [
            access.open_series(
                scope,
                wanted[0],
                uid,
                actor=actor,
                purpose=access.Purpose.EXPORT,
                right=Right.DOWNLOAD,
                detail={**detail, "series": uid},
            )
            for uid in dict.fromkeys(series_instance_uids)
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
            detail={**detail, "studies": len(wanted)},
        )
        for uid in sorted(wanted, key=lambda uid: (uid in allowed, wanted.index(uid)))
    ]


def studies_of(levels: Iterable[Study | Series]) -> tuple[Study, ...]:
    """The studies of these levels, each once."""
    return tuple({study.pk: study for study in map(_study_of, levels)}.values())


def length_of(signed: Receipts) -> int:
    """The bytes of a zip of the files that these receipts list, and of the receipts."""
    return zipped.length(
        chain((Member(file.name, file.length, tuple) for file in signed.files()), signed.members(Digests()))
    )


def _study_of(level: Study | Series) -> Study:
    return level if isinstance(level, Study) else level.study


def _notes(
    selection: Selection, places: Sequence[Placed], studies: int, handed: Handed, extras: Sequence[Extra]
) -> tuple[tuple[str, bytes], ...]:
    """What lies before the objects: the words, what is missing, and the index."""
    readme = notes.readme(
        studies=studies,
        objects=len(places),
        lost=len(selection.lost),
        page=next((extra.name for extra in extras if extra.name.endswith(".html")), ""),
        is_deidentified=handed.is_deidentified,
    )
    missing = [(_MISSING, notes.missing(selection.lost))] if selection.lost else []
    index = directory.directory(selection.parts, places, selection.digest)
    return ((notes.readme_name(), readme), *missing, (_INDEX, index))


def listed(texts: Sequence[tuple[str, bytes]], places: Sequence[Placed], extras: Sequence[Extra]) -> receipts.Files:
    """All files but the receipts, in their order. The names of extras are none of the export's own: see ``Extra``."""
    names = [name.casefold() for name in (*(name for name, _content in texts), *(extra.name for extra in extras))]
    if len(set(names)) < len(names):
        raise ValueError("two files of an export have the same name")

    def files() -> Iterator[Listed]:
        yield from (Listed(name, len(content)) for name, content in texts)
        yield from (Listed(place.name, place.chosen.length, place.chosen.sop_instance_uid) for place in places)
        yield from (Listed(extra.name, extra.length) for extra in extras)

    return files


def _name(levels: Sequence[Study | Series]) -> str:
    """Modality and date of one study, with the number of one series; of several studies how many there are."""
    level = levels[0]
    study = _study_of(level)
    count = len({_study_of(one).pk for one in levels})
    if count > 1:
        return f"{count}-studies"
    modality = level.modality if isinstance(level, Series) else next(iter(study.modalities), "")
    pieces = [modality if _MODALITY.fullmatch(modality) else "DICOM", f"{timezone.localtime(study.study_at):%Y%m%d}"]
    if len(levels) == 1 and isinstance(level, Series) and level.series_number is not None:
        pieces.append(str(abs(level.series_number)))
    return "-".join(pieces)


def _tag(
    selection: Selection,
    texts: Iterable[tuple[str, bytes]],
    extras: Iterable[Extra],
    signed: Receipts,
    moment: datetime,
) -> str:
    found = hashlib.sha256(f"{_WRITING} {selection.digest} {moment.isoformat()} {signed.handed}".encode())
    for name, content in texts:
        found.update(name.encode() + content)
    for extra in extras:
        found.update(f"{extra.name} {extra.tag};".encode())
    found.update(signed.words.encode())
    return found.hexdigest()[:32]


def _given(content: bytes) -> Iterable[bytes]:
    return (content,)


def _read(files: Files, number: int, tell: Tell | None) -> Iterable[bytes]:
    if tell is not None:
        tell()
    return files.file(number).read()
