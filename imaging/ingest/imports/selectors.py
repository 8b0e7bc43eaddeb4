"""Questions about imports: what is to be done, what they hold, and who their patients are here, in the owner's scope."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import EMPTY, Scope, scope_of_user
from accounts.selectors import capabilities_by_department
from imaging.ingest import policies
from imaging.ingest.imports.contents import Contents, Person
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.selectors import home_of
from imaging.studies.models import InstanceVersion, Patient, Study

#: An import that nobody decides about is kept so long, and one that a fault of ours stopped.
KEPT_WAITING: Final = timedelta(days=7)
#: What came from outside waits longer: nobody who sent it can be asked to bring it once more.
KEPT_IN_INBOX: Final = timedelta(days=30)
KEPT_FAILED: Final = timedelta(days=1)

_MOST_AT_WORK: Final = 100
_MOST_ALIKE: Final = 50
_MOST_CANDIDATES: Final = 6
_State = Import.State


def at_work(*, postponed: Collection[UUID] = ()) -> list[UUID]:
    """Imports that wait for a process: to be read, or to be registered; the oldest first, without the postponed ones."""
    found = Import.objects.filter(state__in=(_State.EXAMINING, _State.REGISTERING)).exclude(pk__in=postponed)
    return list(found.order_by("created_at").values_list("pk", flat=True)[:_MOST_AT_WORK])


def forgotten() -> list[UUID]:
    """Imports that nobody decided about in time."""
    found = Import.objects.filter(state=_State.WAITING, expires_at__lte=timezone.now())
    return list(found.values_list("pk", flat=True)[:100])


def with_needless_files(delivery_ids: Collection[UUID]) -> set[UUID]:
    """Those of these imports whose files nothing needs: done, of no use, or stopped by a fault some time ago."""
    found = Import.objects.filter(pk__in=delivery_ids, state__in=(_State.DONE, _State.FAILED))
    looked_into = found.filter(problem="fault", finished_at__gte=timezone.now() - KEPT_FAILED)
    return {*found.exclude(pk__in=looked_into).values_list("pk", flat=True)}


def eyes_of(delivery: Import) -> Scope:
    """What whoever an import belongs to may see; nothing of the archive while it is nobody's."""
    return scope_of_user(delivery.owner) if delivery.owner else EMPTY


def in_inbox(user: User) -> QuerySet[Import]:
    """What was sent from outside to the departments whose imports this person decides, and nobody took yet; oldest first."""
    found = Import.objects.filter(
        owner=None, state=_State.WAITING, expires_at__gt=timezone.now(), department__in=departments_writable_by(user)
    )
    return found.select_related("department").order_by("created_at")


def departments_writable_by(user: User) -> tuple[int, ...]:
    """The departments to whose studies this person may add."""
    return tuple(sorted(capabilities_by_department(user).get(Capability.UPLOAD, frozenset())))


def digests_in_scope(sop_instance_uids: Iterable[str], scope: Scope) -> dict[str, set[str]]:
    """Digests of the kept data sets of these instances, of those that may be seen. One query."""
    uids = [uid for uid in sop_instance_uids if uid]
    if not uids or scope.is_empty:
        return {}
    visible = Study.objects.visible_to(scope)
    rows = InstanceVersion.objects.filter(instance__sop_instance_uid__in=uids, instance__study__in=visible)
    found: dict[str, set[str]] = {}
    for uid, digest in rows.values_list("instance__sop_instance_uid", "stored_object__dataset_sha256"):
        found.setdefault(uid, set()).add(digest)
    return found


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who a patient of a delivery may be here. ``disagreement`` is in words (English msgids), empty when nothing differs."""

    patient: Patient
    same_number: bool
    has_study: bool
    disagreement: str

    @property
    def is_certain(self) -> bool:
        """Whether no person would doubt it: same number, name and birth date, or the owner of a study that came again."""
        return not self.disagreement and (self.same_number or self.has_study)


@dataclass(slots=True)
class Question:
    """One patient of a delivery, and who that may be here. ``suggested`` is ``here:<pk>``, ``new``, or empty: to be asked."""

    person: Person
    candidates: list[Candidate] = field(default_factory=list)
    needs_issuer: bool = False
    suggested: str = ""
    issuer: str = ""

    def candidate(self, pk: int) -> Candidate | None:
        """The candidate with this key."""
        return next((one for one in self.candidates if one.patient.pk == pk), None)


def questions(delivery: Import, scope: Scope) -> list[Question]:
    """What the owner is asked, patient by patient. Nothing outside the scope is looked at, so that nothing of it shows."""
    home = home_of((delivery.department_id,)).issuer_of_patient_id
    contents = Contents.from_json(delivery.summary)
    owners = _owners(contents, scope)
    return [_question(person, owners, home, delivery, scope) for person in contents.people.values()]


def _question(person: Person, owners: dict[str, Patient], home: str, delivery: Import, scope: Scope) -> Question:
    issuer = person.issuer_of_patient_id or home
    here = {owners[uid].pk: owners[uid] for uid in person.studies if uid in owners}
    found = {
        patient.pk: patient for patient in (*here.values(), *_by_number(person, issuer, scope), *_alike(person, scope))
    }
    candidates = [candidate_of(patient, person, issuer, has_study=patient.pk in here) for patient in found.values()]
    candidates.sort(key=lambda one: (bool(one.disagreement), not one.has_study, not one.same_number))
    return Question(
        person=person,
        candidates=candidates[:_MOST_CANDIDATES],
        needs_issuer=bool(person.patient_id)
        and (not person.issuer_of_patient_id or any(one.same_number for one in candidates)),
        suggested=_suggested(person, candidates),
        issuer=person.institution.replace("\\", "/")[:64] or f"IMPORT {str(delivery.pk)[:8]}",
    )


def candidate_of(patient: Patient, person: Person, issuer: str = "", *, has_study: bool = False) -> Candidate:
    """A patient of ours beside one of a delivery, whose issuer counts as ``issuer``."""
    known = (patient.patient_id, patient.issuer_of_patient_id)
    return Candidate(
        patient=patient,
        same_number=bool(person.patient_id) and known == (person.patient_id, issuer),
        has_study=has_study,
        disagreement=policies.disagreement(patient, person),
    )


def _suggested(person: Person, candidates: list[Candidate]) -> str:
    """The answer that no person would doubt, if there is one."""
    if not candidates:
        return "new"
    certain = [one for one in candidates if one.is_certain]
    if len(candidates) == 1 and certain:
        one = certain[0].patient
        told = person.birth_date is not None and one.birth_date == person.birth_date and person.name_norm
        if told or certain[0].has_study:
            return f"here:{one.pk}"
    return ""


def _owners(contents: Contents, scope: Scope) -> dict[str, Patient]:
    """Whose the studies are that are here already and may be seen, by their UIDs."""
    uids = [uid for person in contents.people.values() for uid in person.studies]
    rows = Study.objects.visible_to(scope).filter(study_instance_uid__in=uids).select_related("patient")
    return {row.study_instance_uid: row.patient for row in rows}


def _by_number(person: Person, issuer: str, scope: Scope) -> list[Patient]:
    return patients_by_number(person.patient_id, issuer, scope)


def patients_by_number(patient_id: str, issuer: str, scope: Scope) -> list[Patient]:
    """The patient with this number of this issuer, where the scope shows that patient."""
    if not patient_id:
        return []
    rows = Patient.objects.visible_to(scope, Right.LIST).filter(patient_id=patient_id, issuer_of_patient_id=issuer)
    return list(rows[:2])


def _alike(person: Person, scope: Scope) -> list[Patient]:
    """Patients with such a name, and the same birth date where the delivery tells one."""
    if not person.name_norm:
        return []
    rows = Patient.objects.visible_to(scope, Right.LIST).exclude(patient_id="")
    if person.birth_date is None:
        return list(rows.filter(name_norm=person.name_norm).order_by("pk")[:_MOST_CANDIDATES])
    alike = rows.filter(name_norm__trigram_similar=person.name_norm, birth_date=person.birth_date).order_by("pk")
    return [
        row
        for row in alike[:_MOST_ALIKE]
        if policies.names_agree(row.patient_name, person.patient_name, same_birth_date=True)
    ]


def studies_in_scope(uids: Iterable[str], scope: Scope) -> dict[str, Study]:
    """Those of these studies that may be seen, by UID."""
    rows = Study.objects.visible_to(scope).filter(study_instance_uid__in=list(uids)).select_related("patient")
    return {row.study_instance_uid: row for row in rows}


def results(delivery: Import) -> dict[str, int]:
    """How many files of an import are in which state, archives themselves left out."""
    rows = delivery.files.exclude(kind=ImportedFile.Kind.ARCHIVE, state=ImportedFile.State.EXAMINED)
    return dict(rows.values_list("state").annotate(number=Count("pk")).order_by("state"))


def files_in(delivery: Import, *states: str) -> QuerySet[ImportedFile]:
    """The files of an import in these states, by name."""
    return delivery.files.filter(state__in=states).order_by("path", "id")
