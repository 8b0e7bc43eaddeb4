import pytest

from accounts.actor import SYSTEM
from accounts.scope import scope_of_user
from imaging.studies import selectors
from imaging.studies import services as studies
from imaging.studies.models import Instance, Series, Study
from tests.factories.arrivals import dataset, incoming, uid

pytestmark = pytest.mark.django_db


@pytest.fixture
def spool(data_dir):
    return data_dir / "spool"


def test_ingest_asks_for_many_studies_with_one_query(spool, emergency, orthopaedics, django_assert_num_queries):
    first, second = dataset(), dataset(PatientID=None)
    studies.register(
        [incoming(first, spool, emergency, orthopaedics), incoming(second, spool, emergency)], actor=SYSTEM
    )
    with django_assert_num_queries(1):
        known = selectors.known_studies([first.StudyInstanceUID, second.StudyInstanceUID, uid()])
    assert set(known) == {first.StudyInstanceUID, second.StudyInstanceUID}
    study = known[first.StudyInstanceUID]
    assert study.department_ids == {emergency.pk, orthopaedics.pk}
    assert (study.patient.patient_id, study.patient.issuer_of_patient_id) == ("P1", "HOSPITAL")
    assert known[second.StudyInstanceUID].patient.patient_id == ""


def test_ingest_asks_for_patients_instances_and_digests(spool, emergency, django_assert_num_queries):
    made = dataset()
    item = incoming(made, spool, emergency)
    studies.register([item], actor=SYSTEM)
    with django_assert_num_queries(3):
        patients = selectors.known_patients([("HOSPITAL", "P1"), ("ELSEWHERE", "P1"), ("HOSPITAL", "")])
        instances = selectors.known_instances([made.SOPInstanceUID, uid()])
        digests = selectors.instances_with_digest(
            [(made.SOPInstanceUID, item.stored.dataset_sha256), (made.SOPInstanceUID, "0" * 64)]
        )
    assert set(patients) == {("HOSPITAL", "P1")}
    known = instances[made.SOPInstanceUID]
    assert (known.study_instance_uid, known.series_instance_uid) == (made.StudyInstanceUID, made.SeriesInstanceUID)
    assert known.digests == {item.stored.dataset_sha256}
    assert digests == {(made.SOPInstanceUID, item.stored.dataset_sha256)}


def test_a_study_tells_why_it_landed_here_and_who_sent_it(spool, emergency, orthopaedics, alice):
    made = dataset()
    studies.register([incoming(made, spool, emergency, orthopaedics)], actor=SYSTEM)
    more = dataset(StudyInstanceUID=made.StudyInstanceUID)
    studies.register([incoming(more, spool, sender="WORKSTATION", door="dicomweb")], actor=SYSTEM)
    told = selectors.provenance(Study.objects.get(), scope=scope_of_user(alice))
    assert [(placed.department, placed.reason_code) for placed in told.placements] == [(emergency, "default")]
    assert {(source.door, source.sender, source.instance_count) for source in told.sources} == {
        ("dimse", "CT1", 1),
        ("dicomweb", "WORKSTATION", 1),
    }


def test_series_and_instances_come_in_the_order_of_their_numbers(spool, emergency, alice, bob):
    study_uid, series_uid = uid(), uid()
    batch = [
        incoming(dataset(StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid, InstanceNumber=n), spool, emergency)
        for n in (3, None, 1, 2)
    ]
    batch += [
        incoming(dataset(StudyInstanceUID=study_uid, SeriesNumber=number), spool, emergency) for number in (None, 0)
    ]
    studies.register(batch, actor=SYSTEM)
    scope, study = scope_of_user(alice), Study.objects.get()
    assert [row.series_number for row in selectors.series_of(study, scope=scope)] == [0, 1, None]
    series = Series.objects.get(series_instance_uid=series_uid)
    assert [row.instance_number for row in selectors.instances_of(series, scope=scope)] == [1, 2, 3, None]
    numbers = [version.instance.instance_number for version in selectors.versions_of(study, scope=scope)]
    assert numbers == [1, 1, 2, 3, None, 1]
    assert not selectors.series_of(study, scope=scope_of_user(bob)).exists()
    assert not selectors.versions_of(study, scope=scope_of_user(bob)).exists()


def test_conflicts_are_found_for_the_study_page(spool, emergency, alice):
    made = dataset()
    studies.register([incoming(made, spool, emergency)], actor=SYSTEM)
    made.SeriesDescription = "Changed"
    studies.register([incoming(made, spool)], actor=SYSTEM)
    (conflict,) = selectors.conflicts_of(Study.objects.get(), scope=scope_of_user(alice))
    assert conflict.instance.sop_instance_uid == made.SOPInstanceUID


def test_the_departments_of_a_reader(alice, bob, emergency, orthopaedics):
    assert list(selectors.departments_of(scope_of_user(alice))) == [emergency]


def test_where_a_study_came_from_says_nothing_of_rejected_instances(spool, emergency, alice):
    common = {"StudyInstanceUID": uid(), "SeriesInstanceUID": uid()}
    first, second = dataset(**common), dataset(**common)
    studies.register([incoming(first, spool, emergency), incoming(second, spool, emergency)], actor=SYSTEM)
    second.SeriesDescription = "other bytes"
    studies.register([incoming(second, spool, sender="CT2")], actor=SYSTEM)
    Instance.objects.filter(sop_instance_uid=second.SOPInstanceUID).update(is_rejected=True)
    told = selectors.provenance(Study.objects.get(), scope=scope_of_user(alice))
    assert [(source.sender, source.instance_count) for source in told.sources] == [("CT1", 1)]
