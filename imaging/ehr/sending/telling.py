"""What becomes owed when a report is signed, a request moves, or images are there: written then, and sent by ``delivering``.

The steps of the pipeline may run twice: each thing is owed once to each receiver.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.ehr.hl7 import writing
from imaging.ehr.models import Hl7Destination, Hl7Notice
from imaging.ehr.sending import delivering, results, selectors, statuses
from imaging.ehr.sending.results import Envelope
from imaging.ehr.sending.statuses import Standing
from imaging.reports.documents import canonical
from imaging.reports.models import Report, ReportVersion
from imaging.reports.writing import publishing
from imaging.storage import services as storage
from imaging.studies.correction.merging import survivor
from imaging.studies.models import Patient

About = Hl7Notice.About
_TAKEN_BACK: Final = ReportVersion.Kind.WITHDRAWAL
_PRELIMINARY: Final = ReportVersion.Kind.PRELIMINARY


def report_changed(key: str) -> None:
    """Owe every receiver the versions of a report that it has not been told of, in their order.

    What another system keeps is that system's to tell.
    """
    if Report.objects.filter(key=key).exclude(source="").exists():
        return
    for destination in selectors.destinations(tells_reports=True):
        told = set(selectors.told_of(destination, About.REPORT, key).values_list("mark", flat=True))
        for version in ReportVersion.objects.filter(report__key=key).order_by("number"):
            mark = str(version.number)
            if mark in told or not _concerns(destination, version, has_been_told=bool(told)):
                continue
            _owe(destination, About.REPORT, key, mark)
            told.add(mark)


def request_changed(key: str) -> None:
    """Owe every receiver where a request stands, unless that is what it was told last."""
    for destination in selectors.destinations(tells_requests=True):
        request = selectors.request_told(destination, key)
        if request is None:
            continue
        last = selectors.told_of(destination, About.REQUEST, key).values_list("mark", flat=True).first()
        told = Standing.read(last.partition(" ")[2]) if last else None
        now = statuses.standing(request, told=told, new_order=destination.new_order)
        if now is not None:
            _owe(destination, About.REQUEST, key, f"{request.version} {now}")


def study_settled(study_instance_uid: str) -> None:
    """Owe every receiver the news that images are there; again when there are more, or fewer."""
    for destination in selectors.destinations(tells_studies=True):
        study = selectors.study_told(destination, study_instance_uid=study_instance_uid)
        if study is None or not study.instance_count:
            continue
        last = selectors.told_of(destination, About.STUDY, study_instance_uid).values_list("mark", flat=True).first()
        count = f"{study.instance_count} objects"
        if last is None or last.partition("/")[2] != count:
            number = int(last.partition("/")[0]) + 1 if last else 1
            _owe(destination, About.STUDY, study_instance_uid, f"{number}/{count}")


def _concerns(destination: Hl7Destination, version: ReportVersion, *, has_been_told: bool) -> bool:
    """A preliminary report is sent to who wants it; what is taken back to who knows of it."""
    if version.kind == _PRELIMINARY:
        return destination.tells_preliminary
    return has_been_told or version.kind != _TAKEN_BACK


def _owe(destination: Hl7Destination, about: Hl7Notice.About, subject_uid: str, mark: str) -> None:
    """Write a message and keep it until it is taken; on record before it can be sent (``AuditUnavailable`` otherwise)."""
    row = Hl7Notice(
        destination=destination,
        about=about,
        subject_uid=subject_uid,
        mark=mark,
        kind="ORM^O01" if about is About.REQUEST else "ORU^R01",
        control_id=f"N{uuid.uuid4().hex[:19]}",
    )
    patient = write(row)
    if patient is None:
        return
    try:
        with transaction.atomic():
            row.save()
            _record(row, patient)
            delivering.ask(destination)
    except IntegrityError:
        # Somebody else's job was faster.
        return


def write(row: Hl7Notice) -> Patient | None:
    """Write the message of a row into it; the patient, or None where the receiver may not be told of it (any more).

    Letters that the receiver's character set has not leave the row without a message, for a person to decide.
    """
    envelope = Envelope(destination=row.destination, control_id=row.control_id, at=timezone.now())
    patient, make = _MAKERS[Hl7Notice.About(row.about)](row, envelope)
    if patient is None or make is None:
        return None
    try:
        row.raw, row.state, row.note = make(), Hl7Notice.State.WAITING, ""
    except writing.NotWritable:
        row.raw, row.state = b"", Hl7Notice.State.REFUSED
        row.note = "It has letters that the receiver's character set has not."
    return patient


def send_again(row: Hl7Notice, *, actor: Actor) -> bool:
    """Send a message again that was laid aside, skipped or taken: as it was; one that could not be written is tried anew.

    Whether there is anything to send.
    """
    if not row.raw and (write(row) is None or not row.raw):
        return False
    with transaction.atomic():
        Hl7Notice.objects.filter(pk=row.pk).update(
            state=Hl7Notice.State.WAITING,
            raw=row.raw,
            attempts=0,
            code="",
            note="",
            ended_at=None,
            decided_by=(actor.name or actor.id)[:150],
        )
        delivering.decided(row, actor, "sent again")
        delivering.ask(row.destination)
    return True


Made = tuple[Patient | None, Callable[[], bytes] | None]


def _of_report(row: Hl7Notice, envelope: Envelope) -> Made:
    destination = row.destination
    study = selectors.study_told(destination, report__key=row.subject_uid)
    version = ReportVersion.objects.filter(report__key=row.subject_uid, number=int(row.mark)).first()
    if study is None or version is None:
        return None, None
    content = canonical.read(version.content)
    pdf = None
    if destination.report_form != destination.ReportForm.TEXT:
        pdf = storage.read(publishing.paper(version, Report.objects.get(pk=version.report_id)))
    requests = selectors.requests_of(study)
    return study.patient, lambda: results.report(envelope, content, study, requests, pdf=pdf)


def _of_request(row: Hl7Notice, envelope: Envelope) -> Made:
    request = selectors.request_told(row.destination, row.subject_uid)
    if request is None or request.patient is None:
        return None, None
    patient, now = survivor(request.patient), Standing.read(row.mark.partition(" ")[2])
    return patient, lambda: statuses.message(envelope, request, patient, now)


def _of_study(row: Hl7Notice, envelope: Envelope) -> Made:
    study = selectors.study_told(row.destination, study_instance_uid=row.subject_uid)
    if study is None:
        return None, None
    requests = selectors.requests_of(study)
    return study.patient, lambda: results.study(envelope, study, requests)


_MAKERS: Final[dict[Hl7Notice.About, Callable[[Hl7Notice, Envelope], Made]]] = {
    About.REPORT: _of_report,
    About.REQUEST: _of_request,
    About.STUDY: _of_study,
}


def _record(row: Hl7Notice, patient: Patient) -> None:
    is_request = row.about == About.REQUEST
    audit.record(
        audit.Action.HL7_MESSAGE_SENT,
        actor=selectors.actor_of(row.destination),
        subject_type="exam_request" if is_request else "study",
        subject_uid=row.subject_uid if row.about != About.REPORT else _study_uid(row.subject_uid),
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        fail_closed=True,
        detail={"about": row.about, "which": row.mark, "control_id": row.control_id, "receiver": row.destination.name},
    )


def _study_uid(report_key: str) -> str:
    return Report.objects.values_list("study__study_instance_uid", flat=True).get(key=report_key)
