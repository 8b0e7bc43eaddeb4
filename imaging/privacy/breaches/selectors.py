"""Which patients an account, a key, a system, a link or an address saw in a period: one aggregate over the audit."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, Q, QuerySet

from accounts.audit import Action
from accounts.audit import selectors as audit
from accounts.audit.record import READ_WINDOW
from accounts.models import MachineKey, User
from imaging.privacy.models import Breach
from imaging.studies.models import Patient, Study

#: Patients of one answer.
MOST: Final = 100_000
_LOOKED_UP_AT_ONCE: Final = 1_000
#: What is told of the events about one patient, or one study.
_SUMS: Final = {
    "first": Min("at"),
    "last": Max("at"),
    "events": Count("id"),
    "doors": ArrayAgg("door", distinct=True),
    "actions": ArrayAgg("action", distinct=True),
}


class Kind:
    """What may have been in other hands."""

    USER: Final = "user"
    MACHINE: Final = "machine"
    PEER: Final = "application_entity"
    SHARE: Final = "share"
    ADDRESS: Final = "address"


@dataclass(frozen=True, slots=True)
class Suspect:
    """Whose looks are asked for: ``key`` as the audit knows it, ``name`` as people do."""

    kind: str
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One patient who was seen. ``name`` is empty where the archive does not know the patient any more."""

    patient_id: str
    issuer: str
    name: str
    pk: int | None
    studies: int
    events: int
    first: dt.datetime
    last: dt.datetime
    doors: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The patients, most seen first, and what the audit cannot tell by patient."""

    patients: tuple[Seen, ...]
    #: Searches of the study list: what they listed is not on record by patient.
    searches: int
    is_cut: bool


def suspect(kind: str, name: str) -> Suspect | None:
    """Who goes by this name; None where nobody does, or the name is nobody's we know."""
    wanted = name.strip()
    if kind == Kind.USER:
        user = User.objects.filter(username__iexact=wanted).first()
        return Suspect(kind, str(user.pk), f"{user} ({user.get_username()})") if user else None
    if kind == Kind.MACHINE:
        key = MachineKey.objects.filter(Q(name__iexact=wanted) | Q(prefix=wanted)).first()
        return Suspect(kind, str(key.pk), key.name) if key else None
    return Suspect(kind, wanted, wanted) if wanted else None


def seen_by(who: Suspect, since: dt.datetime, until: dt.datetime) -> Answer:
    """The patients of whom anything was shown or given to ``who`` in a period.

    What is read again and again is on record once in a while: a reading of just before the period may stand for one in it,
    and is told with the moment that is on record.
    """
    events = _events(who, since - READ_WINDOW, until).filter(outcome="success")
    told = events.exclude(action__in=[Action.AUDIT_READ, Action.AUDIT_EXPORTED]).order_by()
    rows: Sequence[dict[str, Any]] = list(
        told.exclude(patient_id="")
        .values("patient_id", "issuer_of_patient_id")
        .annotate(studies=Count("subject_uid", distinct=True, filter=Q(subject_type="study")), **_SUMS)
        .order_by("-events", "patient_id", "issuer_of_patient_id")[: MOST + 1]
    )
    known = _known(rows[:MOST])
    patients = [_seen(row, known) for row in rows[:MOST]]
    unnumbered = list(
        told.filter(patient_id="", subject_type="study")
        .values("subject_uid")
        .annotate(**_SUMS)
        .order_by("subject_uid")[: MOST + 1]
    )
    searches = events.filter(action=Action.STUDIES_QUERIED, patient_id="").count()
    return Answer(_with(patients, unnumbered[:MOST]), searches, max(len(rows), len(unnumbered)) > MOST)


def open_breaches() -> QuerySet[Breach]:
    """Breaches that are not closed, the oldest clock first."""
    return Breach.objects.filter(closed_at=None).order_by("aware_at")


def _events(who: Suspect, since: dt.datetime, until: dt.datetime) -> QuerySet[Any]:
    if who.kind == Kind.ADDRESS:
        return audit.events_from_address(who.key, since=since, until=until)
    return audit.events_of_actor(who.kind, who.key, since=since, until=until)


def _known(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], Patient]:
    """The patients' rows by ID and issuer; by the ID alone where the event does not say whose it is, and it is one's only."""
    found: dict[tuple[str, str], Patient] = {}
    numbers = sorted({row["patient_id"] for row in rows})
    for start in range(0, len(numbers), _LOOKED_UP_AT_ONCE):
        some = Patient.objects.filter(patient_id__in=numbers[start : start + _LOOKED_UP_AT_ONCE])
        alone: dict[str, list[Patient]] = {}
        for patient in some:
            found[patient.patient_id, patient.issuer_of_patient_id] = patient
            alone.setdefault(patient.patient_id, []).append(patient)
        for number, patients in alone.items():
            if len(patients) == 1:
                found.setdefault((number, ""), patients[0])
    return found


def _seen(row: dict[str, Any], known: dict[tuple[str, str], Patient]) -> Seen:
    patient = known.get((row["patient_id"], row["issuer_of_patient_id"]))
    return Seen(
        patient_id=row["patient_id"],
        issuer=patient.issuer_of_patient_id if patient else row["issuer_of_patient_id"],
        name=patient.patient_name if patient else "",
        pk=patient.pk if patient else None,
        studies=row["studies"],
        events=row["events"],
        first=row["first"],
        last=row["last"],
        doors=tuple(sorted(filter(None, row["doors"]))),
        actions=tuple(sorted(row["actions"])),
    )


def _with(patients: Sequence[Seen], rows: Sequence[dict[str, Any]]) -> tuple[Seen, ...]:
    """The patients, and those of studies that had nobody's number when they were seen: found by the study."""
    owners: dict[str, Patient] = {}
    for start in range(0, len(rows), _LOOKED_UP_AT_ONCE):
        uids = [row["subject_uid"] for row in rows[start : start + _LOOKED_UP_AT_ONCE]]
        some = Study.objects.filter(study_instance_uid__in=uids).select_related("patient")
        owners |= {study.study_instance_uid: study.patient for study in some}
    found: dict[object, Seen] = {entry.pk or (entry.patient_id, entry.issuer): entry for entry in patients}
    for row in rows:
        owner = owners.get(row["subject_uid"])
        named = {"patient_id": owner.patient_id, "issuer_of_patient_id": owner.issuer_of_patient_id} if owner else {}
        key = owner.pk if owner else row["subject_uid"]
        entry = _seen(
            {"patient_id": "", "issuer_of_patient_id": "", **row, **named, "studies": 1},
            {(owner.patient_id, owner.issuer_of_patient_id): owner} if owner else {},
        )
        found[key] = _together(found[key], entry) if key in found else entry
    return tuple(sorted(found.values(), key=lambda entry: -entry.events))


def _together(one: Seen, other: Seen) -> Seen:
    return replace(
        one,
        studies=one.studies + other.studies,
        events=one.events + other.events,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        doors=tuple(sorted({*one.doors, *other.doors})),
        actions=tuple(sorted({*one.actions, *other.actions})),
    )
