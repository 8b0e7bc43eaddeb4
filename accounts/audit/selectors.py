"""Questions about what was done. Asking is audited by whoever asks."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from accounts.audit.dicom_codes import CODES, EXPORT, INSTANCES_ACCESSED, INSTANCES_TRANSFERRED, QUERY
from accounts.audit.models import AuditEvent
from accounts.audit.snooping import PatientKey
from accounts.models import Department, Membership

#: What shows a record to somebody, or takes it away; for "who looked at this patient".
READING: Final = tuple(
    action.value
    for action, told in CODES.items()
    if told.event in {EXPORT, QUERY}
    or (told.action == "R" and told.event in {INSTANCES_ACCESSED, INSTANCES_TRANSFERRED})
)
_PAGE: Final = 2000


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a page tells it: ``person`` is the name to show of somebody who has an account, else empty."""

    at: datetime
    action: str
    actor_kind: str
    actor_id: str
    actor_name: str
    person: str
    door: str
    reason: str


def latest_of_subject(
    subject_type: str, subject_uid: str, *, actions: Iterable[str], limit: int, actor_id: str = ""
) -> list[Told]:
    """Return the latest events of these actions about one subject, newest first; of one person when named. Two queries."""
    events = events_of_subject(subject_type, subject_uid).filter(action__in=list(actions), outcome="success")
    if actor_id:
        events = events.filter(actor_kind="user", actor_id=actor_id)
    rows = list(events[:limit])
    ids = {int(row.actor_id) for row in rows if row.actor_kind == "user" and row.actor_id.isdigit()}
    people = get_user_model().objects.in_bulk(ids) if ids else {}
    names = {str(pk): str(user) for pk, user in people.items()}
    return [
        Told(
            at=row.at,
            action=row.action,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            actor_name=row.actor_name,
            person=names.get(row.actor_id, "") if row.actor_kind == "user" else "",
            door=row.door,
            reason=str(row.detail.get("reason", "")),
        )
        for row in rows
    ]


def events_of_patient(
    patient_id: str, *, issuer: str | None = None, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return what was done about a patient, newest first.

    A number is one person's only with its issuer. With ``issuer`` the events of that issuer's number come, and those of
    which nobody wrote down whose number it was; without it the events of every issuer.
    """
    events = AuditEvent.objects.exclude(patient_id="").filter(patient_id=patient_id)
    if issuer is not None:
        events = events.filter(issuer_of_patient_id__in=[issuer, ""])
    return _between(events, since, until)


@dataclass(frozen=True, slots=True)
class AccessLine:
    """What one person, machine or system did with a patient's record on one day.

    ``person`` is the name to show of somebody who has an account, else empty; ``departments`` are codes, as recorded at
    that moment; ``roles`` are those that the person held then. ``actions`` counts events. ``studies`` are the UIDs of the
    studies that were opened. ``receivers`` names the archives to which images went,
    ``collections`` the sets of studies that lent what was seen. ``is_certain`` is false where nobody wrote down whose number
    the patient ID was.
    """

    day: date
    actor_kind: str
    actor_id: str
    actor_name: str
    person: str
    departments: tuple[str, ...]
    roles: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    actions: Mapping[str, int]
    refused: int
    doors: tuple[str, ...]
    addresses: tuple[str, ...]
    reasons: tuple[str, ...]
    receivers: tuple[str, ...]
    collections: tuple[str, ...]
    studies: tuple[str, ...]
    is_certain: bool


def access_report(
    patients: Collection[PatientKey],
    *,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    actions: Collection[str] = READING,
    studies: Collection[str] = (),
) -> Iterator[AccessLine]:
    """Yield who did what with these patients' records, a line per person and day, newest day first.

    ``patients`` are all the numbers of one person; ``studies`` are UIDs of studies that had another number at times, or
    have none. It streams: no more than one day is held in memory.
    """
    wanted = Q()
    for number, issuer in patients:
        if number:
            # What is empty is left out of the index: said here, so that it is used.
            wanted |= ~Q(patient_id="") & Q(patient_id=number, issuer_of_patient_id__in=[issuer, ""])
    if studies:
        wanted |= ~Q(subject_uid="") & Q(subject_type="study", subject_uid__in=list(studies))
    if not wanted:
        return
    events = _between(AuditEvent.objects.filter(wanted), since, until)
    rows = events.filter(action__in=list(actions)).order_by("-at", "-id").iterator(chunk_size=_PAGE)
    day: date | None = None
    held: dict[tuple[str, str], list[AuditEvent]] = {}
    for row in rows:
        that_day = row.at.astimezone(zone).date()
        if day is not None and that_day != day:
            yield from _lines_of(day, held)
            held = {}
        day = that_day
        held.setdefault((row.actor_kind, row.actor_id), []).append(row)
    if day is not None:
        yield from _lines_of(day, held)


def _lines_of(day: date, held: Mapping[tuple[str, str], list[AuditEvent]]) -> list[AccessLine]:
    ids = {int(actor_id) for kind, actor_id in held if kind == "user" and actor_id.isdigit()}
    people = {str(pk): str(user) for pk, user in get_user_model().objects.in_bulk(ids).items()} if ids else {}
    memberships = list(Membership.objects.by_place().filter(user__in=ids)) if ids else []
    lines = [_line(day, rows, people, memberships) for rows in held.values()]
    return sorted(lines, key=lambda line: line.last_at, reverse=True)


def _line(
    day: date, rows: list[AuditEvent], people: Mapping[str, str], memberships: Iterable[Membership]
) -> AccessLine:
    last, first = rows[0], rows[-1]
    is_person = last.actor_kind == "user"
    held = [member for member in memberships if str(member.user_id) == last.actor_id and member.is_active_at(first.at)]
    recorded = {code for row in rows for code in row.departments}
    return AccessLine(
        day=day,
        actor_kind=last.actor_kind,
        actor_id=last.actor_id,
        actor_name=last.actor_name,
        person=people.get(last.actor_id, "") if is_person else "",
        # Events of before departments were written down say what the memberships say now of that moment.
        departments=tuple(sorted(recorded or {member.place_code for member in held})) if is_person else (),
        roles=tuple(sorted({member.role for member in held})) if is_person else (),
        first_at=first.at,
        last_at=last.at,
        actions=Counter(row.action for row in rows),
        refused=sum(row.outcome != "success" for row in rows),
        doors=tuple(sorted({row.door for row in rows if row.door})),
        addresses=tuple(sorted({row.address for row in rows if row.address})),
        reasons=tuple(dict.fromkeys(str(row.detail["reason"]) for row in rows if row.detail.get("reason"))),
        receivers=tuple(dict.fromkeys(str(row.detail["receiver"]) for row in rows if row.detail.get("receiver"))),
        collections=tuple(dict.fromkeys(str(name) for row in rows for name in row.detail.get("collections") or ())),
        studies=tuple(sorted({row.subject_uid for row in rows if row.subject_type == "study"})),
        is_certain=all(row.issuer_of_patient_id for row in rows),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an auditor asks for; all of it holds. ``patients`` are numbers with their issuers, ``subjects`` UIDs."""

    since: datetime | None = None
    until: datetime | None = None
    ids: Collection[UUID] | None = None
    patients: Collection[PatientKey] | None = None
    subjects: Collection[str] | None = None
    actors: Collection[str] | None = None
    actor_names: Collection[str] = ()
    addresses: Collection[str] | None = None
    actions: Collection[str] | None = None
    outcomes: Collection[str] | None = None


def events(asked: Asked) -> QuerySet[AuditEvent]:
    """Return the events that an auditor asks for, without an order."""
    rows = _between(AuditEvent.objects.all(), asked.since, asked.until).order_by()
    if asked.patients is not None:
        wanted = Q(pk__in=[])
        for number, issuer in asked.patients:
            wanted |= ~Q(patient_id="") & Q(patient_id=number, issuer_of_patient_id__in=[issuer, ""])
        rows = rows.filter(wanted)
    if asked.subjects is not None:
        rows = rows.filter(~Q(subject_uid="") & Q(subject_uid__in=list(asked.subjects)))
    for name, values in (
        ("id", asked.ids),
        ("actor_id", asked.actors),
        ("address", asked.addresses),
        ("action", asked.actions),
        ("outcome", asked.outcomes),
    ):
        if values is not None:
            rows = rows.filter(**{f"{name}__in": list(values)})
    named = Q()
    for text in asked.actor_names:
        named |= Q(actor_name__istartswith=text)
    return rows.filter(named)


def department_labels(codes: Collection[str]) -> dict[str, str]:
    """Return the names of departments by code, in the reader's language; one that has gone keeps its code."""
    labels = {row.code: row.label for row in Department.objects.filter(code__in=list(codes))}
    return {code: labels.get(code, code) for code in codes}


def events_of_actor(
    kind: str, actor_id: str, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return what a person, machine or peer did, newest first."""
    return _between(AuditEvent.objects.filter(actor_kind=kind, actor_id=actor_id), since, until)


def events_from_address(address: str, *, since: datetime, until: datetime) -> QuerySet[AuditEvent]:
    """Return what was done from a network address in a period, newest first: the period is what is searched."""
    return _between(AuditEvent.objects.filter(address=address), since, until)


def events_of_subject(
    subject_type: str, subject_uid: str, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return what was done to one subject, newest first."""
    events = AuditEvent.objects.exclude(subject_uid="").filter(subject_type=subject_type, subject_uid=subject_uid)
    return _between(events, since, until)


def _between(events: QuerySet[AuditEvent], since: datetime | None, until: datetime | None) -> QuerySet[AuditEvent]:
    if since is not None:
        events = events.filter(at__gte=since)
    if until is not None:
        events = events.filter(at__lt=until)
    return events
