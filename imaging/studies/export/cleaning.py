"""Which objects can go out without identity by themselves, and the copies that are made of them.

A copy is planned when an export begins, so that its length is known, and its bytes are put together when its turn comes: the
same key gives the same bytes. Nobody looks at a copy before it goes; what would have to be looked at is left out, and told.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from accounts.scope import Scope
from imaging.dicom.corrected_file import CorrectedFile
from imaging.dicom.corrections import Change
from imaging.dicom.deidentification.deidentified_file import DeidentifiedFile, deidentify_file
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.pseudonyms import Keyed, Pseudonym
from imaging.dicom.deidentification.refusals import Refusal, Refused
from imaging.dicom.errors import DicomError
from imaging.storage import services as storage
from imaging.studies.export.cleaned_facts import Facts
from imaging.studies.export.directory import by_study
from imaging.studies.export.selection import BATCH, Chosen, ExportChanged, Part, Selection, Versions, readable
from imaging.studies.models import InstanceVersion, Series
from imaging.studies.reading import corrections

#: Objects of one export: planning reads the header of each, while whoever asked waits.
MOST_OBJECTS: Final = 3_000
#: Bytes of cleaned headers that are kept from planning to sending; of further objects they are made again.
_KEPT: Final = 32 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_LONGEST_SUBJECT: Final = 64


class TooMany(Exception):
    """More objects than are cleaned while somebody waits."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """How the copies of one export are made. ``key`` is its own, so that two exports fit together in nothing.

    ``subject`` is what the patient is called; several patients are told apart by a number behind it.
    """

    profile: Profile
    key: bytes = field(repr=False)
    subject: str

    @property
    def tag(self) -> str:
        """Changes whenever the copies do; tells nothing of the key."""
        said = f"{self.profile.methods} {self.subject}".encode()
        return hashlib.sha256(self.key + said).hexdigest()

    def pseudonym(self, number: int, of: int) -> Pseudonym:
        """What the patient of this number, from 1, is called. Raises ``ValueError`` for what no copy can hold."""
        name = self.subject if of == 1 else f"{self.subject[: _LONGEST_SUBJECT - 6]}-{number}"
        return Pseudonym(patient_id=name, patient_name=name)

    def uid(self, text: str) -> str:
        """A UID of this export's own, made of a text."""
        return Keyed(self.key, self.pseudonym(1, 1)).uid(text)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Objects of one series that do not go out, and why: values of ``Refusal`` and ``Review``."""

    series: Series
    reasons: tuple[str, ...]
    count: int


@dataclass(slots=True)
class Cleaned:
    """The copies of a selection, with their lengths and UIDs, in its order, and what is left out of it."""

    parts: list[Part] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    #: Objects of which no copy is left that could be read.
    lost: int = 0
    #: What the copies say of their patient, study and series, by the primary key of the series.
    facts: dict[int, Facts] = field(default_factory=dict)
    #: How copies go out, by version; of those that are not here it is found again.
    plans: dict[int, CorrectedFile] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many objects go out."""
        return sum(len(part.objects) for part in self.parts)

    @property
    def missing(self) -> int:
        """How many do not."""
        return self.lost + sum(entry.count for entry in self.left_out)


def clean(selection: Selection, scope: Scope, cleaning: Cleaning) -> Cleaned:
    """Plan the copies of a selection. Reads every header; raises ``TooMany`` first, ``ExportChanged`` and ``StorageAway``."""
    wanted = [chosen for part in selection.parts for chosen in part.objects]
    if len(wanted) > MOST_OBJECTS:
        raise TooMany
    maker = _Maker(scope, wanted, pseudonyms_of(selection, cleaning), cleaning)
    found, number, kept = Cleaned(lost=len(selection.lost)), 0, 0
    for part in selection.parts:
        own = Part(part.series)
        reasons: dict[tuple[str, ...], int] = {}
        for chosen in part.objects:
            made = maker.planned(number, part.series)
            number += 1
            if not isinstance(made, DeidentifiedFile):
                reasons[made] = reasons.get(made, 0) + 1
                continue
            own.objects.append(replace(chosen, length=made.length, sop_instance_uid=made.sop_instance_uid))
            found.facts.setdefault(part.series.pk, Facts.of(made.outcome.dataset))
            kept += _weight(made.outgoing)
            if kept <= _KEPT:
                found.plans[chosen.version_id] = made.outgoing
        if own.objects:
            found.parts.append(own)
        found.left_out += [LeftOut(part.series, codes, count) for codes, count in reasons.items()]
    # In the order in which they are written.
    found.parts = [part for _study, own in by_study(found.parts) for part in own]
    return found


def pseudonyms_of(selection: Selection, cleaning: Cleaning) -> Mapping[int, Pseudonym]:
    """What the patients of a selection are called, by their primary keys."""
    patients = list(dict.fromkeys(part.series.study.patient_id for part in selection.parts))
    return {pk: cleaning.pseudonym(number, len(patients)) for number, pk in enumerate(patients, start=1)}


class _Maker:
    """Opens the objects of a selection, each for a reader who may still have it, and plans their copies."""

    def __init__(
        self, scope: Scope, wanted: Sequence[Chosen], pseudonyms: Mapping[int, Pseudonym], cleaning: Cleaning
    ) -> None:
        self._scope = scope
        self._wanted = wanted
        self._pseudonyms = pseudonyms
        self._cleaning = cleaning
        self._versions = Versions(scope, wanted)
        self._first = 0
        self._rows: dict[int, InstanceVersion] = {}
        self._changes: dict[int, tuple[Change, ...]] = {}

    def planned(self, number: int, series: Series) -> DeidentifiedFile | tuple[str, ...]:
        """How the copy of that number goes out; or why there is none."""
        try:
            made = self.made(number, series)
        except Refused as error:
            return (error.refusal.value,)
        except (DicomError, storage.ObjectDamaged, storage.ObjectMissing):
            return (Refusal.UNREADABLE.value,)
        return tuple(sorted(review.value for review in made.outcome.review)) or made

    def made(self, number: int, series: Series) -> DeidentifiedFile:
        """The copy of that number. Raises what ``deidentify_file`` and ``storage.open`` do, and ``ExportChanged``."""
        version, changes = self.version(number)
        with storage.open(version.stored_object) as file:
            return deidentify_file(
                file,
                profile=self._cleaning.profile,
                key=self._cleaning.key,
                pseudonym=self._pseudonyms[series.study.patient_id],
                changes=changes,
            )

    def version(self, number: int) -> tuple[InstanceVersion, tuple[Change, ...]]:
        """The version of that number with its corrections. Raises ``ExportChanged`` when it is not what was chosen any more."""
        self._versions.file(number)
        first = number - number % BATCH
        if first != self._first or not self._rows:
            self._first = first
            rows = readable(self._scope, (entry.version_id for entry in self._wanted[first : first + BATCH]))
            self._rows = {row.pk: row for row in rows}
            self._changes = corrections.changes_of(row.pk for row in self._rows.values() if row.is_corrected)
        row = self._rows.get(self._wanted[number].version_id)
        if row is None:
            raise ExportChanged("an object was withdrawn, or the right to it")
        return row, self._changes.get(row.pk, ())


class Copies:
    """The copies of an export as they are needed; the reader's right is asked again with each batch."""

    def __init__(self, scope: Scope, cleaned: Cleaned, pseudonyms: Mapping[int, Pseudonym], cleaning: Cleaning) -> None:
        """Nothing is read yet."""
        self._wanted = [(chosen, part.series) for part in cleaned.parts for chosen in part.objects]
        self._plans = cleaned.plans
        self._maker = _Maker(scope, [chosen for chosen, _series in self._wanted], pseudonyms, cleaning)

    def file(self, number: int) -> "Copy":
        """The copy of that number. Raises ``ExportChanged`` when its source is not what was selected any more."""
        chosen, series = self._wanted[number]
        version, _changes = self._maker.version(number)
        try:
            plan = self._plans.get(chosen.version_id) or self._maker.made(number, series).outgoing
        except DicomError as error:
            raise storage.ObjectDamaged(version.stored_object.file_sha256) from error
        return Copy(version, plan)


class Copy:
    """One copy as it goes out."""

    def __init__(self, version: InstanceVersion, plan: CorrectedFile) -> None:
        """Nothing is read yet."""
        self._stored = version.stored_object
        self._plan = plan

    def read(self) -> Iterator[bytes]:
        """Its bytes; the source is read to its end, so that its digest is checked. Raises the errors of ``storage``."""
        try:
            with storage.open(self._stored) as file:
                yield from self._plan.read(file)
                while file.read(_CHUNK):
                    pass
        except DicomError as error:
            raise storage.ObjectDamaged(self._stored.file_sha256) from error


def _weight(plan: CorrectedFile) -> int:
    return sum(len(piece) for piece in (*plan.head, *plan.body) if isinstance(piece, bytes))
