"""Who asks, and what a request needs before it can be sent: pure rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability
from accounts.scope import Scope
from imaging.orders.catalogue import questions
from imaging.orders.catalogue.questions import About
from imaging.orders.models import ExamRequest, Priority, SafetyQuestion, Sides
from imaging.orders.transitions import By

#: Fewer letters than this are no question that a radiologist can answer.
SHORTEST_QUESTION: Final = 8


@dataclass(frozen=True, slots=True)
class Asker:
    """A person who may ask for exams in the name of ``departments`` (primary keys), and sees what ``scope`` shows."""

    user: User
    actor: Actor
    scope: Scope
    departments: frozenset[int]
    capabilities: Mapping[Capability, frozenset[int]]

    @property
    def by(self) -> By:
        """The same, as transitions take it."""
        return By(self.actor, self.user, self.capabilities)


@dataclass(frozen=True, slots=True)
class Missing:
    """What keeps a request from being sent: the field, what to do, and the question of safety where it is one."""

    field: str
    words: str
    label: str = ""


class NotComplete(Exception):
    """The request cannot be sent yet; ``missing`` says why, field by field. Everything typed is kept."""

    def __init__(self, missing: list[Missing]) -> None:
        """Keep what is missing."""
        super().__init__([one.field for one in missing])
        self.missing = missing


def age_in_years(born: date | None, on: date) -> int | None:
    """Whole years of age on a day; None where the birth date is not known or lies ahead."""
    if born is None or born > on:
        return None
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def about(request: ExamRequest, today: date) -> About:
    """The patient of a request, as the catalogue's questions and hints see them."""
    patient = request.patient
    sex = patient.sex if patient else request.typed_sex
    born = patient.birth_date if patient else request.typed_birth_date
    return About(sex if sex in {"F", "M"} else "", age_in_years(born, today))


def missing(request: ExamRequest, asked: list[SafetyQuestion]) -> list[Missing]:
    """What a request lacks before it can be sent, in the order of the page."""
    found = [*_patient(request), *_exam(request)]
    for question in asked:
        found += _answer(question, request.safety.get(question.code))
    return found


def _patient(request: ExamRequest) -> list[Missing]:
    if request.patient is None and not (request.typed_name and (request.typed_birth_date or request.typed_patient_id)):
        return [Missing("patient", _("Say whose exam it is: the name, and birth date or number."))]
    return []


def _exam(request: ExamRequest) -> list[Missing]:
    found = []
    procedure = request.procedure
    if procedure is None or not procedure.is_active:
        found.append(Missing("procedure", _("Choose the exam.")))
    elif procedure.sides != Sides.NONE and not request.laterality:
        found.append(Missing("laterality", _("Say which side.")))
    elif procedure.sides == Sides.ONE and request.laterality == ExamRequest.Laterality.BOTH:
        found.append(Missing("laterality", _("This exam is of one side: ask for each on its own.")))
    if len(request.clinical_question.strip()) < SHORTEST_QUESTION:
        found.append(Missing("clinical_question", _("Ask a question: who reports the exam answers it.")))
    if request.priority == Priority.STAT and not request.priority_reason.strip():
        found.append(Missing("priority_reason", _("Say why it is STAT: others wait for it.")))
    if request.performing_department_id is None:
        found.append(Missing("performing", _("Say which department is to do it.")))
    if request.requesting_department_id is None:
        found.append(Missing("department", _("Say in the name of which department you ask.")))
    if request.wished_from and request.wished_until and request.wished_until < request.wished_from:
        found.append(Missing("wished_until", _("This lies before the day from which it is wished.")))
    return found


def _answer(question: SafetyQuestion, kept: Any) -> list[Missing]:
    given = kept if isinstance(kept, dict) else {}
    answer = str(given.get("answer") or "")
    if question.answer == SafetyQuestion.Answer.NUMBER:
        if answer not in {"", questions.UNKNOWN} and questions.number(answer) is None:
            return [Missing(f"q-{question.code}", _("This is not a number."), question.label)]
    elif answer not in questions.CHOICES:
        return [Missing(f"q-{question.code}", _("Answer this, or say that it is not known."), question.label)]
    if question.asks_more and questions.alarms(question, answer) and not str(given.get("more") or "").strip():
        return [Missing(f"more-{question.code}", _("Explain this: who does the exam has to know."), question.label)]
    return []
