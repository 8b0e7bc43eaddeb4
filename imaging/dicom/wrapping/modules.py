"""Modules that every wrapped object has (PS3.3 C.7.1.1, C.7.2.1, C.7.3.1, C.7.5.1, C.12.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timezone
from typing import Any, Final

from pydicom import config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imaging.dicom.wrapping.facts import Concept, LossyHistory, Place

MANUFACTURER: Final = "Negatoscope"
MODEL: Final = "Negatoscope wrapping"

_TEXT: Final = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_MULTILINE: Final = frozenset({"LT", "ST", "UT"})
#: Control characters and the invisible ones that turn the direction of writing: a title must not disguise itself.
_UNWANTED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def put(dataset: Dataset, keyword: str, value: Any) -> None:
    """Set an attribute. Text loses control characters, and backslashes where they would begin another value.

    Nothing else is refused: what is copied from the archive must stay what it is there, however odd.
    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    representation = dictionary_VR(tag)
    if representation in _TEXT and isinstance(value, str):
        value = _UNWANTED.sub(" ", value).strip()
        if representation not in _MULTILINE:
            value = value.replace("\\", "/")
    if representation == "SQ":
        value = Sequence(value)
    dataset.add(DataElement(tag, representation, value, validation_mode=config.IGNORE))


def common(place: Place, *, sop_class_uid: str) -> Dataset:
    """A data set with patient, study, series, equipment and SOP common modules."""
    made = Dataset()
    zone = _zone(place)
    put(made, "SpecificCharacterSet", "ISO_IR 192")
    put(made, "SOPClassUID", sop_class_uid)
    put(made, "SOPInstanceUID", place.sop_instance_uid)
    put(made, "TimezoneOffsetFromUTC", place.made_at.astimezone(zone).strftime("%z")[:5])
    moment(made, "InstanceCreation", place.made_at.astimezone(zone))
    _patient(made, place)
    _study(made, place, zone)
    _series(made, place)
    put(made, "Manufacturer", MANUFACTURER)
    put(made, "ManufacturerModelName", MODEL)
    put(made, "InstanceNumber", str(place.instance_number))
    content = (place.taken_at or place.made_at).astimezone(zone)
    moment(made, "Content", content)
    put(made, "BurnedInAnnotation", "YES" if place.shows_identity else "NO")
    return made


def acquired(made: Dataset, place: Place, *, always: bool = False) -> None:
    """Acquisition DateTime: when the picture was taken; empty when nobody knows and ``always`` wants the attribute."""
    if place.taken_at is not None:
        put(made, "AcquisitionDateTime", place.taken_at.astimezone(_zone(place)).strftime("%Y%m%d%H%M%S%z"))
    elif always:
        put(made, "AcquisitionDateTime", "")


def lossy(made: Dataset, history: LossyHistory | None) -> None:
    """Lossy Image Compression attributes (C.7.6.1.1.5): once lost is lost for ever."""
    put(made, "LossyImageCompression", "01" if history else "00")
    if history:
        put(made, "LossyImageCompressionRatio", f"{max(history.ratio, 0.01):.2f}")
        put(made, "LossyImageCompressionMethod", history.method)


def code(concept: Concept) -> Dataset:
    """An item of a code sequence; a value too long for Code Value is a Long Code Value (PS3.3 section 8.8)."""
    item = Dataset()
    put(item, "CodeValue" if len(concept.value) <= 16 else "LongCodeValue", concept.value)
    put(item, "CodingSchemeDesignator", concept.scheme)
    put(item, "CodeMeaning", concept.meaning[:64])
    return item


def instance(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """An item that names another object (SOP Instance Reference Macro, Table 10-11)."""
    item = Dataset()
    put(item, "ReferencedSOPClassUID", sop_class_uid)
    put(item, "ReferencedSOPInstanceUID", sop_instance_uid)
    return item


def moment(made: Dataset, prefix: str, at: datetime | None, *, with_time: bool = True) -> None:
    """The attributes that ``prefix`` begins and Date or Time ends; empty without a moment."""
    put(made, f"{prefix}Date", at.strftime("%Y%m%d") if at else "")
    put(made, f"{prefix}Time", at.strftime("%H%M%S") if at and with_time else "")


def _zone(place: Place) -> timezone:
    """One offset for all dates of the object, as one attribute tells it: that of the study's own day."""
    at = place.study.study_at or place.made_at
    offset = at.utcoffset()
    return timezone(offset) if offset is not None else UTC


def _patient(made: Dataset, place: Place) -> None:
    patient = place.patient
    put(made, "PatientName", patient.patient_name)
    put(made, "PatientID", patient.patient_id)
    if patient.patient_id and patient.issuer_of_patient_id:
        put(made, "IssuerOfPatientID", patient.issuer_of_patient_id)
    put(made, "PatientBirthDate", patient.birth_date.strftime("%Y%m%d") if patient.birth_date else "")
    put(made, "PatientSex", patient.sex)


def _study(made: Dataset, place: Place, zone: timezone) -> None:
    study = place.study
    put(made, "StudyInstanceUID", study.study_instance_uid)
    moment(made, "Study", study.study_at.astimezone(zone) if study.study_at else None, with_time=study.time_is_known)
    put(made, "AccessionNumber", study.accession_number)
    put(made, "ReferringPhysicianName", study.referring_physician_name)
    put(made, "StudyID", study.study_id)
    if study.description:
        put(made, "StudyDescription", study.description)


def _series(made: Dataset, place: Place) -> None:
    series = place.series
    put(made, "SeriesInstanceUID", series.series_instance_uid)
    put(made, "SeriesNumber", str(series.series_number))
    put(made, "Modality", series.modality)
    if series.description:
        put(made, "SeriesDescription", series.description)
