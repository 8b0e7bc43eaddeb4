"""Header of one instance as frozen values: what the index keeps of a data set, cleaned and bounded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Self

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from imaging.dicom import correctable, header_reader


@dataclass(frozen=True, slots=True)
class PatientHeader:
    """Patient module; ``name_norm`` is the searchable form of the name."""

    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    family_name: str
    given_name: str
    name_norm: str
    birth_date: date | None
    sex: str


@dataclass(frozen=True, slots=True)
class StudyHeader:
    """General Study module; ``study_at`` is naive local time, ``timezone_offset`` is ``+HHMM`` or empty (0008,0201)."""

    study_instance_uid: str
    accession_number: str
    study_id: str
    study_at: datetime | None
    timezone_offset: str
    description: str
    referring_physician_name: str
    institutional_department_name: str
    requesting_service: str


@dataclass(frozen=True, slots=True)
class SeriesHeader:
    """General Series and Equipment modules."""

    series_instance_uid: str
    modality: str
    series_number: int | None
    description: str
    body_part_examined: str
    laterality: str
    station_name: str
    protocol_name: str
    frame_of_reference_uid: str
    institution_name: str


@dataclass(frozen=True, slots=True)
class InstanceHeader:
    """SOP Common and Image Pixel modules; ``image_position_along_normal`` in mm."""

    sop_instance_uid: str
    sop_class_uid: str
    instance_number: int | None
    number_of_frames: int
    rows: int
    columns: int
    bits_allocated: int
    samples_per_pixel: int
    photometric_interpretation: str
    transfer_syntax_uid: str
    image_position_along_normal: float | None
    has_pixels: bool
    character_set: str


@dataclass(frozen=True, slots=True)
class Header:
    """The four levels of one instance."""

    patient: PatientHeader
    study: StudyHeader
    series: SeriesHeader
    instance: InstanceHeader

    def to_json(self) -> dict[str, Any]:
        """A plain dict that ``json`` can write; dates as ISO 8601."""
        record = dataclasses.asdict(self)
        record["patient"]["birth_date"] = self.patient.birth_date.isoformat() if self.patient.birth_date else None
        record["study"]["study_at"] = self.study.study_at.isoformat() if self.study.study_at else None
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The inverse of ``to_json``; unknown keys are ignored so that older rows stay readable."""
        patient = _known(PatientHeader, record["patient"])
        study = _known(StudyHeader, record["study"])
        if patient["birth_date"]:
            patient["birth_date"] = date.fromisoformat(patient["birth_date"])
        if study["study_at"]:
            study["study_at"] = datetime.fromisoformat(study["study_at"])
        return cls(
            patient=PatientHeader(**patient),
            study=StudyHeader(**study),
            series=SeriesHeader(**_known(SeriesHeader, record["series"])),
            instance=InstanceHeader(**_known(InstanceHeader, record["instance"])),
        )


def _known(kind: type, record: dict[str, Any]) -> dict[str, Any]:
    return {field.name: record[field.name] for field in dataclasses.fields(kind)}


def read_header(dataset: Dataset, *, transfer_syntax_uid: str = "", has_pixels: bool | None = None) -> Header:
    """Header of ``dataset``, tolerant of everything but identifiers.

    ``transfer_syntax_uid`` and ``has_pixels`` come from the parse (``ParsedFile.transfer_syntax_uid``,
    ``ParsedFile.has_pixels``): the data set itself stops before the pixels.

    Raises ``MissingIdentifier`` when the study, series, SOP instance or SOP class UID is absent or no UID.
    """
    read = header_reader.HeaderReader(dataset)
    return Header(
        patient=PatientHeader(**read.patient()),
        study=StudyHeader(**read.study()),
        series=SeriesHeader(**read.series()),
        instance=InstanceHeader(**read.instance(transfer_syntax_uid, has_pixels)),
    )


#: What ``HeaderReader`` reads, but for the geometry; and the longest text that is looked at.
_TAGS: Final = (
    "00080005 00080016 00080018 00080020 00080030 00080050 00080060 00080080 00080090 00080201 00081010 00081030 0008103E "
    "00081040 00100010 00100020 00100021 00100030 00100040 00180015 00181030 0020000D 0020000E 00200010 00200011 00200013 "
    "00200032 00200037 00200052 00200060 00200062 00280002 00280004 00280008 00280010 00280011 00280100 00321033"
)
_READ: Final = tuple(_TAGS.split())
_LONGEST: Final = 4096
_NUMBERS: Final = frozenset({"US", "SS", "UL", "SL"})


def read_record(record: Mapping[str, Any], *, transfer_syntax_uid: str = "") -> Header:
    """Header of a DICOM JSON object (``json_model.to_json``), the same as of the data set that it was made of.

    Raises ``MissingIdentifier`` as ``read_header``.
    """
    dataset = Dataset()
    found = (_raw(tag, record[tag]) for tag in _READ if tag in record)
    dataset.update({raw.tag: raw for raw in found if raw is not None})
    return read_header(dataset, transfer_syntax_uid=transfer_syntax_uid)


def _raw(tag: str, element: Mapping[str, Any]) -> RawDataElement | None:
    """A textual or integer element, as if it had been read from a file in UTF-8."""
    base, name = BaseTag(int(tag, 16)), str(element.get("vr", ""))
    if name == "SQ" or "Value" not in element:
        return None
    text = correctable.text_of(element)
    name = "IS" if name in _NUMBERS else name
    value = text.encode("utf-8", "replace") if len(text) <= _LONGEST else b""
    return RawDataElement(base, name, len(value), value, 0, False, True)
