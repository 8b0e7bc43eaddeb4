"""Who is told of what, and what waits to be sent."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.actor import Actor
from accounts.roles import Door, Right
from accounts.scope import Scope, scope_of_departments
from imaging.ehr.models import Hl7Destination, Hl7Notice
from imaging.orders.matching import selectors as matching
from imaging.orders.models import ExamRequest
from imaging.studies.models import Study


def destinations(**told: bool) -> QuerySet[Hl7Destination]:
    """The active receivers that are told of something: ``tells_reports=True``."""
    return Hl7Destination.objects.filter(is_active=True, **told).select_related("site").prefetch_related("departments")


def actor_of(destination: Hl7Destination) -> Actor:
    """Who is told, for the audit."""
    return Actor(kind="machine", id=f"hl7-receiver:{destination.pk}", name=destination.name, door=Door.HL7)


def scope_of(destination: Hl7Destination) -> Scope:
    """What a receiver may be told of: the exams of its departments, without what is specially protected."""
    departments = [department.pk for department in destination.departments.all()]
    return scope_of_departments(
        principal=actor_of(destination), departments=departments, rights=[Right.LIST, Right.VIEW], reason="HL7 receiver"
    )


def study_told(destination: Hl7Destination, **which: object) -> Study | None:
    """A study of which a receiver may be told, of a patient whose number is one of its site's."""
    rows = Study.objects.visible_to(scope_of(destination), Right.VIEW)
    issuer = destination.site.issuer_of_patient_id
    return rows.filter(patient__issuer_of_patient_id=issuer, **which).select_related("patient").first()


def requests_of(study: Study) -> list[ExamRequest]:
    """The requests that a study answers."""
    return [link.request for link in matching.links_of_study(study)]


def request_told(destination: Hl7Destination, key: str) -> ExamRequest | None:
    """A request of which a receiver may be told: of its departments, for a patient of its site, not specially protected."""
    rows = ExamRequest.objects.visible_to(scope_of(destination)).filter(
        key=key, patient__issuer_of_patient_id=destination.site.issuer_of_patient_id
    )
    related = ("patient", "procedure", "requester", "requesting_department")
    return rows.select_related(*related).first()


def told_of(destination: Hl7Destination, about: str, subject_uid: str) -> QuerySet[Hl7Notice]:
    """Everything that a receiver was told, or is owed, of one subject; the last first."""
    return Hl7Notice.objects.filter(destination=destination, about=about, subject_uid=subject_uid).order_by("-pk")


def owed(destination: Hl7Destination) -> QuerySet[Hl7Notice]:
    """What a receiver has not been sent, the first first."""
    return Hl7Notice.objects.filter(destination=destination, state=Hl7Notice.State.WAITING).order_by("pk")


def due() -> list[int]:
    """The receivers that are owed something and need not wait any longer."""
    waited = Q(next_attempt_at=None) | Q(next_attempt_at__lte=timezone.now())
    rows = Hl7Destination.objects.filter(waited, is_active=True, notices__state=Hl7Notice.State.WAITING)
    return list(rows.distinct().values_list("pk", flat=True))


def owed_since(destination: Hl7Destination) -> datetime | None:
    """Since when the message has waited that a receiver is to get next."""
    return owed(destination).values_list("owed_at", flat=True).first()


def refused() -> QuerySet[Hl7Notice]:
    """What a receiver did not take, and nobody has decided about."""
    return Hl7Notice.objects.filter(state=Hl7Notice.State.REFUSED)
