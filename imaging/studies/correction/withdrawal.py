"""Taking versions out of what is seen, and back: what was let in by mistake. Bytes, headers and history stay."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.actor import Actor
from imaging.dicom import correctable
from imaging.events import changes as feed
from imaging.events import services as events
from imaging.events.models import Event
from imaging.studies.correction import corrected_columns, recounting
from imaging.studies.models import Correction, InstanceVersion, Study
from imaging.studies.reading import corrections as study_corrections
from imaging.studies.reading import metadata
from imaging.studies.rows import locks

_State = InstanceVersion.State
_ROWS: Final = 1000


class OtherVersions(ValueError):
    """There are other versions of an image: which one is shown has to be chosen first."""


def withdraw(version_ids: Iterable[int], *, actor: Actor, reason: str) -> None:
    """Reject these versions: their instances are seen by nobody any more. What is rejected already stays so.

    Raises ``OtherVersions`` when one of them is shown while others of its instance wait for a choice: then nothing is
    written.
    """
    _change(version_ids, actor=actor, reason=reason, reject=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person has decided about a version that is shown again; ``attributes`` as ``IncomingInstance.corrections``."""

    attributes: Mapping[str, Any]
    origin: str
    reason: str = ""


@locks.begun_again
def reinstate(decided: Mapping[int, Decided], *, actor: Actor, reason: str) -> None:
    """Show rejected versions, by primary key, again, with these corrections in the place of those that they came in with.

    A version of an instance that has got another current one comes back as conflicting. Raises ``CorrectionInvalid`` when
    a study would show two patients: then nothing is written.
    """
    _change(decided, actor=actor, reason=reason, reject=False, decided=decided)


def restore(version_ids: Iterable[int], *, actor: Actor, reason: str) -> None:
    """Show rejected versions again, with what is put over them. One of an instance that has a current one is kept beside it."""
    _change(version_ids, actor=actor, reason=reason, reject=False)


@transaction.atomic
def _change(
    version_ids: Iterable[int],
    *,
    actor: Actor,
    reason: str,
    reject: bool,
    decided: Mapping[int, Decided] | None = None,
) -> None:
    wanted = list(version_ids)
    versions = InstanceVersion.objects.filter(pk__in=wanted)
    changed: dict[Study, list[str]] = {}
    corrected: dict[Study, frozenset[str]] = {}
    for study in locks.studies(Study.objects.filter(pk__in=versions.values("instance__study"))):
        own = versions.filter(instance__study=study)
        named = list(_reject(own) if reject else _show(own))
        if named:
            changed[study] = named
            corrected[study] = (
                _correct_instead(study, own, decided, actor=actor) if decided is not None else frozenset()
            )
    # What is shown again is whose its objects say now. Patients are locked here, before anything of a list is written.
    lost = corrected_columns.refresh(corrected).lost
    for study in changed:
        recounting.recount(study)
    for study, named in changed.items():
        _tell(study, named, actor=actor, reason=reason, reject=reject)
    feed.write((), lost)


def _reject(versions: QuerySet[InstanceVersion]) -> Iterable[str]:
    # Those in conflict first: an image of which all versions go is left to nobody's choice.
    for version in versions.exclude(state=_State.REJECTED).order_by("state", "pk").select_related("instance"):
        instance = version.instance
        if version.state == _State.CURRENT:
            if instance.versions.filter(state=_State.CONFLICTING).exists():
                raise OtherVersions(instance.sop_instance_uid)
            instance.is_rejected = True
            instance.save(update_fields=["is_rejected"])
        version.state = _State.REJECTED
        version.save(update_fields=["state"])
        yield instance.sop_instance_uid


def _show(versions: QuerySet[InstanceVersion]) -> Iterable[str]:
    for version in versions.filter(state=_State.REJECTED).select_related("instance"):
        instance = version.instance
        has_current = instance.versions.filter(state=_State.CURRENT).exists()
        version.state = _State.CONFLICTING if has_current else _State.CURRENT
        version.save(update_fields=["state"])
        if not has_current:
            instance.is_rejected = False
            instance.save(update_fields=["is_rejected"])
        yield instance.sop_instance_uid


def _correct_instead(
    study: Study, versions: QuerySet[InstanceVersion], decided: Mapping[int, Decided], *, actor: Actor
) -> frozenset[str]:
    """Put over versions that are shown again what was decided now; the attributes of which columns have to be made anew."""
    by = actor.name or actor.id
    taken_back: list[Correction] = []
    made: list[Correction] = []
    for version in versions.select_related("instance__series__study"):
        version.instance.study = study
        now = decided[version.pk]
        record = metadata.received_record(version)
        old, new = study_corrections.instead(
            version, record, now.attributes, origin=now.origin, reason=now.reason, made_by=by
        )
        taken_back += old
        made += new
    Correction.objects.bulk_update(taken_back, ["reverted_at", "reverted_by"], batch_size=_ROWS)
    Correction.objects.bulk_create(made, batch_size=_ROWS)
    study_corrections.refresh_marks(study)
    study.save(update_fields=["is_corrected"])
    changed = {tag for row in (*taken_back, *made) for tag in row.attributes}
    return frozenset({*correctable.IDENTITY, *changed})


def _tell(study: Study, changed: list[str], *, actor: Actor, reason: str, reject: bool) -> None:
    audit.record(
        audit.Action.INSTANCE_REJECTED if reject else audit.Action.INSTANCE_RESTORED,
        actor=actor,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={"instances": changed[:50], "count": len(changed), "reason": reason},
    )
    uid = study.study_instance_uid
    events.append_many([events.Happened(Event.Kind.STUDY_CHANGED, uid), events.Happened(Event.Kind.STUDY_SETTLED, uid)])
