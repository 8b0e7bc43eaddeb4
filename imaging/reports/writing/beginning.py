"""How a report begins: what was saved, else the template that fits the study best, its macros in place."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import get_language

from imaging.reports.models import ReadingItem, ReportDraft, ReportTemplate
from imaging.reports.templates import fields, titles
from imaging.reports.templates import policies as choosing
from imaging.reports.templates import selectors as templates
from imaging.reports.templates.policies import Wanted
from imaging.reports.writing import selectors
from imaging.reports.writing.policies import Section
from imaging.reports.writing.selectors import Writer
from imaging.studies.models import Study

LANGUAGES: Final = ("en", "fr")
_LONGEST_QUESTION: Final = 4_000


@dataclass(frozen=True, slots=True)
class Beginning:
    """The text to begin with; ``revision`` is 0 when nothing is saved yet. ``offered`` are the templates to choose from."""

    sections: list[Section]
    language: str
    revision: int
    template: ReportTemplate | None
    offered: list[ReportTemplate]


def of(person: Writer, study: Study, draft: ReportDraft | None, *, chosen: str = "") -> Beginning:
    """What the editor shows first. ``chosen`` is the key of a template, or a language without one."""
    offered = _offered(person, study)
    if draft is not None:
        report = draft.report
        sections = [dict(section) for section in draft.sections]
        return Beginning(sections, report.language, draft.revision, report.template, offered)
    asked = selectors.asked(study)
    language = chosen if chosen in LANGUAGES else _language()
    found = _chosen(offered, chosen) or (_best(offered, study, asked, language) if chosen not in LANGUAGES else None)
    if found is not None:
        language = found.language
    macros = templates.macros_for(person.user, language)
    kept = found.sections if found is not None else [{"code": code, "text": ""} for code in titles.USUAL]
    return Beginning(_filled(kept, language, macros, asked), language, 0, found, offered)


def template_named(person: Writer, study: Study, key: str) -> ReportTemplate | None:
    """A template that this person is offered for this study."""
    return _chosen(_offered(person, study), key)


def _offered(person: Writer, study: Study) -> list[ReportTemplate]:
    places = person.writes_in & selectors.departments_working_on(study)
    return list(templates.templates_for(person.user, places).order_by("language", "position", "name"))


def _chosen(offered: list[ReportTemplate], key: str) -> ReportTemplate | None:
    try:
        wanted = uuid.UUID(key)
    except ValueError:
        return None
    return next((row for row in offered if row.key == wanted), None)


def _best(
    offered: list[ReportTemplate], study: Study, asked: ReadingItem | None, language: str
) -> ReportTemplate | None:
    modality = (asked.modality if asked else "") or next(iter(study.modalities), "")
    wanted = Wanted(
        language=language,
        modality=modality,
        body_part_examined=study.body_part_examined,
        procedure_code=asked.procedure_code if asked else "",
    )
    pk = choosing.best(templates.offers(offered), wanted)
    return next((row for row in offered if row.pk == pk), None)


def _filled(
    kept: list[Mapping[str, Any]], language: str, macros: Mapping[str, str], asked: ReadingItem | None
) -> list[Section]:
    """The sections with their titles and macros; the question that was asked is the indication."""
    sections: list[Section] = []
    for section in kept:
        code = str(section["code"])
        text, _problems = fields.expand(str(section.get("text", "")), macros)
        if code == "indication" and not text.strip() and asked is not None:
            text = asked.clinical_question[:_LONGEST_QUESTION]
        title = str(section.get("title") or "") or titles.title_of(code, language)
        sections.append({"code": code, "title": title, "text": text})
    return sections


def _language() -> str:
    language = (get_language() or "en")[:2]
    return language if language in LANGUAGES else "en"
