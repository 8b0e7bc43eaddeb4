"""What the health record tells, beside a study and its images: a fragment of its own, so that no page waits for the record."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from imaging.ehr.records import words
from imaging.ehr.summary import selectors
from imaging.ehr.summary.selectors import Told
from imaging.fhir.summaries import LabTest, Matter, Result, Summary
from imaging.orders.requesting import selectors as requests
from imaging.studies import access
from imaging.studies.models import Study
from imaging.viewer.errors import of_a_study

_NAMES: Final[dict[LabTest, str | Promise]] = {
    LabTest.CREATININE: _("Creatinine"),
    LabTest.EGFR: _("eGFR"),
    LabTest.INR: _("INR"),
    LabTest.PREGNANCY: _("Pregnancy test"),
}
#: Those of which a line is drawn.
_DRAWN: Final = frozenset({LabTest.CREATININE, LabTest.EGFR})
_KINDS: Final[dict[str, str | Promise]] = {
    "AllergyIntolerance": _("allergies"),
    "Condition": _("problems"),
    "MedicationRequest": _("medication"),
    "Observation": _("laboratory"),
    "Encounter": _("stays and visits"),
}
#: Medication that a question of safety asks for, and the field that asks.
_ASKED: Final = (
    (Matter.METFORMIN, _("metformin"), "q-metformin"),
    (Matter.ANTICOAGULANT, _("anticoagulant"), "q-anticoagulant"),
)
_RECENT: Final = dt.timedelta(days=92)
#: The line of results, in the drawing's own units.
WIDTH: Final = 120
HEIGHT: Final = 28
_MOST_POINTS: Final = 12
_OF_NOBODY: Final = pgettext_lazy("health record", "none recorded")


@dataclass(frozen=True, slots=True)
class LabShown:
    """One test: its last result in words, and the line that led to it (empty for fewer than two results)."""

    name: str | Promise
    last: Result
    value: str
    earlier: tuple[tuple[Result, str], ...]
    line: str
    end: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the record says to a question of safety: the fields of the form that ask it, the answer, and in whose words."""

    name: str | Promise
    fields: str
    value: str
    words: str
    at: dt.datetime | None


def address(study: Study, request: HttpRequest) -> str:
    """Where the fragment of a study is; empty where this reader is offered none."""
    record = selectors.offered(study, request.scope)  # type: ignore[attr-defined]
    return reverse("viewer:study-record", args=[study.study_instance_uid]) if record else ""


@require_safe
@never_cache
@of_a_study
def fragment(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Show what the record tells of the patient; ``?again`` asks it anew."""
    scope, actor = request.scope, request.actor  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=actor, purpose=access.Purpose.THUMBNAIL)
    record = selectors.offered(study, scope)
    if record is None:
        raise Http404
    told = selectors.told_on(study, study.patient, record, actor=actor, afresh="again" in request.GET)
    return _shown(request, told, {})


@require_safe
@never_cache
def of_request(request: HttpRequest, key: uuid.UUID) -> HttpResponseBase:
    """Show what the record tells of the patient of a request, with what answers the questions of safety; ``?again`` asks anew."""
    scope, actor = request.scope, request.actor  # type: ignore[attr-defined]
    exam = requests.request_of(scope, key)
    record = selectors.offered_for_request(exam, scope) if exam else None
    if exam is None or exam.patient is None or record is None:
        raise Http404
    told = selectors.told_on(exam, exam.patient, record, actor=actor, afresh="again" in request.GET)
    return _shown(request, told, {"answers": _answers(told.summary)})


def _shown(request: HttpRequest, told: Told, more: dict[str, Any]) -> HttpResponseBase:
    context = {
        "told": told,
        "summary": told.summary,
        "tests": tests(told.summary),
        "missing": [_KINDS.get(kind, kind) for kind in told.missing],
        "problem": words.problem(told.problem) if told.problem else "",
        "none": _OF_NOBODY,
        "again": f"{request.path}?again",
        **_asked(told),
        **more,
    }
    return render(request, "imaging/viewer/_patient_record.html", context)


def _answers(summary: Summary) -> list[Answer]:
    """What the record answers of the questions that the starter catalogue asks; a filtration rate of three months at most."""
    found = []
    rates = summary.of(LabTest.EGFR)
    if rates and rates[0].value is not None and timezone.now() - rates[0].at <= _RECENT:
        value = f"{rates[0].value:g}"
        found.append(Answer(_NAMES[LabTest.EGFR], "q-egfr-iodine q-egfr-gado", value, _value(rates[0]), rates[0].at))
    for matter, name, field in _ASKED:
        if one := next((one for one in summary.medications if one.matter is matter), None):
            found.append(Answer(name, field, "yes", one.words, None))
    return found


def tests(summary: Summary) -> list[LabShown]:
    """The tests of which there is a result, each with its line."""
    shown = []
    for test, name in _NAMES.items():
        results = summary.of(test)
        if results:
            line = _line(results) if test in _DRAWN else ()
            earlier = tuple((one, _value(one)) for one in results[1:_MOST_POINTS])
            shown.append(
                LabShown(
                    name,
                    results[0],
                    _value(results[0]),
                    earlier,
                    " ".join(f"{x},{y}" for x, y in line),
                    line[-1] if line else None,
                )
            )
    return shown


def _asked(told: Told) -> dict[str, bool]:
    """Which kinds were answered: where none is told, that is not the same as none there."""
    return {f"has_{kind}": kind not in told.missing for kind in _KINDS}


def _value(result: Result) -> str:
    """The result as people write numbers here."""
    if result.value is None:
        return result.words
    return result.words.replace(f"{result.value:g}", number_format(f"{result.value:g}", use_l10n=True), 1)


def _line(results: Sequence[Result]) -> tuple[tuple[int, int], ...]:
    """Points of a line through the last results of the same unit, by time and value."""
    points = [one for one in results if one.value is not None and one.unit == results[0].unit][:_MOST_POINTS][::-1]
    if len(points) < 2:
        return ()
    moments = [one.at.timestamp() for one in points]
    values = [one.value or 0.0 for one in points]
    long, high = (moments[-1] - moments[0]) or 1.0, (max(values) - min(values)) or 1.0
    return tuple(
        (
            3 + round((moment - moments[0]) / long * (WIDTH - 6)),
            HEIGHT - 4 - round((value - min(values)) / high * (HEIGHT - 8)),
        )
        for moment, value in zip(moments, values, strict=True)
    )
