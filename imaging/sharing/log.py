"""What happened to a share: for its owner and the department as events, and on record for good."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from imaging.sharing.models import Share, ShareEvent, ShareVisit
from imaging.studies.models import Study

_Kind = ShareEvent.Kind

#: Addresses by which a study is looked at, by their names; what hangs on such a page is not counted again.
_LOOKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "viewer:viewer": _Kind.LOOKED,
        "viewer:document": _Kind.LOOKED,
        "dicomweb:study-metadata": _Kind.LOOKED,
        "dicomweb:series-metadata": _Kind.LOOKED,
        "dicomweb:study-rendered": _Kind.LOOKED,
        "dicomweb:series-rendered": _Kind.LOOKED,
        "dicomweb:study": _Kind.DOWNLOADED,
        "dicomweb:series": _Kind.DOWNLOADED,
        "dicomweb:instance": _Kind.DOWNLOADED,
        "share:download": _Kind.DOWNLOADED,
        "share:download-study": _Kind.DOWNLOADED,
        "viewer:download-image": _Kind.DOWNLOADED,
        "share:report": _Kind.REPORT_READ,
    }
)


def record(
    action: audit.Action,
    share: Share,
    *,
    actor: Actor,
    detail: Mapping[str, Any],
    outcome: audit.Outcome = audit.Outcome.SUCCESS,
) -> None:
    """Put on record what was done about a share, and about whom it is."""
    patient = share.patient
    audit.record(
        action,
        actor=actor,
        outcome=outcome,
        subject_type="share",
        subject_uid=share.key,
        patient_id=patient.patient_id if patient else "",
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
        detail=detail,
    )


def note(
    share: Share,
    kind: ShareEvent.Kind,
    *,
    visit: ShareVisit | None = None,
    person: User | None = None,
    words: str = "",
) -> ShareEvent:
    """Add what happened to a share."""
    return ShareEvent.objects.create(share=share, visit=visit, person=person, kind=kind, words=words[:300])


def note_look(visit: ShareVisit, view_name: str, study_instance_uid: str) -> None:
    """Count a look at a study in a visit; addresses that show nothing of one are none."""
    kind = _LOOKS.get(view_name)
    if kind is None:
        return
    study = Study.objects.filter(study_instance_uid=study_instance_uid).first() if study_instance_uid else None
    now = timezone.now()
    with transaction.atomic():
        same = ShareEvent.objects.filter(visit=visit, study=study, kind=kind)
        if same.update(times=F("times") + 1, at=now) == 0:
            ShareEvent.objects.bulk_create(
                [ShareEvent(share_id=visit.share_id, visit=visit, study=study, kind=kind)], ignore_conflicts=True
            )
        ShareVisit.objects.filter(pk=visit.pk).update(seen_at=now)
