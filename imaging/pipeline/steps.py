"""From events to jobs, and from a job to its end: the same for every row of the table."""

import logging
import traceback

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction

from imaging.dicom.errors import DicomError
from imaging.events import changes, jobs
from imaging.events import services as events
from imaging.events.jobs import Ask, Claimed, Outcome
from imaging.events.models import Event
from imaging.pipeline.reactions import OF_A_COPY, OF_A_REPORT, OF_A_STUDY, REACTIONS, STEPS
from imaging.rendering.decoder import Unavailable
from imaging.reports.writing import selectors as writing
from imaging.reports.writing.publishing import DocumentsNotMade
from imaging.storage.errors import StorageAway, StorageError
from imaging.studies import selectors as studies
from imaging.studies import services as study_services
from imaging.webhooks import services as webhooks

logger = logging.getLogger(__name__)


def drain() -> int:
    """Turn the events that are due into jobs and lines of the change feed, each batch in one transaction. How many events."""
    drained = 0
    while True:
        with transaction.atomic():
            happened = events.take_due()
            removed = study_services.take_departures(
                event.subject_uid for event in happened if event.kind == Event.Kind.STUDY_CHANGED
            )
            series = [event.subject_uid for event in happened if event.kind == Event.Kind.SERIES_STARTED]
            of_study = studies.study_uids_of_series(series) if series else {}
            reports = [event.subject_uid for event in happened if event.kind in OF_A_REPORT]
            of_study |= writing.study_uids_of_reports(reports) if reports else {}
            # A request is no study's alone: what follows from its change is shown with none.
            of_study |= {event.subject_uid: "" for event in happened if event.kind == Event.Kind.REQUEST_CHANGED}
            copies = studies.copies_among(event.subject_uid for event in happened if event.kind in OF_A_STUDY)
            jobs.enqueue(
                Ask(step.name, event.subject_uid, of_study.get(event.subject_uid, event.subject_uid), step.queue)
                for event in happened
                for step in REACTIONS.get(event.kind, ())
                if event.subject_uid not in copies or step.name in OF_A_COPY
            )
            told = changes.write((event for event in happened if event.subject_uid not in copies), removed)
        if told:
            webhooks.offer()
        drained += len(happened)
        if not happened and not removed:
            return drained


def run_next(queue: str) -> bool:
    """Run the job of a queue that has been due for longest. False when there is none."""
    job = jobs.claim(queue)
    if job is None:
        return False
    _run(job)
    if job.study_instance_uid:
        study_services.heed_steps([job.study_instance_uid])
    return True


def _run(job: Claimed) -> None:
    step = STEPS.get(job.step)
    if step is None:
        jobs.fail(job, code="no_such_step", final=True)
        return
    try:
        with jobs.kept(job):
            outcome = step.run(job.subject_uid)
    except SoftTimeLimitExceeded:
        jobs.fail(job, code="took_too_long")
    except Unavailable as error:
        jobs.postpone(job, code="decoder_unavailable", detail=str(error))
    except StorageAway as error:
        jobs.postpone(job, code=error.code)
    except Exception as error:  # noqa: BLE001 -- whatever goes wrong in a step is recorded on its job and shown
        _record(job, error)
    else:
        if outcome is Outcome.AGAIN:
            jobs.enqueue([Ask(job.step, job.subject_uid, job.study_instance_uid, job.queue)])
        jobs.finish(job)


def _record(job: Claimed, error: Exception) -> None:
    if isinstance(error, DicomError | StorageError | DocumentsNotMade):
        code, detail = error.code, getattr(error, "detail", "")
    else:
        # The text of an unforeseen error may quote a patient: only its kind and its place are kept.
        code, detail = "unexpected", type(error).__name__
        frames = "".join(traceback.format_tb(error.__traceback__))
        logger.error("step %r failed: %s\n%s", job.step, type(error).__name__, frames)
    jobs.fail(job, code=code, detail=detail)
