"""A room's day in words: each exam with what has to be known of it, where it stands, and what may be said of it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from imaging.orders import transitions
from imaging.orders.catalogue import questions
from imaging.orders.catalogue.questions import Answered
from imaging.orders.models import Contrast, ExamRequest, ScheduledStep
from imaging.orders.performing import by_hand
from imaging.orders.requesting import facts
from imaging.orders.requesting.facts import Line
from imaging.orders.requesting.policies import Asker
from imaging.orders.workflow import RULES, State, Step

_S = ScheduledStep.Status
#: What a button says, and its letter.
_WORDS: Final[Mapping[Step, tuple[str | Promise, str]]] = {
    Step.ARRIVE: (pgettext_lazy("exam of the day", "Patient is here"), "a"),
    Step.START: (pgettext_lazy("exam of the day", "Begin the exam"), "s"),
    Step.COMPLETE: (pgettext_lazy("exam of the day", "Exam is done"), "c"),
    Step.MISS: (pgettext_lazy("exam of the day", "Did not come"), "m"),
    Step.DISCONTINUE: (pgettext_lazy("exam of the day", "Break off"), "d"),
    Step.UNARRIVE: (pgettext_lazy("exam of the day", "Not here after all"), "u"),
    Step.REOPEN_EXAM: (pgettext_lazy("exam of the day", "Take up again"), "u"),
    Step.UNMISS: (pgettext_lazy("exam of the day", "Expected after all"), "u"),
    Step.RESUME: (pgettext_lazy("exam of the day", "Resume the exam"), "u"),
}
#: What comes next as a rule.
_NEXT: Final = {State.SCHEDULED: Step.ARRIVE, State.ARRIVED: Step.START, State.IN_PROGRESS: Step.COMPLETE}
#: Usual reasons for breaking an exam off (PS3.16 CID 9300), offered and never required.
REASONS: Final[tuple[str | Promise, ...]] = (
    gettext_lazy("Patient refuses to go on"),
    gettext_lazy("Patient could not keep still"),
    gettext_lazy("Patient’s state got worse"),
    gettext_lazy("Reaction to the contrast agent"),
    gettext_lazy("Machine failed"),
    gettext_lazy("Wrong exam or wrong patient"),
)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be said: ``value`` names the step, ``letter`` presses it."""

    value: str
    words: str
    letter: str
    needs_reason: bool
    is_next: bool


@dataclass(frozen=True, slots=True)
class Exam:
    """One booked exam of the day. ``waited`` since the patient came, empty unless they wait."""

    step: ScheduledStep
    line: Line
    waited: str
    alarming: list[Answered]
    preparation: str
    contrast: str
    acts: list[Act]


def exam(step: ScheduledStep, person: Asker) -> Exam:
    """A booked exam for the list."""
    request = step.request
    procedure = request.procedure
    is_french = (get_language() or "").startswith("fr")
    preparation = ""
    if procedure is not None:
        preparation = (procedure.preparation_fr if is_french else "") or procedure.preparation
    has_contrast = procedure is not None and procedure.contrast != Contrast.NONE
    return Exam(
        step=step,
        line=facts.line(request),
        waited=facts.waited(request.arrived_at) if step.status == _S.ARRIVED else "",
        alarming=[answer for answer in questions.answered(request.safety) if answer.is_alarming],
        preparation=preparation,
        contrast=str(procedure.get_contrast_display()) if procedure is not None and has_contrast else "",
        acts=acts(step, person),
    )


def acts(step: ScheduledStep, person: Asker) -> list[Act]:
    """What this person may say of an exam, what comes next first; a place that was given up says nothing any more."""
    request = step.request
    if not _is_about(step, request):
        return []
    offered = [one for one in by_hand.SAID if one in transitions.offered(request, person.by)]
    following = _NEXT.get(State(request.state))
    offered.sort(key=lambda one: one is not following)
    return [act(one, is_next=one is following) for one in offered]


def act(step: Step, *, is_next: bool = False) -> Act:
    """One thing that can be said."""
    words, letter = _WORDS[step]
    return Act(step.value, str(words), letter, RULES[step].needs_reason, is_next)


def _is_about(step: ScheduledStep, request: ExamRequest) -> bool:
    """Whether where the request stands is about this place, and not about one that was booked after it."""
    if step.status in ScheduledStep.LIVE:
        return True
    ended = {State.NO_SHOW: _S.NO_SHOW, State.DISCONTINUED: _S.DISCONTINUED, State.COMPLETED: _S.COMPLETED}
    return ended.get(State(request.state)) == step.status


def today(zone: dt.tzinfo, now: dt.datetime) -> dt.date:
    """The day that it is where a room stands."""
    return now.astimezone(zone).date()


def place_gone(gone: by_hand.PlaceGone) -> str:
    """What became of a patient whose place is somebody else's by now."""
    if gone.request.state in {"vetted", "requested"}:
        return _("The place has been given to somebody else: the request waits for a new one. Book it anew.")
    return _("Nothing was noted: the place has been given to somebody else. Book it anew.")
