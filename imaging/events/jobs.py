"""The job table: what is to be done, who is at it and until when, what went wrong. Celery only executes (DESIGN 4.5).

A worker claims the oldest job that is due (``SKIP LOCKED``), keeps its lease alive, and finishes or fails it. Whoever
lost the lease changes nothing any more. All times are the database's, so that workers' clocks do not matter.
"""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial
from threading import Event, Thread
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from imaging import queues
from imaging.events.models import Job

#: Seconds. A worker that died is noticed when its lease runs out; a living one extends it all the time.
LEASE: Final = float(getattr(settings, "JOB_LEASE_SECONDS", 30))
MAX_ATTEMPTS: Final = 5
_BACKOFF: Final = (2, 10, 60, 300)

_ENQUEUE = """
    INSERT INTO imaging_job (step, subject_uid, study_instance_uid, queue, state, attempts, rerun,
                             due_at, problem_code, problem_detail, created_at)
    SELECT step, subject_uid, study_instance_uid, queue, 'waiting', 0, false,
           clock_timestamp(), '', '', clock_timestamp()
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS asked (step, subject_uid, study_instance_uid, queue)
    ON CONFLICT (step, subject_uid) DO UPDATE SET
        rerun = imaging_job.state = 'running',
        state = CASE WHEN imaging_job.state = 'running' THEN 'running' ELSE 'waiting' END,
        attempts = CASE WHEN imaging_job.state = 'running' THEN imaging_job.attempts ELSE 0 END,
        due_at = CASE WHEN imaging_job.state = 'waiting' AND imaging_job.attempts = 0
                      THEN imaging_job.due_at ELSE EXCLUDED.due_at END,
        queue = EXCLUDED.queue, problem_code = '', problem_detail = '', finished_at = NULL
    RETURNING queue, state
"""

_CLAIM = """
    UPDATE imaging_job SET state = 'running', attempts = attempts + 1, rerun = false, lease_token = %s,
                           lease_until = clock_timestamp() + %s * interval '1 second'
    WHERE id = (SELECT id FROM imaging_job WHERE queue = %s AND state = 'waiting' AND due_at <= clock_timestamp()
                ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, step, subject_uid, study_instance_uid, queue, attempts
"""


class Outcome(Enum):
    """What a step answers; anything else that it returns means that it is done."""

    DONE = "done"
    #: Its turn is over and work is left: it goes to the end of the queue.
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Ask:
    """Work to queue: the step and its subject make it unique."""

    step: str
    subject_uid: str
    study_instance_uid: str = ""
    queue: str = queues.SHORT


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that this worker runs as long as it holds the lease. ``attempts`` counts this one."""

    id: int
    step: str
    subject_uid: str
    study_instance_uid: str
    queue: str
    attempts: int
    token: uuid.UUID


def enqueue(asked: Iterable[Ask]) -> None:
    """Queue work, with one statement. What waits already is not queued twice; what runs will run once more."""
    unique = {(ask.step, ask.subject_uid): ask for ask in asked}
    asks = [unique[key] for key in sorted(unique)]
    if not asks:
        return
    columns = [[getattr(ask, name) for ask in asks] for name in ("step", "subject_uid", "study_instance_uid", "queue")]
    with connection.cursor() as cursor:
        cursor.execute(_ENQUEUE, columns)
        waiting = [queue for queue, state in cursor.fetchall() if state == "waiting"]
    for queue in waiting:
        transaction.on_commit(partial(queues.nudge, queue), robust=True)


def claim(queue: str, *, lease: float = LEASE) -> Claimed | None:
    """Take the job of this queue that has been due for longest, or None. No two workers get the same one."""
    token = uuid.uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [token, lease, queue])
        row = cursor.fetchone()
    if row is None:
        return None
    job_id, step, subject_uid, study_instance_uid, queue, attempts = row
    return Claimed(job_id, step, subject_uid, study_instance_uid, queue, attempts, token)


def extend(job: Claimed, *, lease: float = LEASE) -> bool:
    """Keep the lease for longer. False when it was lost, because it ran out or a person cancelled the job."""
    return bool(_held(job).update(lease_until=_in(lease)))


@contextmanager
def kept(job: Claimed, *, lease: float = LEASE) -> Iterator[None]:
    """Extend the lease from a thread while the block runs, so that only a dead worker loses it."""
    stop = Event()

    def beat() -> None:
        try:
            while not stop.wait(lease / 3):
                if not extend(job, lease=lease):
                    return
        finally:
            connection.close()

    thread = Thread(target=beat, name=f"lease of job {job.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@transaction.atomic
def finish(job: Claimed) -> bool:
    """Say that the work is done; asked again meanwhile, it is queued anew. False when the lease was lost."""
    if (
        _held(job)
        .filter(rerun=True)
        .update(state=Job.State.WAITING, rerun=False, attempts=0, due_at=Now(), lease_until=None, lease_token=None)
    ):
        transaction.on_commit(partial(queues.nudge, job.queue), robust=True)
        return True
    return bool(
        _held(job).update(
            state=Job.State.DONE,
            lease_until=None,
            lease_token=None,
            finished_at=Now(),
            problem_code="",
            problem_detail="",
        )
    )


def fail(job: Claimed, *, code: str, detail: str = "", final: bool = False) -> bool:
    """Say that the work failed: it is tried again after a growing pause, five times in all, unless ``final``."""
    over = final or job.attempts >= MAX_ATTEMPTS
    values: dict[str, Any] = {"problem_code": code[:40], "problem_detail": detail[:2000], "lease_token": None}
    if over:
        values |= {"state": Job.State.FAILED, "finished_at": Now()}
    else:
        pause = _BACKOFF[min(job.attempts, len(_BACKOFF)) - 1]
        values |= {"state": Job.State.WAITING, "due_at": _in(pause)}
    return bool(_held(job).update(lease_until=None, **values))


def postpone(job: Claimed, *, code: str, detail: str = "", pause: float = 10.0) -> bool:
    """Put a job off because something that it needs is away: that is no attempt, however often it happens."""
    return bool(
        _held(job).update(
            state=Job.State.WAITING,
            attempts=max(job.attempts - 1, 0),
            due_at=_in(pause),
            problem_code=code[:40],
            problem_detail=detail[:2000],
            lease_until=None,
            lease_token=None,
        )
    )


def retry(*, study_instance_uid: str = "", job_ids: Iterable[int] = ()) -> int:
    """Queue the failed jobs of a study, or those named, again as a person asked. How many there were."""
    which = Q(study_instance_uid=study_instance_uid) if study_instance_uid else Q(id__in=list(job_ids))
    failed = Job.objects.filter(which, state=Job.State.FAILED)
    with transaction.atomic():
        asks = [
            Ask(job.step, job.subject_uid, job.study_instance_uid, job.queue)
            for job in failed.select_for_update(skip_locked=True).order_by("step", "subject_uid")
        ]
        enqueue(asks)
    return len(asks)


def cancel(*, job_ids: Iterable[int]) -> int:
    """Drop jobs that wait or run; a running worker notices at its next heartbeat. How many there were."""
    active = Job.objects.filter(id__in=list(job_ids), state__in=(Job.State.WAITING, Job.State.RUNNING))
    return active.update(state=Job.State.CANCELLED, finished_at=Now(), lease_until=None, lease_token=None, rerun=False)


@transaction.atomic
def sweep() -> int:
    """Take back the jobs of workers that died, and nudge for all that is due. How many nudges were sent."""
    dead = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=Now()).select_for_update(skip_locked=True)
    ids = list(dead.values_list("id", flat=True))
    lost = Job.objects.filter(id__in=ids)
    lost.filter(attempts__gte=MAX_ATTEMPTS).update(
        state=Job.State.FAILED,
        finished_at=Now(),
        lease_until=None,
        lease_token=None,
        problem_code="worker_lost",
        problem_detail="the process that ran this step died each time",
    )
    lost.filter(attempts__lt=MAX_ATTEMPTS).update(
        state=Job.State.WAITING, due_at=Now(), lease_until=None, lease_token=None
    )
    nudges = 0
    for queue in (queues.SHORT, queues.LONG):
        overdue = Job.objects.filter(queue=queue, state=Job.State.WAITING, due_at__lte=Now())[:100].count()
        for _ in range(overdue):
            transaction.on_commit(partial(queues.nudge, queue), robust=True)
        nudges += overdue
    return nudges


def prune(*, days: int = 30) -> int:
    """Forget jobs that were done long ago."""
    return Job.objects.filter(state=Job.State.DONE, finished_at__lt=_in(-days * 86400)).delete()[0]


def _held(job: Claimed) -> Any:
    return Job.objects.filter(id=job.id, lease_token=job.token, state=Job.State.RUNNING)


def _in(seconds: float) -> Any:
    return Now() + timedelta(seconds=seconds)
