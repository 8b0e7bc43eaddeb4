"""Two people, or a person and a registrar, write about one patient at once: nobody waits for ever, and lists say what is so."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from accounts.actor import SYSTEM
from imaging.studies import services as studies
from imaging.studies.correction import correcting, recounting, withdrawal
from imaging.studies.models import InstanceVersion, Patient, Placement, Study
from imaging.studies.rows import locks, patients, placement
from imaging.studies.rows.incoming import PlannedPlacement
from tests.factories.accounts import DepartmentFactory
from tests.factories.arrivals import dataset, incoming
from tests.lock_waits import until_it_waits

pytestmark = pytest.mark.django_db(transaction=True)

NEW_NAME = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "RENAMED^ROSA"}]}}
NEW_ID = {"00100020": {"vr": "LO", "Value": ["ANOTHER"]}}


@pytest.fixture
def department():
    return DepartmentFactory.create()


@pytest.fixture
def received(data_dir, department):
    def register(*, placed=True, **values):
        data = dataset(**values)
        places = (department,) if placed else ()
        studies.register([incoming(data, data_dir / "spool", *places)], actor=SYSTEM)
        return Study.objects.get(study_instance_uid=data.StudyInstanceUID)

    return register


@contextmanager
def held_up(monkeypatch, owner, name):
    """Stop the first call of a function, made in another thread, until the block ends; yields (it has begun, let it go)."""
    begun, going_on = threading.Event(), threading.Event()
    real = getattr(owner, name)
    first = []

    def stopped(*args, **names):
        if not first and threading.current_thread() is not threading.main_thread():
            first.append(True)
            begun.set()
            assert going_on.wait(timeout=60)
        return real(*args, **names)

    monkeypatch.setattr(owner, name, stopped)
    try:
        yield begun, going_on
    finally:
        going_on.set()
        monkeypatch.setattr(owner, name, real)


def elsewhere(pool, job):
    """Run a job over a connection of its own."""

    def run():
        try:
            return job()
        finally:
            connection.close()

    return pool.submit(run)


def names_agree():
    """Whether each placement carries the name that its patient has."""
    found = list(Placement.objects.values_list("name_norm", "study__patient__name_norm"))
    assert found
    return all(copied == known for copied, known in found)


def test_a_study_that_is_new_while_its_patient_is_renamed_gets_the_new_name(received, monkeypatch):
    """The registrar has found the patient when the correction begins; what it copies to the list is what the patient is then."""
    received()
    with ThreadPoolExecutor(1) as pool:
        with held_up(monkeypatch, placement, "place") as (begun, _going_on):
            arriving = elsewhere(pool, received)
            assert begun.wait(timeout=60)
            renaming = ThreadPoolExecutor(1)
            renamed = elsewhere(
                renaming, lambda: studies.correct(Patient.objects.get(), NEW_NAME, reason="misspelt", actor=SYSTEM)
            )
            until_it_waits(renamed)
        arriving.result(timeout=60)
        renamed.result(timeout=60)
        renaming.shutdown()
    assert Study.objects.count() == 2
    assert names_agree()


def test_a_study_that_arrives_after_the_renaming_began_waits_for_its_end(received, monkeypatch):
    received()
    patient = Patient.objects.get()
    with ThreadPoolExecutor(2) as pool:
        with held_up(monkeypatch, placement, "refresh") as (begun, _going_on):
            renamed = elsewhere(pool, lambda: studies.correct(patient, NEW_NAME, reason="misspelt", actor=SYSTEM))
            assert begun.wait(timeout=60)
            arriving = elsewhere(pool, received)
            until_it_waits(arriving)
        renamed.result(timeout=60)
        arriving.result(timeout=60)
    assert Patient.objects.get().patient_name == "RENAMED^ROSA"
    assert names_agree()


def test_a_department_that_gets_a_study_during_the_renaming_gets_the_new_name(received, monkeypatch):
    study = received()
    other = received()
    guest = DepartmentFactory.create()
    with ThreadPoolExecutor(2) as pool:
        with held_up(monkeypatch, placement, "refresh") as (begun, _going_on):
            renamed = elsewhere(pool, lambda: _renamed_patient(other))
            assert begun.wait(timeout=60)
            plan = PlannedPlacement(department_id=guest.pk, kind=Placement.Kind.GRANT, reason_code="test")
            placed = elsewhere(pool, lambda: studies.place_study(study, plan, actor=SYSTEM))
            until_it_waits(placed)
        renamed.result(timeout=60)
        placed.result(timeout=60)
    assert Placement.objects.count() == 3
    assert names_agree()


def _renamed_patient(study):
    return studies.correct(Patient.objects.get(pk=study.patient_id), NEW_NAME, reason="misspelt", actor=SYSTEM)


def test_studies_are_withdrawn_while_another_of_the_patient_is_corrected(received, monkeypatch):
    """Placements of all of the patient's studies are written by both: in the middle of the one, the other begins."""
    mine = sorted((received() for _ in range(2)), key=lambda study: study.study_instance_uid)
    third = received()
    # The study that is withdrawn first has the later placement.
    Placement.objects.filter(study=mine[0]).delete()
    studies.place_study(
        mine[0],
        PlannedPlacement(department_id=DepartmentFactory.create().pk, kind=Placement.Kind.OWNER, reason_code="test"),
        actor=SYSTEM,
    )
    versions = list(InstanceVersion.objects.filter(instance__study__in=mine).values_list("pk", flat=True))
    recount, stopped = recounting.recount, []
    with ThreadPoolExecutor(1) as pool:
        corrected = []

        def after_the_first(study):
            recount(study)
            if not stopped:
                stopped.append(True)
                corrected.append(
                    elsewhere(pool, lambda: studies.correct(third, NEW_NAME, reason="misspelt", actor=SYSTEM))
                )
                until_it_waits(corrected[0])

        monkeypatch.setattr(recounting, "recount", after_the_first)
        withdrawal.withdraw(versions, actor=SYSTEM, reason="wrong patient")
        corrected[0].result(timeout=60)
    assert list(Study.objects.filter(instance_count=0).order_by("study_instance_uid")) == mine
    assert names_agree()


def test_two_people_correct_one_study_one_after_the_other_and_neither_is_lost(received, monkeypatch):
    """The second waits while the first moves the study to another patient, and finds it there."""
    study = received()
    with ThreadPoolExecutor(2) as pool:
        with held_up(monkeypatch, correcting, "_follow") as (begun, _going_on):
            moved = elsewhere(pool, lambda: studies.correct(study, NEW_ID, reason="wrong ID", actor=SYSTEM))
            assert begun.wait(timeout=60)
            renamed = elsewhere(pool, lambda: studies.correct(study, NEW_NAME, reason="misspelt", actor=SYSTEM))
            until_it_waits(renamed)
        assert len(moved.result(timeout=60)) == 1
        assert len(renamed.result(timeout=60)) == 1
    patient = Study.objects.select_related("patient").get().patient
    assert (patient.patient_id, patient.patient_name) == ("ANOTHER", "RENAMED^ROSA")
    assert Patient.objects.count() == 1
    assert names_agree()


def test_an_object_that_arrives_while_its_study_is_corrected_is_corrected_too(received, data_dir, monkeypatch):
    study = received()
    series_uid = study.series.get().series_instance_uid
    with ThreadPoolExecutor(2) as pool:
        with held_up(monkeypatch, placement, "place") as (begun, _going_on):
            arriving = elsewhere(
                pool,
                lambda: received(placed=False, StudyInstanceUID=study.study_instance_uid, SeriesInstanceUID=series_uid),
            )
            assert begun.wait(timeout=60)
            corrected = elsewhere(pool, lambda: studies.correct(study, NEW_NAME, reason="misspelt", actor=SYSTEM))
            until_it_waits(corrected)
        arriving.result(timeout=60)
        assert len(corrected.result(timeout=60)) == 2
    assert names_agree()


def test_two_patients_are_swapped_by_two_people_at_once(received, monkeypatch):
    """Each moves a study to the other's patient, and would let go of the one that it came from."""
    one, two = received(PatientID="ONE"), received(PatientID="TWO")
    to = {name: {"00100020": {"vr": "LO", "Value": [name]}} for name in ("ONE", "TWO")}
    barrier, met, lock = threading.Barrier(2), threading.local(), locks.patients

    def lock_together(keys):
        if not getattr(met, "once", False):
            met.once = True
            barrier.wait(timeout=60)
        return lock(keys)

    monkeypatch.setattr(locks, "patients", lock_together)
    with ThreadPoolExecutor(2) as pool:
        first = elsewhere(pool, lambda: studies.correct(one, to["TWO"], reason="swapped", actor=SYSTEM))
        second = elsewhere(pool, lambda: studies.correct(two, to["ONE"], reason="swapped", actor=SYSTEM))
        first.result(timeout=60)
        second.result(timeout=60)
    found = dict(Study.objects.values_list("study_instance_uid", "patient__patient_id"))
    assert found == {one.study_instance_uid: "TWO", two.study_instance_uid: "ONE"}
    assert Patient.objects.count() == 2
    assert names_agree()


def test_a_patient_that_somebody_holds_is_not_let_go_of(received):
    study = received()
    patient = study.patient
    Study.objects.filter(pk=study.pk).update(patient=Patient.objects.create(patient_id="OTHER"))
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
            elsewhere(pool, lambda: _forget(patient.pk)).result(timeout=60)
        assert Patient.objects.filter(pk=patient.pk).exists()
        elsewhere(pool, lambda: _forget(patient.pk)).result(timeout=60)
    assert not Patient.objects.filter(pk=patient.pk).exists()


def _forget(key):
    with transaction.atomic():
        patients.forget(key)
