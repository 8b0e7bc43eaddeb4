"""What the pages of reports show beside the text: the question, the images, the earlier reports, what was taken in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from imaging.reports.critical import selectors as critical
from imaging.reports.documents import canonical, page
from imaging.reports.documents.content import Kind
from imaging.reports.documents.sheet import kind_word
from imaging.reports.models import Report, ReportDraft, ReportVersion
from imaging.reports.templates import policies as choosing
from imaging.reports.writing import differences, policies, pulling, selectors
from imaging.reports.writing.beginning import Beginning
from imaging.reports.writing.policies import Writing
from imaging.reports.writing.selectors import Writer
from imaging.studies.models import Study


@dataclass(frozen=True, slots=True)
class Part:
    """A section in the editor; ``number`` is the digit of its key, 0 beyond the ninth."""

    code: str
    title: str
    text: str
    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """Something that was taken from the images; ``words`` are its label or caption."""

    position: int
    is_picture: bool
    words: str
    value: str
    address: str


@dataclass(frozen=True, slots=True)
class Prior:
    """An earlier report: when, of what, and where its text is."""

    study: Study
    version: ReportVersion
    title: str
    impression: str
    address: str


def editor(
    person: Writer, study: Study, report: Report | None, draft: ReportDraft | None, start: Beginning
) -> dict[str, Any]:
    """All that the editor shows."""
    may_sign = selectors.powers(person, study).may_sign
    overtaken = selectors.overtaken(report, person.user)
    return {
        "study": study,
        "patient": study.patient,
        "report": report,
        "draft": draft,
        "start": start,
        "parts": _parts(start),
        "templates": _grouped(start, study),
        "asked": selectors.asked(study),
        "measurements": pulling.measurements(study, person, language=start.language),
        "pictures": pulling.pictures(study, person, language=start.language),
        "pulled": pulled(study, draft) if draft else [],
        "signed": _signed(report, draft),
        "priors": priors(study, person),
        "critical_findings": critical.holding(study),
        "may_sign": may_sign,
        "supervisors": [each for each in selectors.supervisors(study) if each.pk != person.user.pk],
        "may_dictate": selectors.policy().allows_dictation,
        "overtaken": overtaken,
        "overtaken_changes": differences.sections(draft.sections if draft else [], overtaken.sections)
        if overtaken
        else [],
        "limits": {"text": policies.LONGEST_REPORT},
    }


def pulled(study: Study, draft: ReportDraft) -> list[Pulled]:
    """What was taken in, in its order."""
    found = []
    for position, entry in enumerate(draft.pulled):
        is_picture = entry["kind"] == "picture"
        address = reverse("reports:picture", args=[study.study_instance_uid, entry["sha256"]]) if is_picture else ""
        value = "" if is_picture else f"{entry['value']} {entry['unit']}".replace(" °", "°")
        found.append(Pulled(position, is_picture, entry["caption" if is_picture else "label"], value, address))
    return found


def priors(study: Study, person: Writer) -> list[Prior]:
    """The reports of the patient's other studies, latest first."""
    found = []
    for version in selectors.prior_reports(study, scope=person.scope):
        signed = canonical.read(version.content)
        answer = next((each.text for each in signed.sections if each.code in {"impression", "conclusion"}), "")
        found.append(
            Prior(
                version.report.study,
                version,
                signed.title,
                answer[:280],
                reverse("reports:beside", args=[version.report.key]),
            )
        )
    return found


def _signed(report: Report | None, draft: ReportDraft | None) -> SafeString | None:
    """The version that an addendum is added to, or that is corrected; None while nothing is signed."""
    known = selectors.version(report) if report is not None and draft is not None else None
    if known is None or draft is None or draft.kind == Writing.REPORT.value:
        return None
    return page.fragment(canonical.read(known.content), pictures=False)


def version_word(version: ReportVersion) -> str:
    """What a version is, in the reader's language."""
    return kind_word(Kind(version.kind))


def _parts(start: Beginning) -> list[Part]:
    return [
        Part(
            code=section["code"],
            title=section["title"],
            text=section["text"],
            number=number if number <= 9 else 0,
            rows=max(2, min(14, section["text"].count("\n") + 2)),
        )
        for number, section in enumerate(start.sections, 1)
    ]


def _grouped(start: Beginning, study: Study) -> list[tuple[str, list[Any]]]:
    """The templates to choose from: those for such studies first, then the others, by language."""
    family = {choosing.family(each) for each in study.modalities}
    fitting = [row for row in start.offered if not row.modality or choosing.family(row.modality) in family]
    others = [row for row in start.offered if row not in fitting]
    return [("fitting", fitting), ("others", others)]
