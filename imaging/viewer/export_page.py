"""The page that lies in an export: who gave it, what it holds, each series with its picture, and how to open the images.

It is one file without a script, shows nothing that does not lie beside it, and needs neither the portal nor the internet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Scope
from imaging.studies.export import extras, notes
from imaging.studies.export.directory import Folder
from imaging.studies.export.extras import Extra
from imaging.studies.export.services import Around, Content
from imaging.studies.models import Patient, Study
from imaging.templatetags import people
from imaging.viewer import export_previews, wording
from imaging.viewer.export_previews import Preview

_PAGE: Final = "index.html"
_REPORTS: Final = "REPORT"
_TEMPLATE: Final = "imaging/viewer/export/index.html"


@dataclass(frozen=True, slots=True)
class ReportFile:
    """A report (PDF) of one of the studies, that its reader may have; ``label`` is what its link says."""

    study_instance_uid: str
    content: bytes
    label: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """What is told of who hands over to whom, as plain words, and the reports that go along."""

    hospital: str = ""
    sender: str = ""
    recipient: str = ""
    note: str = ""
    reports: tuple[ReportFile, ...] = ()


@dataclass(frozen=True, slots=True)
class _ShownSeries:
    title: str
    detail: str
    folder: str
    picture: str
    alternative: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _ShownReport:
    address: str
    label: str


@dataclass(frozen=True, slots=True)
class _ShownStudy:
    title: str
    detail: str
    series: list[_ShownSeries]
    reports: list[_ShownReport]


def around(cover: Cover, *, scope: Scope) -> Around:
    """What gives an export its page, in the language that is active then, with the pictures that ``scope`` may see.

    Where the identity of the patient is taken out, the page holds neither name, description and date, nor pictures and
    reports: nobody took it out of those.
    """

    def files(content: Content) -> list[Extra]:
        is_named = not content.handed.is_deidentified
        previews = export_previews.of(content.folders, scope=scope) if is_named else {}
        reports = _reports(content, cover) if is_named else {}
        page = render_to_string(_TEMPLATE, _context(content, cover, previews, reports))
        return [
            extras.given(_PAGE, page.encode()),
            *(preview.file for preview in previews.values()),
            *(file for found in reports.values() for file, _label in found),
        ]

    return files


def _reports(content: Content, cover: Cover) -> dict[str, list[tuple[Extra, str]]]:
    """The files of the reports with their labels, by Study Instance UID; one of a study that is not here is left out."""
    numbers = {folder.part.series.study.study_instance_uid: folder.names[0] for folder in content.folders}
    found: dict[str, list[tuple[Extra, str]]] = {}
    for report in cover.reports:
        name = numbers.get(report.study_instance_uid)
        if name is None:
            continue
        own = found.setdefault(report.study_instance_uid, [])
        ending = f"-{len(own) + 1}" if own else ""
        own.append((extras.given(f"{_REPORTS}/{name}{ending}.PDF", report.content), report.label or _("Report (PDF)")))
    return found


def _context(
    content: Content,
    cover: Cover,
    previews: Mapping[int, Preview],
    reports: Mapping[str, list[tuple[Extra, str]]],
) -> dict[str, object]:
    is_named = not content.handed.is_deidentified
    by_study = [
        (own[0].part.series.study, own)
        for own in (list(own) for _number, own in groupby(content.folders, key=lambda folder: folder.study_number))
    ]
    patient = _patient([study for study, _own in by_study]) if is_named else None
    shown = [
        _study(study, own, previews, reports, is_named=is_named, is_of_others=patient is None)
        for study, own in by_study
    ]
    return {
        "title": _("Medical images"),
        "cover": cover,
        "handed": content.handed,
        "patient": patient,
        "studies": shown,
        "lost": notes.lost_words(content.lost) if content.lost else "",
    }


def _patient(studies: list[Study]) -> Patient | None:
    """The patient of all studies; None where they are of several."""
    patients = {study.patient_id: study.patient for study in studies}
    return next(iter(patients.values())) if len(patients) == 1 else None


def _study(
    study: Study,
    folders: list[Folder],
    previews: Mapping[int, Preview],
    reports: Mapping[str, list[tuple[Extra, str]]],
    *,
    is_named: bool,
    is_of_others: bool,
) -> _ShownStudy:
    """``is_of_others`` when the page's head does not name the patient, because there are several."""
    count = sum(folder.count for folder in folders)
    whose = people.person_text(study.patient.patient_name) if is_of_others else ""
    named = [people.day(study.study_at), whose] if is_named else []
    # Those of what is in the zip: the study may have others, which were not given.
    given = {folder.part.series.modality for folder in folders}
    modalities = [code for code in study.modalities if code in given]
    return _ShownStudy(
        title=wording.study_title(study) if is_named else " ".join(modalities) or _("Study without a name"),
        detail=_detail(*named, ", ".join(modalities), _files(count)),
        series=[_series(folder, previews.get(folder.part.series.pk), is_named=is_named) for folder in folders],
        reports=[_ShownReport(file.name, label) for file, label in reports.get(study.study_instance_uid, ())],
    )


def _series(folder: Folder, preview: Preview | None, *, is_named: bool) -> _ShownSeries:
    series = folder.part.series
    number = _("Series %(number)s") % {"number": folder.series_number}
    title = wording.series_label(series) if is_named else number
    where = series.body_part_examined if is_named else ""
    return _ShownSeries(
        title=title,
        detail=_detail(series.modality, where, _files(folder.count)),
        folder=folder.path,
        picture=preview.file.name if preview else "",
        alternative=_("Preview of the series “%(title)s”") % {"title": title},
        width=preview.width if preview else 0,
        height=preview.height if preview else 0,
    )


def _files(count: int) -> str:
    return ngettext("%(count)d image file", "%(count)d image files", count) % {"count": count}


def _detail(*parts: str) -> str:
    return " · ".join(part for part in parts if part)
