"""Who reads a study, and until when: pure rules over routes, targets and a clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

STAT, URGENT, ROUTINE = 0, 1, 2
#: Where the hospital has set no target: an hour, four hours, a day.
DEFAULT_MINUTES: Final = {STAT: 60, URGENT: 240, ROUTINE: 1440}
#: The last part of the time in which a study is pressing.
_PRESSING: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRead:
    """What is known of a study when it is asked who reads it."""

    modality: str = ""
    body_part_examined: str = ""
    procedure_code: str = ""
    subspecialty: str = ""
    performed_by: int | None = None
    priority: int = ROUTINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A rule of ``ReadingRoute``; an empty condition fits everything."""

    modality: str = ""
    body_part_examined: str = ""
    procedure_code: str = ""
    performed_by: int | None = None
    read_by: int | None = None
    subspecialty: str = ""
    is_read: bool = True

    def fits(self, study: ToRead) -> bool:
        """Whether every condition that is set holds."""
        pairs = (
            (self.modality, study.modality),
            (self.body_part_examined, study.body_part_examined),
            (self.procedure_code, study.procedure_code),
        )
        if any(wanted and wanted.casefold() != found.casefold() for wanted, found in pairs):
            return False
        return self.performed_by in (None, study.performed_by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A row of ``TurnaroundTarget``; empty conditions fit everything."""

    priority: int
    minutes: int
    modality: str = ""
    department: int | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is to read: the department (None where nobody is known), the subspecialty, and whether it is read at all."""

    department: int | None
    subspecialty: str
    is_read: bool = True


def reader_of(study: ToRead, routes: Iterable[Route]) -> Reader:
    """The first route that fits; without one, who performed the study reads it."""
    for route in routes:
        if route.fits(study):
            department = route.read_by if route.read_by is not None else study.performed_by
            return Reader(department, route.subspecialty or study.subspecialty, route.is_read)
    return Reader(study.performed_by, study.subspecialty)


def minutes_for(study: ToRead, department: int | None, targets: Sequence[Target]) -> int:
    """The time within which a study is to be read: of the targets of its priority the one that names most."""
    fitting = [
        target
        for target in targets
        if target.priority == study.priority
        and target.modality.casefold() in ("", study.modality.casefold())
        and target.department in (None, department)
    ]
    if not fitting:
        return DEFAULT_MINUTES.get(study.priority, DEFAULT_MINUTES[ROUTINE])
    best = max(fitting, key=lambda target: (target.department is not None, bool(target.modality)))
    return best.minutes


def due_at(ready_at: datetime, minutes: int) -> datetime:
    """When the report is due."""
    return ready_at + timedelta(minutes=minutes)


class Pressure(StrEnum):
    """How a clock is shown."""

    CALM = "calm"
    PRESSING = "pressing"
    LATE = "late"


def pressure(ready_at: datetime, due: datetime, now: datetime) -> Pressure:
    """Calm, pressing in the last quarter of the time, late after it."""
    if now >= due:
        return Pressure.LATE
    return Pressure.PRESSING if (due - now) <= (due - ready_at) * _PRESSING else Pressure.CALM
