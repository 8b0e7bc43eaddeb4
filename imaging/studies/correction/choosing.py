"""Which of several versions of one instance is shown. The others are kept, and can be chosen again."""

from django.db import transaction

from accounts import audit
from accounts.actor import Actor
from imaging.dicom import corrections, header
from imaging.events import services as events
from imaging.events.models import Event
from imaging.studies.models import Instance, InstanceVersion, Series, Study
from imaging.studies.reading import corrections as study_corrections
from imaging.studies.reading import metadata
from imaging.studies.rows import columns, locks, status

_State = InstanceVersion.State


class NotAChoice(ValueError):
    """The version is of another instance, or was rejected: restore it first."""


@transaction.atomic
def choose_version(instance: Instance, version: InstanceVersion, *, actor: Actor, reason: str) -> None:
    """Show ``version`` of ``instance`` from now on; the one shown so far becomes a conflicting version beside it.

    Frames, headers, pictures and counts follow. Nothing happens when it is shown already. Raises ``NotAChoice``.
    """
    (study,) = locks.studies(Study.objects.filter(pk=instance.study_id))
    versions = InstanceVersion.objects.filter(instance=instance).select_related(
        "instance__series__study", "stored_object"
    )
    chosen = versions.filter(pk=version.pk).first()
    if chosen is None or chosen.state == _State.REJECTED:
        raise NotAChoice(version.pk)
    if chosen.state == _State.CURRENT:
        return
    shown = versions.filter(state=_State.CURRENT).first()
    # One current version at a time: the old one goes first.
    versions.filter(state=_State.CURRENT).update(state=_State.CONFLICTING)
    versions.filter(pk=chosen.pk).update(state=_State.CURRENT)
    _follow(study, chosen)
    audit.record(
        audit.Action.VERSION_CHOSEN,
        actor=actor,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={
            "instance": instance.sop_instance_uid,
            "version": chosen.pk,
            "instead_of": shown.pk if shown else None,
            "reason": reason,
        },
    )
    uid = study.study_instance_uid
    events.append_many([events.Happened(Event.Kind.STUDY_CHANGED, uid), events.Happened(Event.Kind.STUDY_SETTLED, uid)])


def _follow(study: Study, chosen: InstanceVersion) -> None:
    """The columns of the instance, the frames of its series, and pictures that are to be chosen anew."""
    changes = study_corrections.changes_of([chosen.pk]) if chosen.is_corrected else {}
    record = {**metadata.received_record(chosen), **corrections.merged(changes.get(chosen.pk, ()))}
    found = header.read_record(record, transfer_syntax_uid=chosen.stored_object.transfer_syntax_uid)
    row = Instance.objects.get(pk=chosen.instance_id)
    frames = row.number_of_frames
    values = columns.instance_values(found)
    for name in ("instance_number", "number_of_frames", "rows", "columns"):
        setattr(row, name, values[name])
    row.save(update_fields=["instance_number", "number_of_frames", "rows", "columns"])
    series = Series.objects.get(pk=row.series_id)
    if not row.is_rejected:
        series.frame_count = min(max(series.frame_count - frames + row.number_of_frames, 0), columns.LARGEST_INTEGER)
    series.version += 1
    series.thumbnail = None
    series.save(update_fields=["frame_count", "version", "thumbnail"])
    study.version += 1
    study.thumbnail = None
    study.settled_at = None
    study.save(update_fields=["version", "thumbnail", "settled_at"])
    status.refresh([study.study_instance_uid])
