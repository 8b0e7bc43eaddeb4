"""The DICOMDIR of an export, out of the rows; only objects that are no images are asked for their headers."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from imaging.dicom import media_records, part10
from imaging.dicom.correctable import text_of
from imaging.dicom.corrections import merged
from imaging.dicom.element_text import ElementText
from imaging.dicom.errors import DicomError
from imaging.dicom.media_directory import DirectoryWriter, Elements, Referenced
from imaging.storage import services as storage
from imaging.studies.export.selection import Chosen, Part
from imaging.studies.models import InstanceVersion, Patient, Study
from imaging.studies.reading import corrections, metadata

FOLDER: Final = "DICOM"
FILE_SET: Final = "NEGATOSCOPE"
_NAMESPACE: Final = uuid.UUID("5f3d8a52-0a43-4a53-9c1e-7d8c6f1f9b0e")
_DATE, _TIME = "00080020", "00080030"


@dataclass(frozen=True, slots=True)
class Placed:
    """One object and its file ID."""

    chosen: Chosen
    file_id: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its path in the export."""
        return "/".join(self.file_id)


@dataclass(frozen=True, slots=True)
class Folder:
    """The objects of one series together; the numbers count studies, and the series of each study, from 1."""

    part: Part
    study_number: int
    series_number: int

    @property
    def names(self) -> tuple[str, str]:
        """The last two parts of its path; what belongs to the series has them elsewhere too."""
        return f"ST{self.study_number:06d}", f"SE{self.series_number:06d}"

    @property
    def path(self) -> str:
        """Its path in the export."""
        return "/".join((FOLDER, *self.names))

    @property
    def count(self) -> int:
        """How many objects lie in it."""
        return len(self.part.objects)


def folders(parts: Iterable[Part]) -> Iterator[Folder]:
    """A folder for each series, in the order in which they are written."""
    for study_number, (_study, own) in enumerate(by_study(parts), start=1):
        for series_number, part in enumerate(own, start=1):
            yield Folder(part, study_number, series_number)


def placed(parts: Iterable[Part]) -> list[Placed]:
    """Every object of the parts under a name of its own, that says nothing of what it holds (PS3.10 section 8.2)."""
    return [
        Placed(chosen, (FOLDER, *folder.names, f"IM{number:06d}"))
        for folder in folders(parts)
        for number, chosen in enumerate(folder.part.objects, start=1)
    ]


def directory(parts: Iterable[Part], places: Iterable[Placed], digest: str) -> bytes:
    """The file DICOMDIR of these parts, whose objects lie at these ``places``, in the same order."""
    writer = DirectoryWriter(instance_uid=f"2.25.{uuid.uuid5(_NAMESPACE, digest).int}", file_set_id=FILE_SET)
    at = iter(places)
    patients: list[int] = []
    for number, (study, own) in enumerate(by_study(parts), start=1):
        if study.patient_id not in patients:
            patients.append(study.patient_id)
            writer.add(1, "PATIENT", _patient(study.patient, len(patients)))
        moment = _moment(study, own)
        writer.add(2, "STUDY", _study(study, number, moment))
        for part in own:
            writer.add(3, "SERIES", _series(part))
            records = _Records(part)
            for chosen in part.objects:
                kind, keys = records.of(chosen, moment[0])
                writer.add(4, kind, keys, referenced(chosen, next(at).file_id))
    return writer.content()


def by_study(parts: Iterable[Part]) -> Iterator[tuple[Study, list[Part]]]:
    """The parts of each study, and the studies of each patient together: a tree is written depth first."""
    studies: dict[int, tuple[Study, list[Part]]] = {}
    for part in parts:
        studies.setdefault(part.series.study_id, (part.series.study, []))[1].append(part)
    order = list(dict.fromkeys(study.patient_id for study, _own in studies.values()))
    yield from sorted(studies.values(), key=lambda entry: order.index(entry[0].patient_id))


def _patient(patient: Patient, number: int) -> Elements:
    birth_date = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else ""
    return [
        (0x00100010, "PN", patient.patient_name),
        # Type 1: a patient without an ID has one in this set only.
        (0x00100020, "LO", patient.patient_id or f"NO-ID-{number}"),
        (0x00100030, "DA", birth_date),
        (0x00100040, "CS", patient.sex),
    ]


def _study(study: Study, number: int, moment: tuple[str, str]) -> Elements:
    return [
        (0x00080020, "DA", moment[0]),
        (0x00080030, "TM", moment[1]),
        (0x00080050, "SH", study.accession_number),
        (0x00081030, "LO", study.description),
        (0x0020000D, "UI", study.study_instance_uid),
        (0x00200010, "SH", study.study_id or str(number)),
    ]


def _series(part: Part) -> Elements:
    series = part.series
    return [
        (0x00080060, "CS", series.modality or "OT"),
        (0x0008103E, "LO", series.description),
        (0x0020000E, "UI", series.series_instance_uid),
        (0x00200011, "IS", series.series_number or 0),
    ]


def referenced(chosen: Chosen, file_id: tuple[str, ...]) -> Referenced:
    """Where an object lies, for its record."""
    return Referenced(file_id, chosen.sop_class_uid, chosen.sop_instance_uid, chosen.transfer_syntax_uid)


class _Records:
    """What the index says of the objects of one series."""

    def __init__(self, part: Part) -> None:
        """Read the headers of those that are no images; what cannot be read is indexed with what is known beside it."""
        others = [entry.version_id for entry in part.objects if kind_of(entry) != "IMAGE"]
        self._headers: dict[int, Mapping[str, Any]] = {}
        versions = InstanceVersion.objects.filter(pk__in=others) if others else InstanceVersion.objects.none()
        for version in versions.select_related("instance__series__study").defer("frame_index"):
            try:
                self._headers[version.pk] = metadata.instance_record(version)
            except storage.StorageError:
                continue

    def of(self, chosen: Chosen, date: str) -> tuple[str, Elements]:
        """Type and keys of one object."""
        kind = kind_of(chosen)
        if kind == "IMAGE":
            return kind, media_records.image(chosen.instance_number, chosen.rows, chosen.columns, chosen.frames)
        return kind, media_records.keys(kind, self._headers.get(chosen.version_id, {}), chosen.instance_number, date)


def kind_of(chosen: Chosen) -> str:
    """The type of an object's record."""
    kind = media_records.record_type(chosen.sop_class_uid)
    # A class that no standard knows, with pixels, can be shown as an image.
    return "IMAGE" if kind == "PRIVATE" and chosen.rows and chosen.columns else kind


def _moment(study: Study, parts: Iterable[Part]) -> tuple[str, str]:
    """Study Date and Time as the objects themselves say them, out of one that can be read; else as the study's row knows."""
    first = min((part.objects[0] for part in parts), key=lambda entry: entry.length)
    version = InstanceVersion.objects.select_related("stored_object").defer("frame_index").get(pk=first.version_id)
    corrected = merged(corrections.changes_of([version.pk]).get(version.pk, ())) if version.is_corrected else {}
    try:
        with storage.open(version.stored_object) as file:
            found = ElementText(part10.read_part10(file).dataset)
        date, time = (
            text_of(corrected[tag]) if tag in corrected else found.text(int(tag, 16), 16) for tag in (_DATE, _TIME)
        )
    except (DicomError, storage.ObjectDamaged, storage.ObjectMissing):
        date = time = ""
    local = timezone.localtime(study.study_at)
    return date or local.strftime("%Y%m%d"), time or (local.strftime("%H%M%S") if study.study_time_known else "000000")
