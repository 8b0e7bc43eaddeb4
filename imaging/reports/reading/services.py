"""Offering studies to be read, taking one, giving it back: each in one transaction, and the second of two people is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from imaging.reports.models import ReadingItem, ReadingRoute, TurnaroundTarget
from imaging.reports.reading import notices, policies
from imaging.reports.reading.asked import Asked
from imaging.reports.reading.policies import Route, Target, ToRead
from imaging.reports.reading.selectors import OPEN, Reader
from imaging.studies import services as studies
from imaging.studies.models import Placement, Study
from imaging.studies.rows.incoming import PlannedPlacement

_State = ReadingItem.State
#: Modalities that carry no images to be read: documents, reports and what belongs to other objects.
_NOT_IMAGES: Final = frozenset(
    {"SR", "KO", "PR", "DOC", "SEG", "REG", "RTSTRUCT", "RTPLAN", "RTDOSE", "RTRECORD", "OT", "ECG"}
)
_LONGEST_QUESTION: Final = 4000
#: Days after an exam in which its images, arriving without a request, still wait to be read: an archive that is taken over does not.
_RECENT: Final = timedelta(days=14)


class NotYours(Exception):
    """Somebody else reads the study; ``item`` says who. Nothing was written."""

    def __init__(self, item: ReadingItem) -> None:
        """Keep the row, for the words that the second person gets."""
        super().__init__(item.pk)
        self.item = item


class NotOpen(Exception):
    """The study is read already, or is not read at all."""


@transaction.atomic
def offer(study_instance_uid: str, *, asked: Asked | None = None) -> ReadingItem | None:
    """Put a study with its images complete on the list of who reads it, or bring its row in line with what is asked now.

    Run again when more is known: what was read already stays so, and the clock runs on from when the images were first
    complete. A question that is gone leaves the row with none. None for a study without images to be read, or that nobody reads.
    """
    study = Study.objects.filter(study_instance_uid=study_instance_uid, instance_count__gt=0).first()
    if study is None:
        return None
    known = ReadingItem.objects.select_for_update(of=("self",), no_key=True).filter(study=study).first()
    wanted = _to_read(study, asked)
    if known is None and (
        not wanted.modality or (asked is None and study.first_received_at - study.study_at > _RECENT)
    ):
        return None
    reader = policies.reader_of(wanted, _routes())
    if reader.department is None:
        return known
    item = known or ReadingItem(study=study, ready_at=study.settled_at or study.last_received_at)
    _copy(item, asked)
    if item.is_prioritised:
        wanted = replace(wanted, priority=item.priority)
    item.priority = wanted.priority
    item.modality = wanted.modality[:16]
    item.subspecialty = reader.subspecialty[:32]
    item.department_id = reader.department
    item.due_at = policies.due_at(item.ready_at, policies.minutes_for(wanted, reader.department, _targets()))
    if not reader.is_read and item.state == _State.UNREAD:
        item.state = _State.NOT_READ
    item.save()
    _place(study, reader.department)
    return item


@transaction.atomic
def take(person: Reader, item: ReadingItem, *, over: bool = False) -> ReadingItem:
    """Read a study: others see by whom. ``over`` takes it from who has it, who is told.

    Raises ``NotYours`` while somebody else has it, and ``NotOpen``.
    """
    locked = _locked(item)
    if locked.state not in OPEN:
        raise NotOpen(locked.pk)
    if locked.locked_by_id == person.user.pk:
        return locked
    before = locked.locked_by
    if before is not None and not over:
        raise NotYours(locked)
    locked.locked_by, locked.locked_at = person.user, timezone.now()
    locked.save(update_fields=["locked_by", "locked_at"])
    _record(audit.Action.READING_TAKEN, locked, person.actor, **({"from": before.pk} if before else {}))
    if before is not None:
        notices.taken_over(locked, before, by=person.user, actor=person.actor)
    return locked


@transaction.atomic
def give_back(person: Reader, item: ReadingItem) -> ReadingItem:
    """Let others read it. Nothing happens when somebody else has it by now."""
    locked = _locked(item)
    if locked.locked_by_id != person.user.pk:
        return locked
    locked.locked_by, locked.locked_at = None, None
    if locked.assigned_to_id == person.user.pk:
        locked.assigned_to = None
    locked.save(update_fields=["locked_by", "locked_at", "assigned_to"])
    _record(audit.Action.READING_GIVEN_BACK, locked, person.actor)
    return locked


@transaction.atomic
def assign(person: Reader, item: ReadingItem, colleague: User | None) -> ReadingItem:
    """Give a study to a colleague, who is told, or to nobody in particular. Raises ``NotYours`` while somebody else reads it."""
    locked = _locked(item)
    if locked.state not in OPEN:
        raise NotOpen(locked.pk)
    if locked.locked_by_id not in (None, person.user.pk):
        raise NotYours(locked)
    locked.assigned_to, locked.locked_by, locked.locked_at = colleague, None, None
    locked.save(update_fields=["assigned_to", "locked_by", "locked_at"])
    _record(audit.Action.READING_CHANGED, locked, person.actor, assigned_to=colleague.pk if colleague else None)
    if colleague is not None:
        notices.assigned(locked, colleague, actor=person.actor)
    return locked


@transaction.atomic
def set_priority(person: Reader, item: ReadingItem, priority: int) -> ReadingItem:
    """Read it sooner or later than was asked; the clock follows. Raises ``NotOpen`` for what is signed."""
    locked = _locked(item)
    if locked.state not in OPEN:
        raise NotOpen(locked.pk)
    wanted = ToRead(modality=locked.modality, priority=priority)
    locked.priority, locked.is_prioritised = priority, True
    locked.due_at = policies.due_at(locked.ready_at, policies.minutes_for(wanted, locked.department_id, _targets()))
    locked.save(update_fields=["priority", "is_prioritised", "due_at"])
    _record(audit.Action.READING_CHANGED, locked, person.actor, priority=priority)
    return locked


@transaction.atomic
def leave_unread(person: Reader, item: ReadingItem, *, reason: str) -> ReadingItem:
    """Say that a study is not read (outside images, a test of the machine), or take that back with an empty reason.

    Raises ``NotYours`` while somebody else reads it, and ``NotOpen`` for one that has a report.
    """
    locked = _locked(item)
    if locked.locked_by_id not in (None, person.user.pk):
        raise NotYours(locked)
    if reason:
        if locked.state != _State.UNREAD:
            raise NotOpen(locked.pk)
        locked.state, locked.not_read_reason = _State.NOT_READ, reason[:200]
        locked.locked_by = locked.locked_at = None
    elif locked.state == _State.NOT_READ:
        locked.state, locked.not_read_reason = _State.UNREAD, ""
    locked.save()
    _record(audit.Action.READING_CHANGED, locked, person.actor, not_read=reason[:200])
    return locked


def follow(study: Study, *, state: str, actor: Actor = SYSTEM, is_over: bool = False) -> None:
    """Bring the row of a study in line with its report, in the caller's transaction; ``is_over`` lets go of who had it.

    ``state`` is a value of ``ReadingItem.State``. A study without a row (nobody was to read it) has none afterwards either.
    """
    item = ReadingItem.objects.select_for_update(of=("self",), no_key=True).filter(study=study).first()
    if item is None:
        return
    item.state = _State(state)
    item.reported_at = timezone.now() if item.state == _State.FINAL else None
    if is_over:
        item.locked_by = item.locked_at = None
    item.save(update_fields=["state", "reported_at", "locked_by", "locked_at"])


def _locked(item: ReadingItem) -> ReadingItem:
    rows = ReadingItem.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("study__patient", "locked_by", "assigned_to").get(pk=item.pk)


def _to_read(study: Study, asked: Asked | None) -> ToRead:
    images = [modality for modality in study.modalities if modality not in _NOT_IMAGES]
    modality = images[0] if images else ""
    owner = Placement.objects.filter(study=study, kind=Placement.Kind.OWNER).live().order_by("pk").first()
    performed_by = owner.department_id if owner else None
    if asked is None:
        return ToRead(modality=modality, body_part_examined=study.body_part_examined, performed_by=performed_by)
    return ToRead(
        modality=modality,
        body_part_examined=asked.body_part_examined or study.body_part_examined,
        procedure_code=asked.procedure_code,
        subspecialty=asked.subspecialty,
        performed_by=asked.performing_department_id or performed_by,
        priority=asked.priority,
    )


def _copy(item: ReadingItem, asked: Asked | None) -> None:
    found = asked or Asked(accession_number=item.study.accession_number)
    item.asked_by_id = found.asked_by_id
    item.asked_by_name = found.asked_by_name
    item.asking_department_id = found.asking_department_id
    item.asked_at = found.asked_at
    item.accession_number = found.accession_number[:16]
    item.procedure_code = found.procedure_code[:16]
    item.procedure_name = found.procedure_name[:64]
    item.laterality = found.laterality
    item.clinical_question = found.clinical_question[:_LONGEST_QUESTION]


def _routes() -> list[Route]:
    return [
        Route(
            modality=row.modality,
            body_part_examined=row.body_part_examined,
            procedure_code=row.procedure_code,
            performed_by=row.performed_by_id,
            read_by=row.read_by_id,
            subspecialty=row.subspecialty,
            is_read=row.is_read,
        )
        for row in ReadingRoute.objects.filter(is_active=True)
    ]


def _targets() -> list[Target]:
    return [
        Target(priority=row.priority, minutes=row.minutes, modality=row.modality, department=row.department_id)
        for row in TurnaroundTarget.objects.all()
    ]


def _place(study: Study, department_id: int) -> None:
    """Who reads for another department has its studies; a department that has it already keeps its placement."""
    here = Placement.objects.filter(study=study, department_id=department_id).live()
    if here.exists() or not Department.objects.filter(pk=department_id, is_active=True).exists():
        return
    plan = PlannedPlacement(department_id, Placement.Kind.REQUESTING, "reading_route")
    studies.place_study(study, plan, actor=SYSTEM)


def _record(action: audit.Action, item: ReadingItem, actor: Actor, **detail: object) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=item.study.study_instance_uid,
        patient_id=item.study.patient.patient_id,
        issuer_of_patient_id=item.study.patient.issuer_of_patient_id,
        detail=detail,
    )
