"""Which questions of safety go with an exam, and which answers alarm: pure rules over rows of the catalogue."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from imaging.orders.models import Procedure, SafetyQuestion

YES: Final = "yes"
NO: Final = "no"
UNKNOWN: Final = "unknown"
CHOICES: Final = (NO, YES, UNKNOWN)
_LIMIT: Final = re.compile(r"^(<=|>=|<|>)(\d{1,6}(?:\.\d{1,3})?)$")
_LONGEST: Final = 400


@dataclass(frozen=True, slots=True)
class About:
    """The patient, as far as questions depend on it: ``sex`` as in DICOM or empty, ``age`` in years or None."""

    sex: str = ""
    age: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """One question with what was answered, for who reads the request."""

    code: str
    text: str
    answer: str
    more: str
    is_alarming: bool


def suits(rule: Any, about: About) -> bool:
    """Whether sex and ages of a row of the catalogue fit the patient; what is not known of the patient does not exclude."""
    if rule.sex and about.sex in {"F", "M"} and rule.sex != about.sex:
        return False
    if about.age is None:
        return True
    youngest = 0 if rule.youngest is None else rule.youngest
    return youngest <= about.age and (rule.oldest is None or about.age <= rule.oldest)


def asked(questions: Iterable[SafetyQuestion], procedure: Procedure, about: About) -> list[SafetyQuestion]:
    """The questions that go with an exam of this patient, in order."""
    return [
        row
        for row in questions
        if (not row.modalities or procedure.modality in row.modalities)
        and (not row.contrasts or procedure.contrast in row.contrasts)
        and suits(row, about)
    ]


def check(row: Any) -> None:
    """Refuse a question or rule that could never fit, or that says no alarm. Raises ``ValidationError``."""
    wrong: dict[str, str] = {}
    if getattr(row, "sex", "") not in {"", "F", "M"}:
        wrong["sex"] = _("Write F or M, or leave it empty for all.")
    youngest, oldest = getattr(row, "youngest", None), getattr(row, "oldest", None)
    if youngest is not None and oldest is not None and oldest < youngest:
        wrong["oldest"] = _("This is younger than where it begins.")
    alarming = getattr(row, "alarming", "").strip()
    words = {word.strip() for word in alarming.split(",")}
    if alarming and not words <= set(CHOICES) and not _LIMIT.match(alarming):
        wrong["alarming"] = _("Write yes, no or unknown (several with commas), or a limit such as <30.")
    if wrong:
        raise ValidationError(wrong)


def number(text: str) -> Decimal | None:
    """A number as people type it, with point or comma; None for what is none."""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < 1_000_000 else None


def alarms(question: SafetyQuestion, answer: str) -> bool:
    """Whether an answer has to be explained, or at least seen."""
    limit = _LIMIT.match(question.alarming.strip())
    if limit is None:
        return answer in {word.strip() for word in question.alarming.split(",")} - {""}
    value = number(answer)
    if value is None:
        return False
    bound = Decimal(limit[2])
    return {"<": value < bound, "<=": value <= bound, ">": value > bound, ">=": value >= bound}[limit[1]]


def kept(question: SafetyQuestion, answer: str, more: str) -> dict[str, Any]:
    """An answer as a request keeps it: with the words of the question, which may change later."""
    return {
        "answer": answer[:32],
        "more": more.strip()[:_LONGEST],
        "text": question.text,
        "text_fr": question.text_fr,
        "unit": question.unit,
        "position": question.position,
        "alarming": alarms(question, answer),
    }


def _position(kept_answer: Any) -> int:
    place = kept_answer.get("position") if isinstance(kept_answer, dict) else None
    return place if isinstance(place, int) else 0


def answered(safety: Mapping[str, Any]) -> list[Answered]:
    """What a request keeps, in the reader's words, the alarming first."""
    is_french = (get_language() or "").startswith("fr")
    words = {YES: _("Yes"), NO: _("No"), UNKNOWN: _("Not known")}
    lines = []
    # The database keeps no order of the answers.
    for code, kept_answer in sorted(safety.items(), key=lambda item: (_position(item[1]), item[0])):
        if not isinstance(kept_answer, dict) or not kept_answer.get("answer"):
            continue
        answer = str(kept_answer["answer"])
        unit = str(kept_answer.get("unit") or "")
        text = str((is_french and kept_answer.get("text_fr")) or kept_answer.get("text") or code)
        said = words.get(answer, f"{answer} {unit}".strip())
        more, is_alarming = str(kept_answer.get("more") or ""), bool(kept_answer.get("alarming"))
        lines.append(Answered(code, text, said, more, is_alarming))
    return sorted(lines, key=lambda line: not line.is_alarming)
