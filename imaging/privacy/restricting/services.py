"""Restricting a patient's record on request, and lifting it: by the label that nobody is cleared for."""

from django.db import transaction

from accounts.actor import Actor
from accounts.labels import Label
from imaging.privacy.models import DataSubjectRequest, RequestLine
from imaging.privacy.officers import name_of
from imaging.studies import services as studies
from imaging.studies.models import Patient, Protection

ReasonMissing = studies.ReasonMissing


class NothingToLift(Exception):
    """The record is not restricted."""


def restriction_of(patient: Patient) -> Protection | None:
    """The restriction that holds of a patient's record now."""
    return Protection.objects.live().filter(patient=patient, label=Label.RESTRICTED).first()


def restrict(request: DataSubjectRequest, *, reason: str, actor: Actor) -> Protection:
    """Restrict the record of a request's patient, studies to come too. Raises :class:`ReasonMissing`."""
    if request.patient is None:
        raise ValueError("a restriction is of a patient's record")
    made = studies.protect(request.patient, Label.RESTRICTED, reason=reason, actor=actor)
    _note(request, RequestLine.What.RESTRICTED, reason, actor)
    return made


def lift(request: DataSubjectRequest, *, reason: str, actor: Actor) -> None:
    """Lift the restriction. Raises :class:`NothingToLift` and :class:`ReasonMissing`."""
    held = restriction_of(request.patient) if request.patient is not None else None
    if held is None or not studies.lift_protection(held, reason=reason, actor=actor):
        raise NothingToLift
    _note(request, RequestLine.What.LIFTED, reason, actor)


def _note(request: DataSubjectRequest, what: str, reason: str, actor: Actor) -> None:
    with transaction.atomic():
        RequestLine.objects.create(request=request, what=what, note=reason[:500], by=name_of(actor))
