"""The panel beside the study list: what there is to know and to see of one study, from ready-made pictures.

A look is on record when it is shown. What a page fetches ahead (`?ahead`), so that the next row is there at once, holds
text, small pictures and addresses, and is on record as fetched; the page asks again when it shows it, and is answered 304.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import loader
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.roles import Right
from accounts.scope import Scope
from imaging.rendering import selectors as rendering
from imaging.rendering.models import Rendition
from imaging.sharing.making import pages as sharing
from imaging.storage.errors import StorageError
from imaging.studies import access
from imaging.studies import priors as study_priors
from imaging.studies import selectors as studies
from imaging.studies.models import Series, Study
from imaging.studies.reading import metadata
from imaging.templatetags.people import clock, day, person_text
from imaging.viewer import picture_addresses, study_facts, study_report, wording
from imaging.viewer.errors import of_a_study

MOST_PICTURES: Final = 12
MOST_PRIORS: Final = 6
_LONGEST_TEXT: Final = 600
#: Why the exam was made: Reason for the Requested Procedure, Reason for Study, Reason for Visit, Admitting Diagnoses.
_INDICATION: Final = ("00401002", "00321030", "00321066", "00081080")
#: Additional Patient History.
_HISTORY: Final = ("001021B0",)


@dataclass(frozen=True, slots=True)
class SeriesPicture:
    """One series: its small picture, the large one with its size, and where its images are."""

    label: str
    count: int
    small: str
    large: str
    width: int
    height: int
    address: str


@require_safe
@of_a_study
def panel(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the panel of one study; 304 while nothing in it has changed."""
    scope = request.scope  # type: ignore[attr-defined]
    study, may_view = access.preview_study(
        scope,
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        is_shown="ahead" not in request.GET,
    )
    context = {
        "study": study,
        "patient": study.patient,
        "title": wording.study_title(study),
        "facts": _facts(study, scope),
        "may_view": may_view,
        "may_share": may_view and sharing.may_share(study, request.user, scope),
        **(_pictures(study, scope) if may_view else {}),
        "report_shown": study_report.signed(study) if may_view else None,
    }
    text = loader.render_to_string("imaging/viewer/_study_preview.html", context, request)
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    response: HttpResponseBase = get_conditional_response(request, etag=etag) or HttpResponse(text)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-store"
    return response


def _pictures(study: Study, scope: Scope) -> dict[str, Any]:
    """What only who may view the study is shown: pictures, indication, other studies of the patient, problems."""
    series = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    large = rendering.previews_by_series(study, scope=scope)
    cards = [_card(row, large.get(row.pk)) for row in series[:MOST_PICTURES]]
    indication, history = _texts(study, series, scope)
    problems = study_facts.problems(rendering.problems_of(study))
    return {
        "cards": cards,
        "first": next((card for card in cards if card.large), next((card for card in cards if card.small), None)),
        "more_series": max(len(series) - MOST_PICTURES, 0),
        "indication": indication,
        "history": history,
        "timeline": _timeline(study, scope),
        "problem": problems[0] if problems else None,
        "conflict_count": studies.conflicts_of(study, scope=scope).count(),
    }


def _card(series: Series, preview: Rendition | None) -> SeriesPicture:
    picture = preview.stored_object if preview else None
    address = reverse("viewer:viewer", args=[series.study.study_instance_uid])
    return SeriesPicture(
        label=wording.series_label(series),
        count=series.frame_count or series.instance_count,
        small=picture_addresses.of_series(series),
        large=picture_addresses.of_instance(preview.version, "preview", picture) if preview else "",
        width=preview.width if preview else 0,
        height=preview.height if preview else 0,
        address=f"{address}?series={series.series_instance_uid}",
    )


def _timeline(study: Study, scope: Scope) -> list[study_priors.TimelineEntry]:
    """The studies of the patient nearest in rank, this one among them, latest first."""
    entries = study_priors.timeline_of(study, scope=scope)
    return [entry for entry in entries if entry.rank < MOST_PRIORS] if len(entries) > 1 else []


def _facts(study: Study, scope: Scope) -> list[study_facts.Fact]:
    """The facts that help to choose; the study's own page has the rest."""
    departments = studies.departments_having(study, scope=scope)
    images = ngettext("%(count)d image", "%(count)d images", study.instance_count) % {"count": study.instance_count}
    series = ngettext("%(count)d series", "%(count)d series", study.series_count) % {"count": study.series_count}
    known = [
        (_("Accession"), study.accession_number),
        (_("Body part"), study.body_part_examined),
        (_("Images"), f"{images}, {series}"),
        (_("Department"), ", ".join(department.label for department in departments)),
        (
            _("Referring physician"),
            person_text(study.referring_physician_name) if study.referring_physician_name else "",
        ),
        (_("Last image received"), f"{day(study.last_received_at)}, {clock(study.last_received_at)}"),
    ]
    return [study_facts.Fact(label, value) for label, value in known if value]


def _texts(study: Study, series: list[Series], scope: Scope) -> tuple[str, str]:
    """Indication and history as the headers have them; read from the smallest series, for they are the study's."""
    smallest = min(series, key=lambda row: row.instance_count, default=None)
    version = studies.versions_of(smallest, scope=scope).defer("frame_index").first() if smallest else None
    if version is None:
        return "", ""
    try:
        record = metadata.instance_record(version)
    except StorageError:
        return "", ""
    return _text(record, _INDICATION), _text(record, _HISTORY)


def _text(record: dict[str, Any], tags: tuple[str, ...]) -> str:
    """The first of these attributes that says something (DICOM JSON model, PS3.18 section F.2)."""
    for tag in tags:
        values = (record.get(tag) or {}).get("Value") or []
        text = "; ".join(str(value).strip() for value in values if isinstance(value, str) and value.strip())
        if text:
            return text[:_LONGEST_TEXT]
    return ""
