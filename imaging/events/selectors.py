"""What is under way, and what went wrong."""

from collections.abc import Sequence

from django.db.models import Count

from imaging.events.models import Event, Job


def failed_jobs(*, study_instance_uid: str) -> Sequence[Job]:
    """Jobs of a study that were given up, oldest first: each has a problem code and detail."""
    return list(Job.objects.filter(study_instance_uid=study_instance_uid, state=Job.State.FAILED).order_by("id"))


def jobs_by_state() -> dict[str, int]:
    """How many jobs wait, run and have failed: for health and metrics."""
    states = (Job.State.WAITING, Job.State.RUNNING, Job.State.FAILED)
    return {state.value: Job.objects.filter(state=state).count() for state in states}


def pending_events() -> int:
    """How many events have not been drained yet."""
    return Event.objects.filter(drained_at=None).count()


def waiting_jobs_by_queue() -> dict[str, int]:
    """How many jobs wait in each queue."""
    rows = Job.objects.filter(state=Job.State.WAITING).values_list("queue").annotate(count=Count("pk"))
    return {queue.value: dict(rows).get(queue.value, 0) for queue in Job.Queue}


def failed_jobs_by_step() -> dict[str, int]:
    """How many jobs were given up, by step."""
    return dict(Job.objects.filter(state=Job.State.FAILED).values_list("step").annotate(count=Count("pk")))
