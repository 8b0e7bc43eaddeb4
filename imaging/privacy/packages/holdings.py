"""What the portal holds of a patient beside the images, as JSON and CSV: what a person may take elsewhere.

The patient's own data, in full: what others did is told by day and function, and names the staff only where the hospital's
letterhead says so.
"""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.spreadsheet import cell, separator_of
from imaging.dicom import person_name
from imaging.privacy.looking import letters, selectors
from imaging.privacy.looking.identities import identity_of
from imaging.privacy.looking.selectors import Period
from imaging.studies import oppositions
from imaging.studies.models import Correction, Patient, Series, Study

#: How far back the record of who looked is told.
_YEARS: Final = 10


def files_of(patient: Patient, *, language: str) -> list[tuple[str, bytes]]:
    """(name, content) of the texts of a package, in the language that is active."""
    studies = list(patient.studies.filter(instance_count__gt=0).order_by("study_at", "pk"))
    looks = _looks(patient)
    told = [_study(study) for study in studies]
    held = {
        "patient": _patient(patient),
        "studies": told,
        "corrections": _corrections(patient),
        "choices": _choices(patient),
        "access": looks,
        "written": timezone.now().isoformat(),
    }
    text = json.dumps(held, ensure_ascii=False, indent=2, default=str)
    return [
        ("DATA/DATA.JSON", text.encode("utf-8", "replace")),
        ("DATA/STUDIES.CSV", _table(_STUDY_COLUMNS, told, language)),
        ("DATA/ACCESS.CSV", _table(_LOOK_COLUMNS, looks, language)),
    ]


def _patient(patient: Patient) -> dict[str, Any]:
    identity = identity_of(patient)
    return {
        "name": person_name.display(patient.patient_name),
        "name_dicom": patient.patient_name,
        "birth_date": patient.birth_date,
        "sex": patient.sex,
        "patient_id": patient.patient_id,
        "issuer_of_patient_id": patient.issuer_of_patient_id,
        "earlier_patient_ids": list(identity.earlier_ids),
        "known_since": patient.created_at.isoformat(),
    }


_STUDY_COLUMNS: Final = (
    *(
        "study_instance_uid",
        "date",
        "description",
        "modalities",
        "body_part",
        "accession_number",
        "referring_physician",
    ),
    *("department", "series", "images", "source", "received"),
)


def _study(study: Study) -> dict[str, Any]:
    series = Series.objects.filter(study=study, instance_count__gt=0).order_by("series_number", "pk")
    return {
        "study_instance_uid": study.study_instance_uid,
        "date": _moment(study.study_at) if study.study_time_known else timezone.localtime(study.study_at).date(),
        "description": study.description,
        "modalities": " ".join(study.modalities),
        "body_part": study.body_part_examined,
        "accession_number": study.accession_number,
        "referring_physician": person_name.display(study.referring_physician_name),
        "department": study.institutional_department_name,
        "series": study.series_count,
        "images": study.instance_count,
        "source": study.source,
        "received": _moment(study.first_received_at),
        "series_in_detail": [
            {
                "series_instance_uid": row.series_instance_uid,
                "modality": row.modality,
                "number": row.series_number,
                "description": row.description,
                "images": row.instance_count,
            }
            for row in series
        ],
    }


def _corrections(patient: Patient) -> list[dict[str, Any]]:
    rows = Correction.objects.filter(study__patient=patient).order_by("group", "pk").distinct("group")
    return [
        {
            "study_instance_uid": row.study.study_instance_uid,
            "corrected": row.attributes,
            "received": row.received,
            "reason": row.reason,
            "made": _moment(row.made_at),
            "reverted": _moment(row.reverted_at) if row.reverted_at else "",
        }
        for row in rows.select_related("study")
    ]


def _choices(patient: Patient) -> list[dict[str, Any]]:
    return [
        {
            "use": row.get_use_display(),
            "answer": row.get_answer_display(),
            "said_by": row.get_said_by_display(),
            "said_on": row.said_on,
            "evidence": row.evidence,
            "withdrawn": _moment(row.withdrawn_at) if row.withdrawn_at else "",
        }
        for row in oppositions.choices_of(patient)
    ]


_LOOK_COLUMNS: Final = ("day", "who", "role", "from", "to", "what", "why", "how")


def _looks(patient: Patient) -> list[dict[str, Any]]:
    today = timezone.localdate()
    period = Period(today - dt.timedelta(days=366 * _YEARS), today)
    found = selectors.looks_at(identity_of(patient), period)
    return letters.lines_of(found.groups, names_staff=letters.letterhead_of(patient).names_staff)


def _table(columns: Sequence[str], rows: Iterable[dict[str, Any]], language: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator_of(language), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    words = _words()
    writer.writerow([words.get(column, column) for column in columns])
    for row in rows:
        writer.writerow([cell(_flat(row[column])) for column in columns])
    return ("\N{ZERO WIDTH NO-BREAK SPACE}" + text.getvalue()).encode("utf-8", "replace")


def _flat(value: Any) -> Any:
    return "; ".join(str(item) for item in value) if isinstance(value, list) else value


def _words() -> dict[str, str]:
    return {
        "date": _("Date"),
        "description": _("Study"),
        "modalities": _("Modality"),
        "body_part": _("Body part"),
        "accession_number": _("Accession"),
        "referring_physician": _("Referring physician"),
        "department": _("Department"),
        "images": _("Images"),
        "source": _("Source"),
        "received": _("Received"),
        "day": _("Day"),
        "who": _("Who"),
        "role": _("Role"),
        "from": _("First"),
        "to": _("Last"),
        "what": _("What"),
        "why": _("Ground"),
        "how": _("By which way"),
    }


def _moment(value: dt.datetime) -> str:
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
