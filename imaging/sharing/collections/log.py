"""What is done about collections, on record; and the count by which a page knows that something changed."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.sharing.models import Collection
from imaging.studies.models import Study


def record(
    action: audit.Action,
    collection: Collection,
    *,
    actor: Actor,
    study: Study | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Put on record what was done about a collection; and about whom, where it was about one study."""
    patient = study.patient if study is not None else None
    audit.record(
        action,
        actor=actor,
        subject_type="collection",
        subject_uid=collection.key,
        patient_id=patient.patient_id if patient else "",
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
        detail={**(detail or {}), **({"study": study.study_instance_uid} if study else {})},
    )


def touch(collection: Collection) -> None:
    """Count a change: lists show it first, and open pages fetch it."""
    Collection.objects.filter(pk=collection.pk).update(version=F("version") + 1, changed_at=timezone.now())
