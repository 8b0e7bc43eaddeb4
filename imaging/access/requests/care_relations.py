"""Finding out whether somebody has to do with a patient's care: one register, to which features above add what they know.

A finder answers with evidence, or with nothing. Evidence that *proves* lets a rule decide (``AccessPolicy.verified``);
evidence that only points is shown to the person who decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from accounts.models import User
from accounts.practitioners.selectors import numbers_of
from imaging.access.requests.models import StudyReferrer
from imaging.dicom import person_name
from imaging.studies.models import Patient, Placement, Study

#: Titles that are no part of a name.
_TITLES: Final = frozenset(
    {"dr", "docteur", "doctor", "pr", "prof", "professeur", "mme", "mlle", "m", "mr", "mrs", "ms"}
)
_LATEST: Final = 200


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found: a code with its values, put into words where it is read (``in_words``)."""

    code: str
    values: tuple[tuple[str, str], ...] = ()
    proves: bool = True

    def written(self) -> dict[str, Any]:
        """As it is kept with the request."""
        return {"code": self.code, "values": dict(self.values), "proves": self.proves}


#: Answers for a person who works in a department (primary key) and a patient.
Finder = Callable[[User, int, Patient], list[Evidence]]

_finders: dict[str, Finder] = {}
_words: dict[str, Callable[[], str]] = {}


def register(name: str, finder: Finder, words: dict[str, Callable[[], str]]) -> None:
    """Add a way to find care relations; ``words`` says each code of its evidence in the reader's language."""
    _finders[name] = finder
    _words.update(words)


def evidence_of(user: User, department: int, patient: Patient) -> list[Evidence]:
    """All that speaks for a care relation of this person, who works in this department, with this patient."""
    return [entry for finder in _finders.values() for entry in finder(user, department, patient)]


def in_words(written: dict[str, Any]) -> str:
    """Evidence that was kept, as a sentence."""
    words = _words.get(str(written.get("code")))
    values = written.get("values") or {}
    return words() % {name: str(value)[:128] for name, value in values.items()} if words else ""


def _same_department(user: User, department: int, patient: Patient) -> list[Evidence]:
    """The patient is treated in the asker's department now: another study of the same patient lies there by routing."""
    placed = Placement.objects.live().filter(
        study__patient=patient,
        study__instance_count__gt=0,
        study__sensitivity="",
        department=department,
        kind__in=(Placement.Kind.OWNER, Placement.Kind.REQUESTING),
    )
    latest = placed.select_related("department").order_by("-study_at").first()
    if latest is None:
        return []
    code = "asked_for" if latest.kind == Placement.Kind.REQUESTING else "made"
    return [Evidence(code, (("department", latest.department.code), ("date", latest.study_at.date().isoformat())))]


def _referred(user: User, department: int, patient: Patient) -> list[Evidence]:
    """A study of the patient names this person as its referring physician: by a number that proves, or by a name that points."""
    numbers = numbers_of(user)
    if numbers:
        rows = StudyReferrer.objects.filter(
            study__patient=patient, study__sensitivity="", number__in={number for _system, number in numbers}
        )
        for row in rows.order_by("-study__study_at")[:_LATEST]:
            if (row.system, row.number) in numbers:
                return [Evidence("referrer_number", (("system", row.system), ("number", row.number)))]
    own = _name_words(user.label)
    names = Study.objects.filter(patient=patient, instance_count__gt=0, sensitivity="")
    named = names.exclude(referring_norm="").order_by("-study_at").values_list("referring_norm", flat=True)[:_LATEST]
    if len(own) > 1 and any(_name_words(name) == own for name in named):
        return [Evidence("referrer_name", proves=False)]
    return []


def _name_words(name: str) -> frozenset[str]:
    return frozenset(person_name.normalised(name).split()) - _TITLES


register(
    "department of another study",
    _same_department,
    {
        "asked_for": lambda: _("%(department)s asked for an exam of this patient on %(date)s."),
        "made": lambda: _("%(department)s examined this patient on %(date)s."),
    },
)
register(
    "referring physician",
    _referred,
    {
        "referrer_number": lambda: _("The images name this person as referring physician (%(system)s %(number)s)."),
        "referrer_name": lambda: _(
            "The images name a referring physician of the same name: that alone proves nothing."
        ),
    },
)
