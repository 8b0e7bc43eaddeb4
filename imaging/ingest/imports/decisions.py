"""What the owner of an import decides: who its patients are here, which studies come in, or that nothing does."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from accounts.scope import Scope
from imaging.ingest.imports import identity, selectors, staged
from imaging.ingest.imports.contents import Person
from imaging.ingest.imports.selectors import Candidate, Question
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.selectors import home_of
from imaging.ingest.uploads.selectors import may_upload_to

_CHOICES: Final = frozenset({"here", "number", "new", "skip"})


class NotYours(Exception):
    """There is no such import of this person."""


class NotAllowed(Exception):
    """The person may no longer bring images to this department."""


class NotOpen(Exception):
    """The import is no longer in a state in which this can be decided."""


class Unanswered(Exception):
    """Answers are missing or cannot be; ``errors`` says which, in words, by the patient's key or empty for all."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Keep what to say beside each question."""
        super().__init__(", ".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Answer:
    """``choice``: ``here`` (that ``patient``), ``number`` (our patient with that number), ``new`` (by ``issuer``), ``skip``."""

    choice: str
    patient: int | None = None
    number: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer, checked."""

    person: Person
    choice: str
    studies: tuple[str, ...]
    candidate: Candidate | None = None
    attributes: identity.Attributes | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is kept until everything is registered."""
        return {
            "choice": self.choice,
            "studies": list(self.studies),
            "patient": self.candidate.patient.pk if self.candidate else None,
            "corrections": self.attributes or {},
        }


def confirm(
    *,
    actor: Actor,
    user: User,
    scope: Scope,
    delivery_id: UUID,
    answers: Mapping[str, Answer],
    studies: Collection[str],
) -> Import:
    """Let it be registered as answered. Raises ``Unanswered``, ``NotOpen``, ``NotAllowed`` or ``NotYours``."""
    with transaction.atomic():
        delivery = _locked(user, delivery_id)
        if delivery.state != Import.State.WAITING:
            raise NotOpen
        if not may_upload_to(user, delivery.department_id):
            raise NotAllowed
        decided = _decided(selectors.questions(delivery, scope), answers, frozenset(studies), scope, delivery)
        _leave_out(delivery, decided)
        wanted = delivery.files.filter(kind=ImportedFile.Kind.DICOM, state=ImportedFile.State.EXAMINED).count()
        delivery.decisions = {one.person.key: one.to_json() for one in decided}
        delivery.state, delivery.confirmed_at = Import.State.REGISTERING, timezone.now()
        delivery.total_count, delivery.done_count, delivery.stop_asked = wanted, 0, False
        delivery.save(update_fields=["decisions", "state", "confirmed_at", "total_count", "done_count", "stop_asked"])
        for one in decided:
            _record_decision(actor, delivery, one)
        _record(audit.Action.IMPORT_CONFIRMED, actor, delivery, files=wanted)
    return delivery


def _decided(
    questions: list[Question], answers: Mapping[str, Answer], studies: frozenset[str], scope: Scope, delivery: Import
) -> list[Decision]:
    errors: dict[str, str] = {}
    decided: list[Decision] = []
    for question in questions:
        chosen = tuple(uid for uid in question.person.studies if uid in studies)
        answer = answers.get(question.person.key, Answer(""))
        if not chosen:
            answer = Answer("skip")
        try:
            decided.append(_answered(question, answer, chosen, scope, delivery))
        except ValueError as error:
            errors[question.person.key] = str(error)
    if errors:
        raise Unanswered(errors)
    if all(one.choice == "skip" for one in decided):
        raise Unanswered({"": _("Nothing is chosen. Choose at least one study, or discard the import.")})
    return decided


def _answered(question: Question, answer: Answer, chosen: tuple[str, ...], scope: Scope, delivery: Import) -> Decision:
    """Check one answer. Raises ValueError with what to say."""
    person = question.person
    if answer.choice not in _CHOICES:
        raise ValueError(_("Say who this patient is, or that nothing of this patient is imported."))
    if answer.choice == "skip":
        return Decision(person, "skip", ())
    if answer.choice == "new":
        _refuse_others_studies(chosen, None, scope)
        issuer = answer.issuer.strip()
        if question.needs_issuer and not identity.is_sound_issuer(issuer):
            raise ValueError(_("Say who gave this patient number, in 64 characters at most."))
        return Decision(person, "new", chosen, None, identity.as_theirs(issuer) if question.needs_issuer else {})
    candidate = _candidate(question, answer, scope, delivery)
    _refuse_others_studies(chosen, candidate.patient.pk, scope)
    agrees = candidate.same_number and not candidate.disagreement
    attributes = identity.as_ours(candidate.patient, person, agrees=agrees)
    return Decision(person, "here", chosen, candidate, attributes)


def _candidate(question: Question, answer: Answer, scope: Scope, delivery: Import) -> Candidate:
    if answer.choice == "here":
        known = question.candidate(answer.patient or 0)
        if known is None:
            raise ValueError(_("This patient can no longer be chosen. Choose again."))
        return known
    home = home_of((delivery.department_id,)).issuer_of_patient_id
    found = selectors.patients_by_number(answer.number.strip()[:64], home, scope)
    if not found:
        raise ValueError(_("You have no patient with this number. Check it, or keep the identity of the disc."))
    return selectors.candidate_of(found[0], question.person)


def _refuse_others_studies(chosen: tuple[str, ...], patient_id: int | None, scope: Scope) -> None:
    """A study that is here keeps its patient: more of it can come in for that patient only."""
    for study in selectors.studies_in_scope(chosen, scope).values():
        if study.patient_id != patient_id:
            raise ValueError(
                _(
                    "A study of this patient is here already, for %(patient)s. Choose that patient, or leave the study out."
                )
                % {"patient": study.patient.display_name}
            )


def _leave_out(delivery: Import, decided: list[Decision]) -> None:
    """Mark what was not chosen, so that everything left is to be registered."""
    wanted = Q(pk__in=[])
    for one in decided:
        wanted |= Q(patient_key=one.person.key, study_instance_uid__in=one.studies)
    objects = delivery.files.filter(kind=ImportedFile.Kind.DICOM, state=ImportedFile.State.EXAMINED)
    objects.exclude(wanted).update(state=ImportedFile.State.SKIPPED, outcome="", reason="not_chosen")


def discard(*, actor: Actor, user: User, delivery_id: UUID) -> None:
    """Forget an import that is being read or waits for a decision, and its files. Raises ``NotOpen`` or ``NotYours``."""
    with transaction.atomic():
        delivery = _locked(user, delivery_id)
        if delivery.state == Import.State.CANCELLED:
            return
        if delivery.state not in {Import.State.EXAMINING, Import.State.WAITING}:
            raise NotOpen
        _forget(actor, delivery, Import.State.CANCELLED, audit.Action.IMPORT_CANCELLED)


def expire(*, actor: Actor, delivery_id: UUID) -> None:
    """Forget an import that nobody decided about in time."""
    with transaction.atomic():
        waiting = Import.objects.select_for_update(skip_locked=True)
        delivery = waiting.filter(pk=delivery_id, state=Import.State.WAITING, expires_at__lte=timezone.now()).first()
        if delivery is not None:
            _forget(actor, delivery, Import.State.EXPIRED, audit.Action.IMPORT_EXPIRED)


def fail(*, delivery_id: UUID) -> None:
    """Give up on an import after a fault of ours: what was registered stays, and it can be brought again."""
    Import.objects.filter(pk=delivery_id, state__in=(Import.State.EXAMINING, Import.State.REGISTERING)).update(
        state=Import.State.FAILED, problem="fault", finished_at=timezone.now(), summary={}, decisions={}
    )


def stop(*, actor: Actor, user: User, delivery_id: UUID) -> None:
    """End an import that is being registered: what is in the archive stays. Raises ``NotOpen`` or ``NotYours``."""
    with transaction.atomic():
        delivery = _locked(user, delivery_id)
        if delivery.state == Import.State.DONE:
            return
        if delivery.state != Import.State.REGISTERING:
            raise NotOpen
        delivery.stop_asked = True
        delivery.save(update_fields=["stop_asked"])
        _record(audit.Action.IMPORT_CANCELLED, actor, delivery, done=delivery.done_count)


def _locked(user: User, delivery_id: UUID) -> Import:
    delivery = Import.objects.select_for_update().filter(pk=delivery_id, owner=user).first()
    if delivery is None:
        raise NotYours
    return delivery


def _forget(actor: Actor, delivery: Import, state: str, action: audit.Action) -> None:
    files = delivery.file_count
    delivery.files.all().delete()
    # Names of patients are kept no longer than they are needed.
    delivery.state, delivery.finished_at, delivery.summary = state, timezone.now(), {}
    delivery.save(update_fields=["state", "finished_at", "summary"])
    _record(action, actor, delivery, files=files)
    transaction.on_commit(lambda: staged.remove(delivery.pk))


def _record_decision(actor: Actor, delivery: Import, one: Decision) -> None:
    audit.record(
        audit.Action.IMPORT_DECIDED,
        actor=actor,
        subject_type="import",
        subject_uid=str(delivery.pk),
        patient_id=one.candidate.patient.patient_id if one.candidate else one.person.patient_id,
        issuer_of_patient_id=one.candidate.patient.issuer_of_patient_id
        if one.candidate
        else one.person.issuer_of_patient_id,
        detail={"choice": one.choice, "studies": list(one.studies), "corrected": sorted(one.attributes or {})},
    )


def _record(action: audit.Action, actor: Actor, delivery: Import, **detail: int) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="import",
        subject_uid=str(delivery.pk),
        detail={"department": delivery.department_id, **detail},
    )
