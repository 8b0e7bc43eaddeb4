"""What copies without identity say of themselves in the index of a disc: nothing that is not in the copies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from imaging.dicom import media_records
from imaging.dicom.element_text import ElementText
from imaging.dicom.media_directory import DirectoryWriter, Element, Elements
from imaging.studies.export.directory import FILE_SET, Placed, by_study, kind_of, referenced
from imaging.studies.export.selection import Chosen, Part

_PATIENT: Final = ((0x00100010, "PN"), (0x00100020, "LO"), (0x00100030, "DA"), (0x00100040, "CS"))
_STUDY: Final = (
    (0x00080020, "DA"),
    (0x00080030, "TM"),
    (0x00080050, "SH"),
    (0x00081030, "LO"),
    (0x0020000D, "UI"),
    (0x00200010, "SH"),
)
_SERIES: Final = ((0x00080060, "CS"), (0x0008103E, "LO"), (0x0020000E, "UI"))
_SERIES_NUMBER: Final = 0x00200011
_STUDY_UID: Final = 0x0020000D
_LONGEST: Final = 64
#: What copies without dates hold where a date must stand.
_NO_DAY: Final = "19000101"
_NO_TIME: Final = "000000"


@dataclass(frozen=True, slots=True)
class Facts:
    """The keys of the records above one copy (PS3.3 section F.5)."""

    patient: Elements
    study: Elements
    series: Elements

    @classmethod
    def of(cls, copy: Dataset) -> "Facts":
        """Read the header of a copy."""
        read = ElementText(copy)
        modality, *others = _read(read, _SERIES)
        number = read.integer(_SERIES_NUMBER) or 0
        return cls(
            patient=_read(read, _PATIENT),
            study=_read(read, _STUDY),
            series=[(modality[0], modality[1], modality[2] or "OT"), *others, (_SERIES_NUMBER, "IS", number)],
        )

    @property
    def study_uid(self) -> str:
        """Study Instance UID of the copy."""
        return next(str(value) for tag, _vr, value in self.study if tag == _STUDY_UID)


def directory(parts: Iterable[Part], places: Iterable[Placed], facts: Mapping[int, Facts], instance_uid: str) -> bytes:
    """The file DICOMDIR of copies that lie at ``places``, with ``facts`` by the primary keys of their series."""
    writer = DirectoryWriter(instance_uid=instance_uid, file_set_id=FILE_SET)
    at = iter(places)
    patients: set[int] = set()
    for number, (study, own) in enumerate(by_study(parts), start=1):
        first = facts[own[0].series.pk]
        if study.patient_id not in patients:
            patients.add(study.patient_id)
            writer.add(1, "PATIENT", first.patient)
        writer.add(2, "STUDY", _dated(first.study, number))
        for part in own:
            writer.add(3, "SERIES", facts[part.series.pk].series)
            for chosen in part.objects:
                writer.add(4, *_record(chosen), referenced(chosen, next(at).file_id))
    return writer.content()


def _read(read: ElementText, wanted: Iterable[tuple[int, str]]) -> list[Element]:
    return [(tag, vr, read.text(tag, _LONGEST)) for tag, vr in wanted]


def _dated(study: Elements, number: int) -> list[Element]:
    """The keys of a study, with what an index must have and a copy need not (type 1 in PS3.3 table F.5-2)."""
    otherwise = {0x00080020: _NO_DAY, 0x00080030: _NO_TIME, 0x00200010: str(number)}
    return [(tag, vr, value or otherwise.get(tag, "")) for tag, vr, value in study]


def _record(chosen: Chosen) -> tuple[str, Elements]:
    """Type and keys of one copy; of one that is no image those that say the least."""
    kind = kind_of(chosen)
    if kind == "IMAGE":
        return kind, media_records.image(chosen.instance_number, chosen.rows, chosen.columns, chosen.frames)
    return kind, media_records.keys(kind, {}, chosen.instance_number, _NO_DAY)
