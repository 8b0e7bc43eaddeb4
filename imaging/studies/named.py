"""What a study is called in one line, for lists that are not of studies: whom it shows, what, and when."""

from django.utils import timezone
from django.utils.formats import date_format

from imaging.dicom import person_name
from imaging.studies.models import Study


def line(study: Study) -> str:
    """Return ``Dupont, Marie · CT chest · 22 Nov 2026``; the study's patient is read with it."""
    what = study.description or " ".join(study.modalities)
    when = date_format(timezone.localtime(study.study_at), "SHORT_DATE_FORMAT") if study.study_at else ""
    return " · ".join(part for part in (person_name.display(study.patient.patient_name), what, when) if part)
