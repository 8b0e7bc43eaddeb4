"""The table of reactions: events become jobs, jobs run their step, and what goes wrong stays visible."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import current_app
from django.conf import settings

from imaging import queues
from imaging.events import jobs
from imaging.events import services as events
from imaging.events.models import Event, Job
from imaging.pipeline import reactions, steps, tasks
from imaging.rendering import selectors
from imaging.rendering.decoder import Unavailable
from imaging.rendering.models import Rendition
from imaging.studies.models import InstanceVersion, MetadataSegment, Study
from tests.decoder_pools import Pool
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

Register = Callable[..., list[InstanceVersion]]


def run_all() -> None:
    """What the workers do, one after another."""
    while any([steps.drain(), steps.run_next(queues.SHORT), steps.run_next(queues.LONG)]):
        pass


def make_due() -> None:
    Event.objects.update(due_at=arrivals.NOON)


def test_a_received_study_is_drawn_at_once_and_settled_when_it_has_been_quiet(register: Register, pool: Pool) -> None:
    (version,) = register([arrivals.dataset()])

    run_all()

    study = Study.objects.get()
    assert study.thumbnail is not None
    assert study.settled_at is None
    make_due()
    run_all()
    study.refresh_from_db()
    assert study.settled_at is not None
    assert selectors.picture(version, Rendition.Kind.PREVIEW)
    assert set(Job.objects.values_list("state", flat=True)) == {Job.State.DONE}


def test_a_study_reopens_when_more_arrives(register: Register, pool: Pool) -> None:
    study_uid = arrivals.uid()
    (version,) = register([arrivals.dataset(StudyInstanceUID=study_uid)])
    make_due()
    run_all()

    more = arrivals.dataset(
        StudyInstanceUID=study_uid, SeriesInstanceUID=version.instance.series.series_instance_uid, InstanceNumber=2
    )
    register_more(register, more)

    assert Study.objects.get().settled_at is None
    make_due()
    run_all()
    assert Study.objects.get().settled_at is not None
    assert Rendition.objects.filter(kind=Rendition.Kind.THUMBNAIL).count() == 2
    assert MetadataSegment.objects.count() == 1, "the headers are one read again"


def register_more(register: Register, *datasets: Any) -> list[InstanceVersion]:
    """Register objects of a study that is known: there is nothing to place."""
    return register(datasets, known=True)


def test_every_step_has_a_name_of_its_own_that_fits_its_column() -> None:
    rows = (*reactions.REACTIONS.values(), reactions.ASKED_FOR, reactions.TOLD)
    names = [step.name for row in rows for step in row]

    assert len(names) == len(set(names)) == len(reactions.STEPS)
    assert max(map(len, names)) <= 60
    assert set(reactions.REACTIONS) == set(Event.Kind.values)


def test_every_periodic_task_exists() -> None:
    known = set(current_app.tasks)

    assert {row["task"] for row in settings.CELERY_BEAT_SCHEDULE.values()} <= known
    assert {queues.DRAIN, *queues.RUN_STEP.values()} <= known


def test_a_task_goes_to_the_queue_that_it_promises() -> None:
    router = current_app.amqp.router

    assert router.route({}, tasks.run_long_step.name, task_type=tasks.run_long_step)["queue"].name == queues.LONG
    assert router.route({}, tasks.sweep.name, task_type=tasks.sweep)["queue"].name == queues.SHORT


def test_a_step_that_fails_is_recorded_without_a_word_of_the_patient(
    monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    patient = "Durand^Hélène"

    def fail(_uid: str) -> None:
        raise ValueError(patient)

    monkeypatch.setattr(steps, "STEPS", {"thumbnails": reactions.Step("thumbnails", fail)})
    jobs.enqueue([jobs.Ask("thumbnails", "1.2", "1.2")])

    steps.run_next(queues.SHORT)

    job = Job.objects.get()
    assert (job.state, job.problem_code, job.problem_detail) == (Job.State.WAITING, "unexpected", "ValueError")
    assert "Durand" not in caplog.text
    assert "ValueError" in caplog.text


def test_a_pool_that_is_away_uses_up_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_uid: str) -> None:
        raise Unavailable("the decoder pool cannot be reached")

    monkeypatch.setattr(steps, "STEPS", {"thumbnails": reactions.Step("thumbnails", wait)})
    jobs.enqueue([jobs.Ask("thumbnails", "1.2", "1.2")])

    for _ in range(jobs.MAX_ATTEMPTS + 1):
        Job.objects.update(due_at=arrivals.NOON)
        assert steps.run_next(queues.SHORT)

    job = Job.objects.get()
    assert (job.state, job.attempts, job.problem_code) == (Job.State.WAITING, 0, "decoder_unavailable")


def test_a_job_of_a_step_that_is_no_more_is_given_up() -> None:
    jobs.enqueue([jobs.Ask("dream", "1.2", "1.2")])

    steps.run_next(queues.SHORT)

    assert Job.objects.get().problem_code == "no_such_step"


def test_an_unknown_event_is_drained_and_changes_nothing() -> None:
    events.append(kind="study.dreamt", subject_uid="1.2")

    assert steps.drain() == 1
    assert not Job.objects.exists()


def test_a_turn_that_is_over_goes_to_the_end_of_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([jobs.Outcome.AGAIN, jobs.Outcome.DONE])
    monkeypatch.setattr(steps, "STEPS", {"count": reactions.Step("count", lambda _uid: next(turns))})
    jobs.enqueue([jobs.Ask("count", "1.2", "1.2")])

    steps.run_next(queues.SHORT)
    assert Job.objects.get().state == Job.State.WAITING
    steps.run_next(queues.SHORT)

    assert Job.objects.get().state == Job.State.DONE
