"""The job table is the truth: who works on what, until when, and what went wrong."""

import threading
import time

import pytest
from django.db import connection
from django.utils import timezone

from imaging import queues
from imaging.events import jobs, selectors
from imaging.events.jobs import Ask
from imaging.events.models import Job

pytestmark = pytest.mark.django_db


def _make_due() -> None:
    Job.objects.filter(state=Job.State.WAITING).update(due_at=timezone.now())


def test_the_same_work_is_never_queued_twice() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2"), Ask("thumbnails", "1.2"), Ask("previews", "1.2")])
    jobs.enqueue([Ask("thumbnails", "1.2")])

    assert Job.objects.count() == 2


def test_the_oldest_due_job_of_the_queue_is_claimed_first() -> None:
    jobs.enqueue([Ask("first", "1.2")])
    jobs.enqueue([Ask("second", "1.2")])
    jobs.enqueue([Ask("other", "1.2", queue=queues.LONG)])

    claimed = [jobs.claim(queues.SHORT) for _ in range(3)]

    assert [job and job.step for job in claimed] == ["first", "second", None]


def test_work_asked_for_while_it_runs_is_done_once_more() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2")])
    job = jobs.claim(queues.SHORT)
    assert job is not None
    jobs.enqueue([Ask("thumbnails", "1.2")])
    assert jobs.claim(queues.SHORT) is None, "it runs already"

    assert jobs.finish(job)

    again = jobs.claim(queues.SHORT)
    assert again is not None
    assert jobs.finish(again)
    assert Job.objects.get().state == Job.State.DONE


def test_a_failure_is_tried_again_and_then_shown_with_its_reason() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2", "1.9")])
    for attempt in range(jobs.MAX_ATTEMPTS):
        assert not selectors.failed_jobs(study_instance_uid="1.9"), attempt
        _make_due()
        job = jobs.claim(queues.SHORT)
        assert job is not None
        jobs.fail(job, code="storage_error", detail="the tier did not answer")

    (failed,) = selectors.failed_jobs(study_instance_uid="1.9")
    assert (failed.problem_code, failed.problem_detail) == ("storage_error", "the tier did not answer")
    _make_due()
    assert jobs.claim(queues.SHORT) is None


def test_a_failed_attempt_waits_before_the_next() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2")])
    job = jobs.claim(queues.SHORT)
    assert job is not None
    jobs.fail(job, code="storage_error")

    assert jobs.claim(queues.SHORT) is None
    assert Job.objects.get().due_at > timezone.now()


def test_a_person_can_try_a_failed_job_again() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2", "1.9")])
    job = jobs.claim(queues.SHORT)
    assert job is not None
    jobs.fail(job, code="no_such_step", final=True)

    assert jobs.retry(study_instance_uid="1.9") == 1

    again = jobs.claim(queues.SHORT)
    assert again is not None
    assert again.attempts == 1
    assert selectors.failed_jobs(study_instance_uid="1.9") == []


def test_a_worker_that_lost_its_lease_changes_nothing() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2")])
    dead = jobs.claim(queues.SHORT, lease=-1)
    assert dead is not None
    jobs.sweep()
    heir = jobs.claim(queues.SHORT)
    assert heir is not None

    assert not jobs.finish(dead)
    assert not jobs.fail(dead, code="late")
    assert not jobs.extend(dead)
    assert jobs.finish(heir)


def test_a_job_that_kills_its_worker_each_time_is_given_up() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2", "1.9")])
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim(queues.SHORT, lease=-1) is not None
        jobs.sweep()

    (failed,) = selectors.failed_jobs(study_instance_uid="1.9")
    assert failed.problem_code == "worker_lost"


def test_a_living_worker_keeps_its_lease_for_as_long_as_it_works(transactional_db: None) -> None:
    jobs.enqueue([Ask("thumbnails", "1.2")])
    job = jobs.claim(queues.SHORT, lease=0.6)
    assert job is not None
    started = Job.objects.get().lease_until
    assert started is not None

    with jobs.kept(job, lease=0.6):
        until = time.monotonic() + 10
        while (lease := Job.objects.get().lease_until) and lease <= started and time.monotonic() < until:
            threading.Event().wait(0.05)

    assert lease is not None
    assert lease > started
    assert jobs.finish(job)


def test_a_cancelled_job_is_noticed_by_its_worker() -> None:
    jobs.enqueue([Ask("thumbnails", "1.2")])
    job = jobs.claim(queues.SHORT)
    assert job is not None

    assert jobs.cancel(job_ids=[job.id]) == 1

    assert not jobs.extend(job)
    assert not jobs.finish(job)
    assert Job.objects.get().state == Job.State.CANCELLED


def test_workers_share_the_jobs_without_taking_one_twice(transactional_db: None) -> None:
    jobs.enqueue([Ask("thumbnails", f"1.{number}") for number in range(60)])
    claimed: list[int] = []

    def work() -> None:
        try:
            while job := jobs.claim(queues.SHORT):
                claimed.append(job.id)
                jobs.finish(job)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(claimed) == len(set(claimed)) == 60
