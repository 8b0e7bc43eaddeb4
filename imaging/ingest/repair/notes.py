"""Rejection notes of our own: written as objects of the study and taken in as any other, so that other systems can read them."""

import tempfile
from typing import Final

from django.utils import timezone

from accounts.roles import Door
from imaging.dicom import rejection_note, uids
from imaging.dicom.rejection_note import Named
from imaging.dicom.wrapping.facts import Place, SeriesFacts
from imaging.events import jobs
from imaging.events.jobs import Outcome as Turn
from imaging.ingest import intake, selectors
from imaging.ingest import services as ingest
from imaging.ingest.intake import Outcome
from imaging.ingest.source import Source
from imaging.ingest.wrapping import targets
from imaging.studies import services as studies
from imaging.studies.models import Instance, InstanceVersion, Placement, Rejection

#: The step of the pipeline that writes a note; its subject is a rejection's key.
NOTE_STEP: Final = "write rejection note"


def ask_for(rejection: Rejection) -> None:
    """Have the note of a rejection written, as soon as the transaction is committed."""
    jobs.enqueue([jobs.Ask(NOTE_STEP, str(rejection.pk), rejection.study.study_instance_uid)])


def write(key: str) -> Turn:
    """The step ``NOTE_STEP``: write the note, once, and hide it as what it names is hidden."""
    found = Rejection.objects.in_force().select_related("study__patient").filter(pk=int(key), from_peer=False).first()
    if found is None:
        return Turn.DONE
    if not found.note_uid:
        found.note_uid = uids.new_uid()
        found.save(update_fields=["note_uid"])
    if not Instance.objects.filter(sop_instance_uid=found.note_uid).exists():
        (result,) = intake.register([_held(found)])
        if result.outcome is Outcome.WAITING:
            return Turn.AGAIN
    studies.heed_notes(found.study.study_instance_uid)
    return Turn.DONE


def _held(rejection: Rejection) -> ingest.Held:
    departments = frozenset(
        Placement.objects.live().filter(study=rejection.study).values_list("department_id", flat=True)
    )
    target = targets.into(rejection.study, zone=selectors.home_of(departments).zone)
    made_at = timezone.now()
    place = Place(
        patient=target.patient,
        study=target.study,
        series=SeriesFacts(
            series_instance_uid=uids.new_uid(),
            series_number=target.first_series_number,
            modality=rejection_note.MODALITY,
        ),
        sop_instance_uid=rejection.note_uid,
        instance_number=1,
        made_at=made_at,
        shows_identity=False,
    )
    source = Source(
        door=Door.PAGE,
        sender=rejection.made_by,
        actor_kind="system",
        actor_id="rejection note",
        department_ids=tuple(sorted(departments)),
        identity_decided=True,
    )
    with tempfile.TemporaryFile() as out:
        rejection_note.write(out, place, rejection.code, _named(rejection), text=rejection.reason)
        out.seek(0)
        return ingest.hold(out, source=source)


def _named(rejection: Rejection) -> list[Named]:
    rows = InstanceVersion.objects.filter(pk__in=rejection.shown).order_by("pk")
    names = ("instance__series__series_instance_uid", "instance__sop_class_uid", "instance__sop_instance_uid")
    return [Named(*row) for row in rows.values_list(*names)]
