"""From headers to the columns of rows: cleaned once more at the border of the database, filled where blank."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from imaging.dicom import person_name
from imaging.dicom.header import Header, PatientHeader, SeriesHeader
from imaging.studies.models import Instance, Patient, Series, Study
from imaging.studies.rows.incoming import IncomingInstance

#: Issuer of the patient ID, and the ID: what makes two patients the same (PS3.3 table C.7-1).
PatientKey = tuple[str, str]

LARGEST_INTEGER = 2**31 - 1
#: More modalities than this in one study are a mistake or an attack, and would not fit into an index.
_MOST_MODALITIES = 50


def clean(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values that the columns can hold: no NUL, no longer than the column, numbers that fit (or None)."""
    cleaned = {}
    for name, value in values.items():
        field = model._meta.get_field(name)
        if isinstance(value, str):
            value = value.replace("\x00", "")[: getattr(field, "max_length", None)]
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
            value = None if getattr(field, "null", False) else LARGEST_INTEGER
        cleaned[name] = value
    return cleaned


def fill_blanks(row: models.Model, values: Mapping[str, Any]) -> bool:
    """Give ``row`` the values whose columns are still blank; whether anything changed.

    What was received first stays: a later object may complete a study's columns, never change them (corrections do).
    """
    changed = False
    for name, value in clean(type(row), values).items():
        if value not in {"", None} and getattr(row, name) in {"", None}:
            setattr(row, name, value)
            changed = True
    return changed


def patient_values(header: PatientHeader) -> dict[str, Any]:
    """What a patient's row takes from a header, without its identity."""
    return {
        "patient_name": header.patient_name,
        "name_norm": header.name_norm,
        "birth_date": header.birth_date,
        "sex": header.sex,
    }


def patient_key(item: IncomingInstance) -> PatientKey | None:
    """Issuer and ID that name a patient, or None when the header names none: then the study has a patient of its own."""
    patient_id = item.header.patient.patient_id
    if not patient_id:
        return None
    key = clean(Patient, {"issuer_of_patient_id": item.issuer_of_patient_id, "patient_id": patient_id})
    return key["issuer_of_patient_id"], key["patient_id"]


def study_values(found: Header) -> dict[str, Any]:
    """What a study's row takes from an instance, but for its time, which ``date_study`` gives."""
    header = found.study
    return {
        "accession_number": header.accession_number,
        "study_id": header.study_id,
        "description": header.description,
        "description_norm": person_name.normalised(header.description),
        "referring_physician_name": header.referring_physician_name,
        "referring_norm": person_name.normalised(header.referring_physician_name),
        "institutional_department_name": header.institutional_department_name,
        "body_part_examined": found.series.body_part_examined,
    }


def date_study(study: Study, item: IncomingInstance) -> None:
    """Give a study its date: the first that a header tells, and the moment of arrival until one does."""
    undated = study._state.adding and study.instance_count == 0
    if item.study_at is not None and (undated or not study.study_time_known):
        study.study_at, study.study_time_known = item.study_at, True
    elif undated:
        study.study_at, study.study_time_known = item.received_at, False


def series_values(header: SeriesHeader) -> dict[str, Any]:
    """What a series' row takes from a header."""
    return {
        "modality": header.modality,
        "series_number": header.series_number,
        "description": header.description,
        "body_part_examined": header.body_part_examined,
        "laterality": header.laterality,
        "station_name": header.station_name,
        "protocol_name": header.protocol_name,
        "frame_of_reference_uid": header.frame_of_reference_uid,
    }


def instance_values(found: Header) -> dict[str, Any]:
    """What an instance's row takes from a header; an object without pixels has no frames."""
    header = found.instance
    return clean(
        Instance,
        {
            "sop_instance_uid": header.sop_instance_uid,
            "sop_class_uid": header.sop_class_uid,
            "instance_number": header.instance_number,
            "number_of_frames": max(header.number_of_frames, 1) if header.has_pixels else 0,
            "rows": header.rows if header.has_pixels else 0,
            "columns": header.columns if header.has_pixels else 0,
        },
    )


def modalities(known: Iterable[str], more: Iterable[str]) -> list[str]:
    """Modalities in Study (0008,0061): each once, in alphabetical order."""
    field = Series._meta.get_field("modality")
    return sorted({value[: field.max_length] for value in (*known, *more) if value})[:_MOST_MODALITIES]


def span(study: Study, received_at: datetime) -> None:
    """Stretch the time in which a study was received."""
    study.first_received_at = min(study.first_received_at or received_at, received_at)
    study.last_received_at = max(study.last_received_at or received_at, received_at)
