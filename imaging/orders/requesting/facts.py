"""Requests in words: lines of the list, the way a request went, and the fields of its form."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from imaging.orders.catalogue import questions
from imaging.orders.models import ExamRequest, Priority, RequestTransition, SafetyQuestion, ScheduledStep
from imaging.orders.workflow import State

#: Shape and colour of each state; the word is the state's own.
_SHAPES: Final[Mapping[str, tuple[str, str]]] = {
    State.DRAFT: ("st-requested", "requested"),
    State.REQUESTED: ("st-requested", "requested"),
    State.RETURNED: ("i-info-circle", "preliminary"),
    State.REFUSED: ("st-rejected", "rejected"),
    State.VETTED: ("st-vetted", "vetted"),
    State.SCHEDULED: ("st-scheduled", "scheduled"),
    State.ARRIVED: ("st-arrived", "arrived"),
    State.IN_PROGRESS: ("st-acquiring", "acquiring"),
    State.COMPLETED: ("st-complete", "complete"),
    State.REPORTED: ("st-final", "final"),
    State.ACKNOWLEDGED: ("st-final", "final"),
    State.DISCONTINUED: ("st-rejected", "rejected"),
    State.NO_SHOW: ("st-rejected", "rejected"),
    State.CANCELLED: ("st-archived", "archived"),
}
PRIORITIES: Final = {Priority.STAT: "stat", Priority.URGENT: "urgent", Priority.ROUTINE: "routine"}
#: The way of a request that meets no trouble, in order.
_WAY: Final = (
    *((State.REQUESTED, "requested_at"), (State.VETTED, "vetted_at"), (State.SCHEDULED, "scheduled_at")),
    *((State.ARRIVED, "arrived_at"), (State.COMPLETED, "completed_at"), (State.REPORTED, "reported_at")),
    (State.ACKNOWLEDGED, "acknowledged_at"),
)
#: Steps in words; those that the workflow names, and what else is told in a history.
STEPS: Final[Mapping[str, str | Promise]] = {
    "begin": gettext_lazy("Begun"),
    "send": gettext_lazy("Sent"),
    "change": gettext_lazy("Changed"),
    "note": gettext_lazy("Remark written"),
    "attach": gettext_lazy("File attached"),
    "detach": gettext_lazy("File taken away"),
    "join_patient": gettext_lazy("Patient found in the index"),
    "return": gettext_lazy("Returned with a question"),
    "answer": gettext_lazy("Answered"),
    "recall": gettext_lazy("Question taken back"),
    "refuse": pgettext_lazy("request", "Refused"),
    "reconsider": gettext_lazy("Refusal taken back"),
    "vet": gettext_lazy("Vetted"),
    "exchange": gettext_lazy("Exam changed by who does it"),
    "unvet": gettext_lazy("Vetting taken back"),
    "schedule": gettext_lazy("Booked"),
    "reschedule": gettext_lazy("Booked anew"),
    "unschedule": gettext_lazy("Booking taken back"),
    "arrive": gettext_lazy("Patient arrived"),
    "unstart": gettext_lazy("Begun for another patient: expected again"),
    "unarrive": gettext_lazy("Arrival taken back"),
    "start": gettext_lazy("Exam begun"),
    "complete": gettext_lazy("Images made"),
    "reopen_exam": gettext_lazy("Exam taken up again"),
    "receive": gettext_lazy("Images came without a booking"),
    "unreceive": gettext_lazy("Images taken away again"),
    "part_patient": gettext_lazy("Patient of the index let go"),
    "report": gettext_lazy("Report signed"),
    "unreport": gettext_lazy("Report withdrawn"),
    "acknowledge": gettext_lazy("Report read"),
    "discontinue": gettext_lazy("Exam discontinued"),
    "resume": gettext_lazy("Exam resumed"),
    "miss": gettext_lazy("Patient did not come"),
    "unmiss": gettext_lazy("Absence taken back"),
    "cancel": pgettext_lazy("request", "Cancelled"),
    "uncancel": gettext_lazy("Cancelling taken back"),
    "revive": gettext_lazy("Taken up again"),
    "link": gettext_lazy("Images linked"),
    "unlink": gettext_lazy("Images unlinked"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A request as the list and its page show it. ``css`` and ``shape`` draw its state, ``prio`` its priority."""

    request: ExamRequest
    name: str
    sex: str
    born: dt.date | None
    number: str
    shape: str
    css: str
    state: str
    prio: str
    is_typed: bool


@dataclass(frozen=True, slots=True)
class Milestone:
    """One stage of the way: reached (``at``), where it stands now, or still ahead."""

    label: str
    at: dt.datetime | None
    is_now: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the history."""

    words: str
    by: str
    at: dt.datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of safety as the form shows it, with what was answered."""

    question: SafetyQuestion
    hint: str
    answer: str
    more: str
    choices: tuple[tuple[str, str, bool, bool], ...]
    is_number: bool
    is_alarming: bool
    wants_more: bool
    problem: str
    more_problem: str


def line(request: ExamRequest) -> Line:
    """A request for the list."""
    patient = request.patient
    shape, css = _SHAPES[request.state]
    return Line(
        request=request,
        name=patient.patient_name if patient else request.typed_name,
        sex=patient.sex if patient else request.typed_sex,
        born=patient.birth_date if patient else request.typed_birth_date,
        number=patient.patient_id if patient else request.typed_patient_id,
        shape=shape,
        css=css,
        state=str(ExamRequest.State(request.state).label),
        prio=PRIORITIES[Priority(request.priority)],
        is_typed=patient is None,
    )


def way(request: ExamRequest) -> list[Milestone]:
    """The stages of a request, with when each was reached; what was taken back is ahead again."""
    order = [state for state, _column in _WAY]
    state = State(request.state)
    place = _place(state, order)
    needs_vetting = request.procedure is None or request.procedure.needs_vetting
    return [
        Milestone(
            label=str(ExamRequest.State(stage).label),
            at=getattr(request, column) if place is None or index <= place else None,
            is_now=stage == state,
        )
        for index, (stage, column) in enumerate(_WAY)
        if stage is not State.VETTED or needs_vetting or request.vetted_at
    ]


def _place(state: State, order: list[State]) -> int | None:
    if state in order:
        return order.index(state)
    if state is State.IN_PROGRESS:
        return order.index(State.ARRIVED)
    return {State.DRAFT: -1, State.RETURNED: 0}.get(state)


def history(transitions: Iterable[RequestTransition]) -> list[Told]:
    """What happened, latest first."""
    told = [Told(str(STEPS.get(row.name, row.name)), row.actor_name, row.at, row.reason) for row in transitions]
    return told[::-1]


def booked(request: ExamRequest) -> ScheduledStep | None:
    """Where and when the exam takes place, or took place."""
    rows = request.steps.select_related("room").exclude(status=ScheduledStep.Status.CANCELLED)
    return rows.order_by("-starts_at", "-pk").first()


def asked(
    found: Iterable[SafetyQuestion], safety: Mapping[str, Any], problems: Mapping[str, str], *, is_french: bool
) -> list[Asked]:
    """The questions of safety for the form."""
    return [_asked(row, safety.get(row.code), problems, is_french=is_french) for row in found]


def _asked(question: SafetyQuestion, kept: Any, problems: Mapping[str, str], *, is_french: bool) -> Asked:
    given = kept if isinstance(kept, dict) else {}
    answer = str(given.get("answer") or "")
    words = {questions.NO: _("No"), questions.YES: _("Yes"), questions.UNKNOWN: _("Not known")}
    is_number = question.answer == SafetyQuestion.Answer.NUMBER
    is_alarming = questions.alarms(question, answer)
    return Asked(
        question=question,
        hint=(question.hint_fr or question.hint) if is_french else question.hint,
        answer="" if is_number and answer == questions.UNKNOWN else answer,
        more=str(given.get("more") or ""),
        choices=tuple((key, words[key], key == answer, questions.alarms(question, key)) for key in questions.CHOICES),
        is_number=is_number,
        is_alarming=is_alarming,
        wants_more=question.asks_more and bool(question.alarming),
        problem=problems.get(f"q-{question.code}", ""),
        more_problem=problems.get(f"more-{question.code}", ""),
    )


def waited(since: dt.datetime | None) -> str:
    """How long somebody has waited, in two words: minutes below two hours, then hours, then days."""
    if since is None:
        return ""
    minutes = max(int((timezone.now() - since).total_seconds() // 60), 0)
    if minutes < 120:
        return _("%(minutes)d min") % {"minutes": minutes}
    if minutes < 48 * 60:
        return _("%(hours)d h") % {"hours": minutes // 60}
    days = minutes // (24 * 60)
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}


def digest(lines: list[Asked]) -> str:
    """Tells whether the page shows these questions already, so that nothing is replaced under a writer's hands."""
    return " ".join(f"{line.question.code}{'!' if line.is_number and line.is_alarming else ''}" for line in lines)
