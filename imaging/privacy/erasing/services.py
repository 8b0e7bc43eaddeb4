"""Erasing what a request may have erased, and saying what stays and why."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import audit, erasable
from accounts.actor import Actor
from accounts.models import User
from imaging.privacy.erasing import registered
from imaging.privacy.models import DataSubjectRequest, RequestLine
from imaging.privacy.officers import name_of

__all__ = [
    "KEPT_OF_ACCOUNTS",
    "KEPT_OF_PATIENTS",
    "Found",
    "Kept",
    "StillActive",
    "erasables_of",
    "erase",
    "registered",
]


class StillActive(ValueError):
    """The account can still sign in: nothing of it is erased until it is switched off."""


@dataclass(frozen=True, slots=True)
class Found:
    """One kind of data that may go, and how much of it there is."""

    key: str
    label: str | Promise
    count: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What is not erased, and the reason in words for the answer."""

    what: str | Promise
    why: str | Promise


KEPT_OF_PATIENTS: tuple[Kept, ...] = (
    Kept(
        _("Images, documents and what was written about them"),
        _(
            "They are part of the care record, which the hospital must keep for the time set by law "
            "(GDPR art. 17(3)(b) and (c); France: Code de la santé publique, R. 1112-7)."
        ),
    ),
    Kept(
        _("The record of who looked"),
        _(
            "It protects the patient and proves what was done; the law requires it (GDPR art. 17(3)(b) and (e), art. 32)."
        ),
    ),
    Kept(
        _("This request and its answer"),
        _("The hospital must be able to prove that it answered (GDPR art. 5(2), art. 17(3)(e))."),
    ),
)

KEPT_OF_ACCOUNTS: tuple[Kept, ...] = (
    Kept(
        _("What the person did in patients' records, under the account's name of that time"),
        _("Patients have a right to know who looked; the law requires the record (GDPR art. 17(3)(b) and (e))."),
    ),
    Kept(
        _("Marks put on images, corrections and decisions"),
        _("They are part of the care record of patients (GDPR art. 17(3)(c))."),
    ),
    Kept(
        _("Lists given to a department or a role"),
        _("They belong to the department that works with them and hold nothing of the person but their author."),
    ),
)


def erasables_of(request: DataSubjectRequest) -> list[Found]:
    """What may be erased of the person of a request, with how much there is."""
    subject, kind = _subject(request)
    return [Found(entry.key, entry.label, entry.count(subject)) for entry in erasable.about(kind)]


def kept_of(request: DataSubjectRequest) -> tuple[Kept, ...]:
    """What is not erased, and why."""
    return KEPT_OF_PATIENTS if request.patient is not None else KEPT_OF_ACCOUNTS


def erase(request: DataSubjectRequest, keys: Collection[str], *, actor: Actor) -> dict[str, int]:
    """Erase these kinds of data of the person of an open request; how many rows of each went.

    Raises :class:`StillActive` for an account that can sign in, and ``AuditUnavailable``: then nothing is erased.
    """
    subject, kind = _subject(request)
    if isinstance(subject, User) and subject.is_active:
        raise StillActive
    gone: dict[str, int] = {}
    with transaction.atomic():
        for entry in erasable.about(kind):
            if entry.key in keys:
                gone[entry.key] = entry.erase(subject, actor)
        patient = request.patient
        audit.record(
            audit.Action.PERSONAL_DATA_ERASED,
            actor=actor,
            subject_type="privacy_request",
            subject_uid=str(request.pk),
            patient_id=patient.patient_id if patient else "",
            issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
            detail={"reference": request.reference, "account": request.account_id, "gone": gone},
            fail_closed=True,
        )
        labels = {entry.key: str(entry.label) for entry in erasable.about(kind)}
        said = ", ".join(f"{labels[key]} ({number})" for key, number in gone.items())
        RequestLine.objects.create(request=request, what=RequestLine.What.ERASED, note=said[:500], by=name_of(actor))
    return gone


def _subject(request: DataSubjectRequest) -> tuple[Model, erasable.About]:
    if request.patient is not None:
        return request.patient, erasable.About.PATIENT
    if request.account is not None:
        return request.account, erasable.About.ACCOUNT
    raise ValueError("a request is about one person")
