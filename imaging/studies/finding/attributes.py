"""The columns of rows as DICOM attributes (the JSON model of PS3.18 annex F): what every query answers with.

An attribute without a value is there and empty, as type 2 asks for. Dates and times are of the current time zone, which
Timezone Offset From UTC names; a study that says no date has none here, whatever day lists show it under.
"""

from typing import Any, Final

from django.utils import timezone
from pydicom import datadict

from imaging.dicom import json_values
from imaging.studies.models import Instance, Series, Study

Attributes = dict[str, dict[str, Any]]

_AVAILABILITY: Final = "ONLINE"
_NAMES: Final = frozenset({"PatientName", "ReferringPhysicianName"})


def of_study(study: Study) -> Attributes:
    """Attributes of a study and its patient, which must be fetched with it."""
    patient, at = study.patient, timezone.localtime(study.study_at)
    known = study.study_time_known
    return _elements(
        {
            "SpecificCharacterSet": "ISO_IR 192",
            "StudyDate": at.strftime("%Y%m%d").zfill(8) if known else "",
            "StudyTime": _time(at) if known else "",
            "AccessionNumber": study.accession_number,
            "InstanceAvailability": _AVAILABILITY,
            "ModalitiesInStudy": study.modalities,
            "ReferringPhysicianName": study.referring_physician_name,
            "TimezoneOffsetFromUTC": at.strftime("%z") if known else "",
            "StudyDescription": study.description,
            "InstitutionalDepartmentName": study.institutional_department_name,
            "PatientName": patient.patient_name,
            "PatientID": patient.patient_id,
            "IssuerOfPatientID": patient.issuer_of_patient_id,
            "PatientBirthDate": patient.birth_date.strftime("%Y%m%d").zfill(8) if patient.birth_date else "",
            "PatientSex": patient.sex,
            "StudyInstanceUID": study.study_instance_uid,
            "StudyID": study.study_id,
            "NumberOfStudyRelatedSeries": study.series_count,
            "NumberOfStudyRelatedInstances": study.instance_count,
        }
    )


def of_series(series: Series) -> Attributes:
    """Attributes of a series, its study's not among them."""
    return _elements(
        {
            "SpecificCharacterSet": "ISO_IR 192",
            "InstanceAvailability": _AVAILABILITY,
            "Modality": series.modality,
            "StationName": series.station_name,
            "SeriesDescription": series.description,
            "BodyPartExamined": series.body_part_examined,
            "ProtocolName": series.protocol_name,
            "SeriesInstanceUID": series.series_instance_uid,
            "SeriesNumber": series.series_number,
            "FrameOfReferenceUID": series.frame_of_reference_uid,
            "Laterality": series.laterality,
            "NumberOfSeriesRelatedInstances": series.instance_count,
        }
    )


def of_instance(instance: Instance) -> Attributes:
    """Attributes of an instance, those of its series and study not among them; without pixels it has no size."""
    known = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": instance.sop_class_uid,
        "SOPInstanceUID": instance.sop_instance_uid,
        "InstanceAvailability": _AVAILABILITY,
        "InstanceNumber": instance.instance_number,
    }
    if instance.number_of_frames:
        known |= {
            "NumberOfFrames": instance.number_of_frames,
            "Rows": instance.rows,
            "Columns": instance.columns,
        }
    return _elements(known)


def element(keyword: str, value: Any) -> tuple[str, dict[str, Any]]:
    """Eight digits and JSON element of an attribute; several values as a list, none as nothing."""
    tag = int(datadict.tag_for_keyword(keyword) or 0)
    found: dict[str, Any] = {"vr": datadict.dictionary_VR(tag)}
    values = value if isinstance(value, list) else [value]
    if keyword in _NAMES:
        values = [json_values.name(text) for text in values if text]
    values = [item for item in values if item not in ("", None)]
    if values:
        found["Value"] = values
    return f"{tag:08X}", found


def _elements(values: dict[str, Any]) -> Attributes:
    return dict(sorted(element(keyword, value) for keyword, value in values.items()))


def _time(at: Any) -> str:
    """A time as DICOM writes it (VR TM), with a fraction only where there is one."""
    text: str = at.strftime("%H%M%S")
    return f"{text}.{at.microsecond:06}" if at.microsecond else text
