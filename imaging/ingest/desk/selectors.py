"""Questions of the quarantine desk: what waits for this person, since when, and beside what it is to be looked at."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.models import Department, User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.dicom import json_model, part10, person_name
from imaging.dicom.errors import DicomError
from imaging.ingest import selectors as ingest
from imaging.ingest.desk.policies import Chosen, Decider
from imaging.ingest.models import QuarantineDecision, QuarantinedObject
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion, Patient, Study

State = QuarantinedObject.State
WAITING = (State.OPEN, State.RELEASING)
PAGE = 50
#: The number beside the desk's name in the bar is counted up to here.
MOST_COUNTED = 1000
_MOST_PATIENTS = 12
#: Reasons that tell already that the archive knows something; for others, nothing is said about what a person may not see.
_TELL_OF_OTHERS = frozenset(
    {
        QuarantinedObject.Reason.IDENTITY_CONFLICT,
        QuarantinedObject.Reason.JOINS_ANOTHER_STUDY,
        QuarantinedObject.Reason.HIERARCHY_CONFLICT,
    }
)


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one sender for one study and one reason: one line of the desk. ``shown`` is the first of them."""

    shown: QuarantinedObject
    count: int
    patient_count: int
    oldest: datetime
    chosen: Chosen
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """How much waits: in all, and for longer than the notice period; ``oldest`` is None when nothing does."""

    open: int
    overdue: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is narrowed to."""

    reason: str = ""
    sender: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the archive knows that an object is to be compared with. ``is_hidden``: there is something, not for this person."""

    study: Study | None = None
    version: InstanceVersion | None = None
    patient: Patient | None = None
    is_hidden: bool = False
    headers: dict[str, object] = field(default_factory=dict)


def decider(user: User | AnonymousUser, *, actor: Actor, scope: Scope) -> Decider | None:
    """The person as one who decides; None for others."""
    departments = accounts.capabilities_by_department(user).get(Capability.RESOLVE_QUARANTINE, frozenset())
    return Decider(actor, scope, departments) if departments else None


def visible(departments: Iterable[int]) -> QuerySet[QuarantinedObject]:
    """Objects whose sender acts for one of these departments; and those of senders without any, which all deciders share."""
    through = QuarantinedObject.departments.through._default_manager.filter(quarantinedobject=OuterRef("pk"))
    return QuarantinedObject.objects.filter(Exists(through.filter(department__in=list(departments))) | ~Exists(through))


def overdue_before() -> datetime:
    """What was received before this has waited for too long."""
    return timezone.now() - timedelta(days=settings.QUARANTINE_NOTICE_DAYS)


def counts(departments: Iterable[int] | None = None) -> Counts:
    """How much waits for people of these departments; in the whole house with None. One query."""
    rows = QuarantinedObject.objects.all() if departments is None else visible(departments)
    found = rows.filter(state=State.OPEN).aggregate(
        open=Count("pk"), overdue=Count("pk", filter=Q(received_at__lt=overdue_before())), oldest=Min("received_at")
    )
    return Counts(found["open"], found["overdue"], found["oldest"])


def waiting_count(departments: Iterable[int]) -> int:
    """How many wait for people of these departments, counted up to ``MOST_COUNTED``."""
    return visible(departments).filter(state=State.OPEN)[:MOST_COUNTED].count()


def waiting_for_study(decider: Decider, study_instance_uid: str) -> int:
    """How many objects that name this study wait for this person, counted up to ``MOST_COUNTED``."""
    rows = visible(decider.departments).filter(state__in=WAITING, study_instance_uid=study_instance_uid)
    return rows[:MOST_COUNTED].count()


def groups(decider: Decider, filters: Filters, *, page: int = 1) -> tuple[list[Group], bool]:
    """A page of what waits, longest first, and whether there is another one."""
    rows = _filtered(visible(decider.departments).filter(state__in=WAITING), filters)
    found = list(
        rows.values("sender", "door", "study_instance_uid", "reason")
        .annotate(
            first=Min("pk"),
            latest=Max("pk"),
            count=Count("pk"),
            oldest=Min("received_at"),
            people=Count(KeyTextTransform("patient_id", KeyTextTransform("patient", "header")), distinct=True),
        )
        .order_by("oldest", "first")[(page - 1) * PAGE : page * PAGE + 1]
    )
    shown = QuarantinedObject.objects.select_related("stored_object").in_bulk([row["first"] for row in found])
    limit = overdue_before()
    made = [
        Group(
            shown=shown[row["first"]],
            count=row["count"],
            patient_count=row["people"],
            oldest=row["oldest"],
            chosen=Chosen(row["first"], row["latest"]),
            is_overdue=row["oldest"] < limit,
        )
        for row in found[:PAGE]
    ]
    return made, len(found) > PAGE


def _filtered(rows: QuerySet[QuarantinedObject], filters: Filters) -> QuerySet[QuarantinedObject]:
    if filters.reason:
        rows = rows.filter(reason=filters.reason)
    if filters.sender:
        rows = rows.filter(sender=filters.sender)
    if filters.text:
        text = filters.text.replace("\x00", "")
        rows = rows.filter(
            Q(header__patient__patient_id=text)
            | Q(header__patient__patient_name__icontains=text)
            | Q(study_instance_uid=text)
            | Q(sop_instance_uid=text)
        )
    return rows


def senders(decider: Decider) -> list[str]:
    """Senders of which something waits."""
    rows = visible(decider.departments).filter(state__in=WAITING)
    return list(rows.order_by("sender").values_list("sender", flat=True).distinct()[:200])


def members(decider: Decider, of: QuarantinedObject, *, latest: int | None = None) -> QuerySet[QuarantinedObject]:
    """The objects of the same line of the desk, in order of arrival, up to the key ``latest``."""
    rows = visible(decider.departments).filter(
        sender=of.sender, door=of.door, study_instance_uid=of.study_instance_uid, reason=of.reason, state=of.state
    )
    return (rows if latest is None else rows.filter(pk__lte=latest)).order_by("pk")


def keys_of(decider: Decider, chosen: Iterable[Chosen]) -> list[int]:
    """Primary keys of the objects of these lines that this person may decide about."""
    wanted = list(chosen)
    allowed = visible(decider.departments).in_bulk([entry.first for entry in wanted])
    keys: dict[int, None] = {}
    for entry in wanted:
        first = allowed.get(entry.first)
        if first is None:
            continue
        keys[first.pk] = None
        if entry.latest is not None:
            keys.update(dict.fromkeys(members(decider, first, latest=entry.latest).values_list("pk", flat=True)))
    return list(keys)


def object_of(decider: Decider, pk: int) -> QuarantinedObject | None:
    """One object, with what is decided about it; None for a stranger's as for one that does not exist."""
    rows = visible(decider.departments).select_related("stored_object", "decision__decided_by", "version__instance")
    return rows.filter(pk=pk).first()


def decisions_of(found: QuarantinedObject) -> QuerySet[QuarantineDecision]:
    """What was decided about an object, latest first."""
    return found.decisions.select_related("decided_by", "place_in").order_by("-pk")


def earlier_of(decider: Decider, found: QuarantinedObject) -> list[QuarantinedObject]:
    """The same bytes, set aside before and decided about."""
    rows = visible(decider.departments).filter(stored_object=found.stored_object_id).exclude(pk=found.pk)
    return list(rows.exclude(state__in=WAITING).select_related("decision__decided_by").order_by("-pk")[:5])


def decisions(decider: Decider, *, page: int = 1) -> tuple[list[QuarantineDecision], bool]:
    """A page of decisions about objects that this person may see, latest first, and whether there is another one."""
    rows = (
        QuarantineDecision.objects.filter(Exists(_decided(decider.departments)))
        .select_related("decided_by", "place_in")
        .annotate(size=Count("objects_decided"))
        .order_by("-pk")
    )
    found = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    shown: list[QuarantineDecision] = [*found[:PAGE]]
    return shown, len(found) > PAGE


def decision_of(decider: Decider, pk: int) -> QuarantineDecision | None:
    """One decision, under the same rule as the objects that it is about."""
    rows = QuarantineDecision.objects.filter(Exists(_decided(decider.departments)), pk=pk)
    return rows.select_related("decided_by", "place_in").first()


def _decided(departments: Iterable[int]) -> QuerySet[QuarantinedObject]:
    return visible(departments).filter(decisions=OuterRef("pk"))


def in_force(decider: Decider, decision: QuarantineDecision) -> QuerySet[QuarantinedObject]:
    """The objects that are as this decision left them."""
    return visible(decider.departments).filter(decision=decision).order_by("pk")


def record_of(found: QuarantinedObject) -> dict[str, object] | None:
    """The whole header as DICOM JSON, read from the bytes; None when it cannot be read. Errors of ``storage`` pass."""
    with storage.open(found.stored_object) as file:
        try:
            parsed = part10.read_part10(file)
        except DicomError:
            return None
    text = json_model.to_json(parsed, inline_limit=4096)
    record: dict[str, object] = orjson.loads(text)
    return record


def beside(decider: Decider, found: QuarantinedObject) -> Beside:
    """What the archive knows about the object's study, image and patient, as far as this person may see it."""
    scope = decider.scope
    study = Study.objects.visible_to(scope, Right.VIEW).filter(study_instance_uid=found.study_instance_uid)
    instance = Instance.objects.visible_to(scope, Right.VIEW).filter(sop_instance_uid=found.sop_instance_uid)
    version = (
        InstanceVersion.objects.current()
        .filter(instance__in=instance)
        .select_related("instance__series__study__patient", "stored_object", "frames_object")
        .first()
    )
    known_study = study.select_related("patient").first()
    patient = _known_patient(found)
    seen = patient and Patient.objects.visible_to(scope, Right.VIEW).filter(pk=patient.pk).exists()
    is_hidden = found.reason in _TELL_OF_OTHERS and (
        (known_study is None and Study.objects.filter(study_instance_uid=found.study_instance_uid).exists())
        or (version is None and Instance.objects.filter(sop_instance_uid=found.sop_instance_uid).exists())
        or (patient is not None and not seen)
    )
    return Beside(known_study, version, patient if seen else None, is_hidden)


def _known_patient(found: QuarantinedObject) -> Patient | None:
    """The patient of the ID that the object names, whoever may see them: only asked to say that there is one."""
    named = found.header.get("patient", {}) if isinstance(found.header, dict) else {}
    patient_id, issuer = str(named.get("patient_id") or ""), str(named.get("issuer_of_patient_id") or "")
    if not patient_id:
        return None
    rows = Patient.objects.filter(patient_id=patient_id)
    return (rows.filter(issuer_of_patient_id=issuer) if issuer else rows).order_by("pk").first()


def patients(decider: Decider, text: str) -> list[Patient]:
    """Patients in whose studies this person may write, by the whole ID or a part of the name."""
    wanted = text.replace("\x00", "").strip()
    if len(wanted) < 2:
        return []
    rows = Patient.objects.visible_to(decider.scope, Right.WRITE).exclude(patient_id="")
    found = rows.filter(Q(patient_id=wanted) | Q(name_norm__contains=person_name.normalised(wanted)))
    return list(found.order_by("name_norm", "pk")[:_MOST_PATIENTS])


def patient_of(decider: Decider, pk: int) -> Patient | None:
    """One of those patients."""
    return Patient.objects.visible_to(decider.scope, Right.WRITE).exclude(patient_id="").filter(pk=pk).first()


def own_issuer(decider: Decider) -> str:
    """The issuer of the patient IDs that this person types: that of their site."""
    return ingest.home_of(decider.departments).issuer_of_patient_id


def departments(decider: Decider) -> QuerySet[Department]:
    """The departments that a released study can be placed in."""
    return Department.objects.active().filter(pk__in=decider.departments).order_by("name")


def visible_studies(decider: Decider, study_instance_uids: Iterable[str]) -> list[str]:
    """Those of these studies that this person may see: their pages can be linked to."""
    rows = Study.objects.visible_to(decider.scope).filter(study_instance_uid__in=list(study_instance_uids))
    return list(rows.values_list("study_instance_uid", flat=True))
