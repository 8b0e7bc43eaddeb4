"""Who looked at a patient: the audit's lines of all the patient's names, each with the ground on which it stands."""

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from accounts.audit import Action, actors
from accounts.audit import selectors as audit
from accounts.audit.selectors import AccessLine
from accounts.audit.snooping import PatientKey
from imaging.privacy.looking import grounds, words
from imaging.privacy.looking.grounds import Grounds
from imaging.privacy.looking.identities import Identity

#: Lines of one question: beyond it the period is to be made shorter, and the page says so.
MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both inclusive, in the reader's time zone."""

    since: dt.date
    until: dt.date

    @property
    def moments(self) -> tuple[dt.datetime, dt.datetime]:
        """From the first midnight to the one after the last day."""
        return _midnight(self.since), _midnight(self.until + dt.timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Group:
    """What one actor did about the patient on one day, in the words of the language that is active."""

    day: dt.date
    kind: str
    actor: str
    name: str
    #: The account's own name; empty for what is no person.
    account: str
    roles: tuple[str, ...]
    departments: tuple[str, ...]
    done: tuple[tuple[str, int], ...]
    refused: int
    doors: tuple[str, ...]
    grounds: tuple[grounds.Told, ...]
    studies: tuple[str, ...]
    first: dt.datetime
    last: dt.datetime
    count: int
    #: Whether every event says whose number the patient's ID was.
    is_certain: bool

    @property
    def is_emergency(self) -> bool:
        """Whether the glass was broken for any of it."""
        return any(told.ground is grounds.Ground.EMERGENCY for told in self.grounds)

    @property
    def has_no_ground(self) -> bool:
        """Whether nothing on record explains some of it."""
        return self.kind == "user" and any(told.ground is grounds.Ground.UNKNOWN for told in self.grounds)


@dataclass(frozen=True, slots=True)
class Looks:
    """The answer, latest day first; ``is_cut`` when there was more than one question may bring."""

    groups: tuple[Group, ...]
    events: int
    is_cut: bool


def looks_at(identity: Identity, period: Period, *, everything: bool = False) -> Looks:
    """Who looked at the patient in a period; with ``everything``, whatever was done about the record."""
    since, until = period.moments
    patient = identity.patient
    issuer = patient.issuer_of_patient_id
    numbers = [PatientKey(number, issuer) for number in (patient.patient_id, *identity.earlier_ids) if number]
    lines = audit.access_report(
        numbers,
        since=since,
        until=until,
        zone=timezone.get_current_timezone(),
        actions=list(Action.values) if everything else list(map(str, words.LOOKS)),
        studies=identity.other_studies,
    )
    found = list(itertools.islice(lines, MOST + 1))
    related = Grounds(patient, {line.actor_id for line in found if line.actor_kind == "user"})
    names = audit.department_labels({code for line in found for code in line.departments})
    known = actors.described((line.actor_kind, line.actor_id) for line in found[:MOST])
    groups = [
        _group(line, related, [names.get(code, code) for code in line.departments], known=known)
        for line in found[:MOST]
    ]
    return Looks(tuple(groups), sum(group.count for group in groups), len(found) > MOST)


def _group(
    line: AccessLine, related: Grounds, departments: Sequence[str], *, known: Mapping[tuple[str, str], str]
) -> Group:
    done: dict[str, int] = {}
    for action, number in line.actions.items():
        said = words.action_in_words(action)
        done[said] = done.get(said, 0) + number
    is_person = line.actor_kind == "user"
    return Group(
        day=line.day,
        kind=line.actor_kind,
        actor=line.actor_id,
        name=known.get((line.actor_kind, line.actor_id), "") or line.person or line.actor_name,
        account=line.actor_name if is_person else "",
        roles=tuple(grounds.role_in_words(role) for role in line.roles),
        departments=tuple(departments),
        done=tuple(done.items()),
        refused=line.refused,
        doors=tuple(dict.fromkeys(said for door in line.doors if (said := words.door_in_words(door, line.actor_kind)))),
        grounds=related.of(line),
        studies=line.studies,
        first=line.first_at,
        last=line.last_at,
        count=sum(line.actions.values()),
        is_certain=line.is_certain,
    )


def by_day(groups: Sequence[Group]) -> list[tuple[dt.date, list[Group]]]:
    """The groups under their days."""
    return [(day, list(rows)) for day, rows in itertools.groupby(groups, key=lambda group: group.day)]


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
