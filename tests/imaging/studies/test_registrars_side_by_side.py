"""Several registrars at once: no deadlock, nothing twice, nothing lost."""

import dataclasses
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts.actor import SYSTEM
from imaging.integrity.models import LedgerLeaf
from imaging.studies import services as studies
from imaging.studies.correction import recounting, withdrawal
from imaging.studies.models import Instance, InstanceVersion, MetadataSegment, Patient, Placement, Series, Study
from imaging.studies.rows import placement
from imaging.studies.rows.incoming import State
from tests.factories.accounts import DepartmentFactory
from tests.factories.arrivals import dataset, incoming, uid
from tests.lock_waits import until_it_waits

pytestmark = pytest.mark.django_db(transaction=True)


def run(jobs):
    """Run the jobs in threads that start together; their answers, or the first error."""
    barrier = threading.Barrier(len(jobs))

    def one(job):
        try:
            barrier.wait(timeout=30)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(one, job) for job in jobs]]


def until_settled(batch):
    """What a registrar does: ask again for what was planned too early."""
    answers = {}
    while batch:
        again = []
        for answer in studies.register(batch, actor=SYSTEM):
            if answer.state is State.STALE:
                again.append(answer.incoming)
            else:
                answers[answer.incoming.header.instance.sop_instance_uid] = answer.state
        batch = [_without_plan(item) for item in again]
    return answers


def _without_plan(item):
    return dataclasses.replace(item, placements=())


def test_the_slices_of_few_studies_arrive_over_four_registrars(data_dir):
    department = DepartmentFactory.create()
    names = [(uid(), uid()) for _ in range(3)]
    items = [
        incoming(
            dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number),
            data_dir / "spool",
            department,
        )
        for study, series in names
        for number in range(40)
    ]
    random.Random(7).shuffle(items)
    batches = [[items[start + 4 * step] for step in range(30)] for start in range(4)]

    def job(mine):
        return lambda: [until_settled(mine[start : start + 6]) for start in range(0, len(mine), 6)]

    results = run([job(mine) for mine in batches])
    states = [state for result in results for answers in result for state in answers.values()]
    assert states == [State.NEW] * 120
    assert Patient.objects.count() == 1
    assert sorted(Study.objects.values_list("instance_count", flat=True)) == [40, 40, 40]
    assert sorted(Series.objects.values_list("frame_count", flat=True)) == [40, 40, 40]
    assert Placement.objects.count() == 3
    assert Instance.objects.count() == InstanceVersion.objects.count() == LedgerLeaf.objects.count() == 120


def test_the_same_objects_at_once_are_kept_once(data_dir):
    department = DepartmentFactory.create()
    items = [incoming(dataset(), data_dir / "spool", department) for _ in range(10)]
    results = run([lambda: until_settled(items), lambda: until_settled(items[::-1]), lambda: until_settled(items)])
    assert sorted(state for answers in results for state in answers.values()) == ["duplicate"] * 20 + ["new"] * 10
    assert InstanceVersion.objects.count() == 10


def test_one_instance_claimed_by_two_studies_at_once_belongs_to_one(data_dir):
    department = DepartmentFactory.create()
    for _ in range(5):
        sop_uid = uid()
        rivals = [incoming(dataset(SOPInstanceUID=sop_uid), data_dir / "spool", department) for _ in range(3)]
        results = [
            state
            for answers in run([lambda item=item: until_settled([item]) for item in rivals])
            for state in answers.values()
        ]
        assert sorted(results) == ["hierarchy_conflict", "hierarchy_conflict", "new"]
    assert not Study.objects.filter(instance_count=0).exists()
    assert Instance.objects.count() == Study.objects.count() == 5


def test_headers_are_joined_while_a_version_is_withdrawn(data_dir, monkeypatch):
    """Both write series and versions: each takes the study first, or they would wait for each other for ever."""
    department = DepartmentFactory.create()
    names = {"StudyInstanceUID": uid(), "SeriesInstanceUID": uid()}
    studies.register([incoming(dataset(**names), data_dir / "spool", department)], actor=SYSTEM)
    studies.register([incoming(dataset(**names), data_dir / "spool")], actor=SYSTEM)
    series = Series.objects.get()
    first = InstanceVersion.objects.order_by("pk").first()
    recount = recounting.recount
    with ThreadPoolExecutor(1) as pool:
        joined = []

        def while_another_waits(study):
            joined.append(pool.submit(run, [lambda: studies.compact(series)]))
            until_it_waits(joined[0])
            recount(study)

        monkeypatch.setattr(recounting, "recount", while_another_waits)
        withdrawal.withdraw([first.pk], actor=SYSTEM, reason="test")
        joined[0].result(timeout=60)
    assert MetadataSegment.objects.get().instance_count == 2
    assert Series.objects.get().instance_count == 1


def test_a_list_keeps_what_is_new_of_a_study_while_another_of_the_patient_is_copied(data_dir):
    """Who waits for a placement of another study copies what that study is then, not what it was before the wait."""
    department = DepartmentFactory.create()
    studies.register([incoming(dataset(), data_dir / "spool", department) for _ in range(2)], actor=SYSTEM)
    changing, other = Study.objects.order_by("pk")
    assert changing.patient_id == other.patient_id
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Study.objects.select_for_update().get(pk=changing.pk)
            Study.objects.filter(pk=changing.pk).update(status=Study.Status.ATTENTION, sensitivity="vip")
            placement.refresh(studies=[changing.pk])
            copied = pool.submit(run, [lambda: placement.refresh(studies=[other.pk], patients=[other.patient_id])])
            until_it_waits(copied)
        copied.result(timeout=60)
    kept = Placement.objects.get(study=changing)
    assert (kept.status, kept.sensitivity) == (Study.Status.ATTENTION, "vip")
