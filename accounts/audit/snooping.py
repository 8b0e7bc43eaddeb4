"""What makes a look at a record deserve a second one: pure rules over what happened on one day.

Nothing here accuses anybody. A signal says that somebody should ask; the weights only sort what is asked first.
"""

import statistics
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from accounts.audit.models import SnoopingSignal

WEIGHTS: Final[Mapping[SnoopingSignal, int]] = {
    SnoopingSignal.PROTECTED: 3,
    SnoopingSignal.COLLEAGUE: 3,
    SnoopingSignal.NO_RELATION: 2,
    SnoopingSignal.SAME_SURNAME: 2,
    SnoopingSignal.VOLUME: 2,
    SnoopingSignal.HOUR: 1,
}

#: Days of history below which a person's own habit says nothing, and how many times it must be exceeded.
_DAYS_OF_HABIT: Final = 5
_TIMES_OWN: Final = 3.0
_TIMES_PEERS: Final = 2.0
#: Events below which hours say nothing, and the share of them below which an hour is unusual.
_EVENTS_OF_HABIT: Final = 50
_RARE_HOUR: Final = 0.005
_SHORTEST_NAME: Final = 3


class PatientKey(NamedTuple):
    """A patient as the audit names one: a number, and whose number it is (it may be unknown)."""

    patient_id: str
    issuer_of_patient_id: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """All that one person did with one patient's record on one day. ``hours`` are those of the hospital's clock."""

    actor_id: str
    actor_name: str
    patient: PatientKey
    first_at: datetime
    last_at: datetime
    events: int
    hours: frozenset[int]


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What a package that knows patients says of one."""

    family_name: str = ""
    works_here: bool = False
    is_protected: bool = False


class CareRelations(Protocol):
    """What a package that knows patients answers. Both are asked once per day of review, with everything at once."""

    def facts(self, patients: Collection[PatientKey]) -> Mapping[PatientKey, PatientFacts]:
        """Return what is known of these patients; who is not in it is not known."""

    def related(self, looks: Sequence[Look]) -> Collection[tuple[str, PatientKey]]:
        """Return, as actor's ID and patient, for which of these looks a care relation is known."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What a person usually does: patients per day worked, and events per hour of the day."""

    patients_per_day: tuple[int, ...] = ()
    events_per_hour: Mapping[int, int] = field(default_factory=dict)


def is_namesake(family_name: str, other: str) -> bool:
    """Whether two family names are the same, or share a part of a double name; case and accents do not count."""
    parts, others = _parts(family_name), _parts(other)
    return bool(parts & others)


def _parts(name: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(char if char.isalpha() else " " for char in plain if not unicodedata.combining(char))
    return frozenset(part for part in letters.split() if len(part) >= _SHORTEST_NAME)


def is_unusual_volume(today: int, *, own: Sequence[int], peers: Sequence[int], usual: int) -> bool:
    """Whether a day's number of patients is far above a person's own days and above those of peers.

    ``usual`` is never unusual. Without enough days of one's own the peers decide, without peers one's own days.
    """
    if today <= usual:
        return False
    has_habit = len(own) >= _DAYS_OF_HABIT
    if has_habit and today <= _TIMES_OWN * statistics.median(own):
        return False
    if peers and today <= _TIMES_PEERS * statistics.median(peers):
        return False
    return has_habit or bool(peers)


def unusual_hours(hours: Collection[int], habit: Mapping[int, int]) -> list[int]:
    """Return the hours of the day at which this person hardly ever works, nor an hour before or after."""
    total = sum(habit.values())
    if total < _EVENTS_OF_HABIT:
        return []

    def around(hour: int) -> int:
        return sum(habit.get((hour + step) % 24, 0) for step in (-1, 0, 1))

    return sorted(hour for hour in hours if around(hour) < _RARE_HOUR * total)


def signals_of(
    look: Look, *, family_names: Collection[str], facts: PatientFacts | None, is_related: bool | None, habit: Habit
) -> list[SnoopingSignal]:
    """Return what speaks for a second look. ``is_related`` is None where nobody can tell."""
    found = []
    if facts is not None:
        if facts.is_protected:
            found.append(SnoopingSignal.PROTECTED)
        if facts.works_here:
            found.append(SnoopingSignal.COLLEAGUE)
        if any(is_namesake(name, facts.family_name) for name in family_names):
            found.append(SnoopingSignal.SAME_SURNAME)
    if is_related is False:
        found.append(SnoopingSignal.NO_RELATION)
    if unusual_hours(look.hours, habit.events_per_hour):
        found.append(SnoopingSignal.HOUR)
    return found


def weight_of(signals: Collection[SnoopingSignal]) -> int:
    """Return how much these weigh together."""
    return sum(WEIGHTS[signal] for signal in signals)
