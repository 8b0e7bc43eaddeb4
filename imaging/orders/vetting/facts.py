"""Requests as the vetting list shows them: the line, what its decision needs, and what was decided last."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, pgettext_lazy

from imaging.orders.catalogue import questions
from imaging.orders.catalogue import selectors as catalogue
from imaging.orders.catalogue.questions import Answered
from imaging.orders.models import ExamRequest
from imaging.orders.requesting import facts, policies, warnings
from imaging.orders.requesting import selectors as requesting
from imaging.orders.requesting.facts import Line
from imaging.orders.requesting.policies import Asker
from imaging.orders.vetting.selectors import SHOWN, Decision
from imaging.orders.workflow import State, Step

_PARTS: Final[Mapping[str, str | Promise]] = {
    "waiting": gettext_lazy("To vet"),
    "returned": gettext_lazy("Returned"),
    "vetted": pgettext_lazy("exam requests", "Vetted"),
    "refused": pgettext_lazy("exam requests", "Refused"),
}
_TAKE_BACK: Final[Mapping[str, str | Promise]] = {
    Step.UNVET: gettext_lazy("Take the vetting back"),
    Step.RECALL: gettext_lazy("Take the question back"),
    Step.RECONSIDER: gettext_lazy("Take the refusal back"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One request of the list: ``waited`` since it was asked for, ``alarming`` what was answered on safety."""

    line: Line
    waited: str
    alarming: list[Answered]


@dataclass(frozen=True, slots=True)
class Told:
    """What a person decided last, in words, and what takes it back."""

    line: Line
    words: str
    back: str
    back_words: str


def row(request: ExamRequest) -> Row:
    """A request for the list."""
    alarming = [answer for answer in questions.answered(request.safety) if answer.is_alarming]
    since = request.requested_at if request.state == State.REQUESTED else request.changed_at
    return Row(facts.line(request), facts.waited(since), alarming)


def parts(counted: Mapping[str, int], most: int) -> list[tuple[str, str, str]]:
    """What the page offers to show: (word of the address, words, how many)."""
    return [(show, str(_PARTS[show]), _count(counted.get(show, 0), most)) for show in SHOWN]


def _count(number: int, most: int) -> str:
    if not number:
        return ""
    return f"{most - 1}+" if number >= most else str(number)


def told(decision: Decision) -> Told:
    """What a person decided last."""
    words = str(facts.STEPS[decision.step])
    return Told(facts.line(decision.request), words, decision.back.value, str(_TAKE_BACK[decision.back]))


def detail(found: ExamRequest, person: Asker) -> dict[str, Any]:
    """All that a decision needs to know of a request."""
    answered = questions.answered(found.safety)
    asked = []
    if found.procedure is not None:
        asked = catalogue.questions_for(found.procedure, policies.about(found, timezone.localdate()))
    given = {answer.code for answer in answered}
    return {
        "exam": found,
        "line": facts.line(found),
        "patient": found.patient,
        "procedure": found.procedure,
        "waited": facts.waited(found.requested_at),
        "safety": answered,
        "unanswered": [row.label for row in asked if row.code not in given],
        "advice": warnings.advice(found, person),
        "notes": list(found.notes.select_related("author")),
        "asked_back": _last_question(found),
        "attachments": requesting.attachments_of(found),
        "protocol": found.protocol or (found.procedure.protocol if found.procedure else ""),
    }


def words_of(back: Step | None) -> str:
    """What a button says that takes a decision back."""
    return str(_TAKE_BACK[back]) if back else ""


def _last_question(found: ExamRequest) -> str:
    """With which question it came back last; empty where it never did."""
    rows = found.transitions.filter(name=Step.RETURN.value).order_by("-pk")
    return rows.values_list("reason", flat=True).first() or ""
