"""The report of a study where the study is shown: its answer first, where it stands, and the way to write it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from imaging.reports.documents import canonical
from imaging.reports.writing import composing, facts, pages, policies, selectors
from imaging.reports.writing.policies import Act, State
from imaging.studies.models import Study

_ANSWERS: Final = ("impression", "conclusion", "summary")
_LONGEST: Final = 1200


@dataclass(frozen=True, slots=True)
class ReportShown:
    """What the panel says. ``kind`` is in the reader's words; ``answer`` is text, in the report's language."""

    state: str
    kind: str = ""
    answer: str = ""
    addendum: str = ""
    language: str = ""
    signed_by: str = ""
    signed_at: datetime | None = None
    address: str = ""
    write: str = ""
    is_other_patient: bool = False
    is_hidden_from_patient: bool = False


def of(request: HttpRequest, study: Study) -> ReportShown | None:
    """The report of a study that the reader views, and the way to write it; None when there is neither."""
    write = _way_to_write(request, study)
    found = signed(study)
    if found is None:
        return ReportShown(state=State.NONE, write=write) if write else None
    return replace(found, write=write)


def signed(study: Study) -> ReportShown | None:
    """What was signed last of a study that the reader views."""
    known = selectors.latest(study)
    if known is None:
        return None
    report, version = known
    content = canonical.read(version.content)
    answer = next((each.text for each in content.standing if each.code in _ANSWERS), "")
    addendum = next((each.text for each in content.sections if each.code == "addendum"), "")
    return ReportShown(
        state=report.state,
        kind=facts.version_word(version),
        answer=(answer or (content.standing[0].text if content.standing else ""))[:_LONGEST],
        addendum=addendum[:_LONGEST],
        language=content.language,
        signed_by=version.signer,
        signed_at=version.signed_at,
        address=reverse("reports:report", args=[report.key]),
        is_other_patient=not composing.is_of(version, study),
        is_hidden_from_patient=report.is_hidden_from_patient,
    )


def _way_to_write(request: HttpRequest, study: Study) -> str:
    """The address of the editor, for who may write now."""
    person = pages.writer_of(request)
    if person is None:
        return ""
    report = selectors.report_of(study)
    state, writing = selectors.standing(report, selectors.draft_of(report))
    acts = policies.offered(state, writing, selectors.powers(person, study))
    return reverse("reports:write", args=[study.study_instance_uid]) if Act.WRITE in acts else ""
