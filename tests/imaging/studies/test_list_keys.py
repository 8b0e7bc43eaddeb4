"""What a list shows of a study follows whatever happens to it; and an archive of an earlier version is given the same keys."""

import importlib

import pytest
from django.db import connection

from accounts.actor import SYSTEM
from accounts.scope import scope_of_user
from imaging.events import jobs
from imaging.events.jobs import Ask
from imaging.events.models import Event, Job
from imaging.pipeline import steps, tasks
from imaging.pipeline.reactions import Step
from imaging.studies import selectors
from imaging.studies import services as studies
from imaging.studies.correction import withdrawal
from imaging.studies.models import InstanceVersion, Placement, Study
from imaging.studies.selectors import Status, StudyFilters
from tests.factories.arrivals import dataset, incoming

pytestmark = pytest.mark.django_db

COPIED = [
    *("study_at", "last_received_at", "accession_number", "modalities", "description_norm", "body_part_examined"),
    *("referring_norm", "series_count", "instance_count", "source", "status", "sensitivity"),
]


@pytest.fixture
def arrive(data_dir, emergency, orthopaedics):
    """Register objects as they come: in emergency and orthopaedics where they begin a study."""

    def arrive(*made, sender="CT_01"):
        for one in made:
            known = Study.objects.filter(study_instance_uid=one.StudyInstanceUID).exists()
            departments = () if known else (emergency, orthopaedics)
            studies.register([incoming(one, data_dir / "spool", *departments, sender=sender)], actor=SYSTEM)
        return Study.objects.select_related("patient").get(study_instance_uid=made[0].StudyInstanceUID)

    return arrive


def settle(study):
    Event.objects.filter(subject_uid=study.study_instance_uid).update(drained_at="2026-01-01T00:00Z")
    studies.settle(study.study_instance_uid)


def keys(study):
    """The keys of the study, which all its placements must have."""
    study = Study.objects.select_related("patient").get(pk=study.pk)
    placements = list(Placement.objects.filter(study=study))
    assert len(placements) == 2
    for row in placements:
        for name in COPIED:
            assert getattr(row, name) == getattr(study, name), name
        for name in ("name_norm", "patient_id", "birth_date", "sex"):
            assert getattr(row, name) == getattr(study.patient, name), name
        assert row.modality_key == "\\".join(study.modalities)
    return placements[0]


def test_placements_follow_arrival_correction_revert_and_withdrawal(arrive):
    first = dataset(Modality="CT", StudyDescription="Écho-Doppler", ReferringPhysicianName="Lefèvre^Zoë")
    study = arrive(first)
    row = keys(study)
    assert (row.description_norm, row.referring_norm, row.source) == ("echo doppler", "lefevre zoe", "CT_01")
    more = dataset(StudyInstanceUID=first.StudyInstanceUID, Modality="SR", BodyPartExamined="CHEST")
    study = arrive(first, more, sender="SR_02")
    assert (keys(study).modality_key, keys(study).instance_count, keys(study).source) == ("CT\\SR", 2, "CT_01")
    attributes = {
        "00081030": {"vr": "LO", "Value": ["Main gauche"]},
        "00080090": {"vr": "PN", "Value": [{"Alphabetic": "Martin^Élodie"}]},
        "00100030": {"vr": "DA", "Value": ["19700102"]},
    }
    made = studies.correct(study, attributes, reason="typing error", actor=SYSTEM)
    row = keys(study)
    assert (row.description_norm, row.referring_norm, row.birth_date.year) == ("main gauche", "martin elodie", 1970)
    studies.revert(made[0], actor=SYSTEM)
    assert (keys(study).description_norm, keys(study).referring_norm) == ("echo doppler", "lefevre zoe")
    version = InstanceVersion.objects.get(instance__sop_instance_uid=more.SOPInstanceUID)
    withdrawal.withdraw([version.pk], actor=SYSTEM, reason="wrong patient")
    assert (keys(study).modality_key, keys(study).instance_count) == ("CT", 1)
    withdrawal.reinstate({}, actor=SYSTEM, reason="nothing named")
    assert keys(study).instance_count == 1


def test_a_study_arrives_settles_and_arrives_again(arrive, alice):
    first = dataset()
    study = arrive(first)
    assert keys(study).status == Status.ARRIVING
    before = selectors.study_list_version(scope_of_user(alice))
    settle(study)
    assert keys(study).status == Status.COMPLETE
    assert selectors.study_list_version(scope_of_user(alice)) != before
    assert selectors.study_list(scope_of_user(alice), StudyFilters(statuses=(Status.COMPLETE,))).total == 1
    arrive(first, dataset(StudyInstanceUID=first.StudyInstanceUID))
    assert keys(study).status == Status.ARRIVING


def test_a_conflict_asks_for_attention_until_one_version_is_withdrawn(arrive):
    first = dataset(PatientComments="one")
    study = arrive(first)
    first.PatientComments = "another"
    arrive(first)
    settle(study)
    assert keys(study).status == Status.ATTENTION
    conflicting = InstanceVersion.objects.get(state=InstanceVersion.State.CONFLICTING)
    studies.choose_version(conflicting.instance, conflicting, actor=SYSTEM, reason="the better one")
    assert keys(study).status == Status.ATTENTION
    other = InstanceVersion.objects.get(state=InstanceVersion.State.CONFLICTING)
    withdrawal.withdraw([other.pk], actor=SYSTEM, reason="superseded")
    assert keys(study).status == Status.ARRIVING
    settle(study)
    assert keys(study).status == Status.COMPLETE


def test_a_step_that_fails_asks_for_attention_until_it_is_made_good(arrive, monkeypatch):
    study = arrive(dataset())
    settle(study)
    uid = study.study_instance_uid
    broken = {"previews": Step("previews", lambda _uid: 1 / 0)}
    monkeypatch.setattr(steps, "STEPS", broken)
    jobs.enqueue([Ask("previews", uid, uid)])
    Job.objects.update(attempts=jobs.MAX_ATTEMPTS - 1)
    assert steps.run_next("short")
    assert keys(study).status == Status.ATTENTION
    jobs.retry(study_instance_uid=uid)
    broken["previews"] = Step("previews", lambda _uid: None)
    assert steps.run_next("short")
    assert keys(study).status == Status.COMPLETE


def test_a_step_whose_process_died_each_time_is_found_by_the_sweep(arrive):
    study = arrive(dataset())
    uid = study.study_instance_uid
    jobs.enqueue([Ask("previews", uid, uid)])
    Job.objects.update(state="running", attempts=jobs.MAX_ATTEMPTS, lease_until="2026-01-01T00:00Z")
    tasks.sweep()
    assert keys(study).status == Status.ATTENTION


def test_studies_of_an_earlier_version_are_given_their_keys(arrive):
    study = arrive(
        dataset(Modality="MR", StudyDescription="Été", ReferringPhysicianName="Noël^Léa", BodyPartExamined="HEAD")
    )
    settle(study)
    blank = {"description_norm": "", "referring_norm": "", "source": "", "status": "arriving"}
    Study.objects.update(**blank)
    blank |= {"modality_key": "", "body_part_examined": "", "birth_date": None, "sex": "", "series_count": 0}
    Placement.objects.update(**blank, instance_count=0)
    migration = importlib.import_module("imaging.migrations.0005_list_keys")
    with connection.schema_editor() as editor:
        migration.fill(importlib.import_module("django.apps").apps, editor)
    row = keys(study)
    assert (row.description_norm, row.referring_norm, row.source, row.status) == (
        "ete",
        "noel lea",
        "CT_01",
        "complete",
    )
    assert (row.modality_key, row.instance_count) == ("MR", 1)
