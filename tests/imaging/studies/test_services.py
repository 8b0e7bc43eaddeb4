import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.actor import SYSTEM, Actor
from accounts.audit.models import AuditEvent
from accounts.roles import Right
from accounts.scope import scope_of_departments, scope_of_user
from imaging.events.models import Event
from imaging.integrity.models import LedgerLeaf
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import services as studies
from imaging.studies.models import Instance, InstanceVersion, MetadataSegment, Patient, Placement, Series, Study
from imaging.studies.rows.incoming import PlannedPlacement, State
from tests.factories.arrivals import NOON, dataset, encoded, incoming, uid

pytestmark = pytest.mark.django_db

CT1 = Actor(kind="application_entity", id="CT1", name="CT1")


@pytest.fixture
def spool(data_dir):
    return data_dir / "spool"


def states(answers):
    return [answer.state for answer in answers]


def test_an_instance_is_registered_with_all_its_levels(spool, emergency):
    item = incoming(dataset(), spool, emergency)
    (answer,) = studies.register([item], actor=CT1)
    assert answer.state is State.NEW
    assert answer.is_kept
    version = InstanceVersion.objects.get(pk=answer.version_id)
    assert version.state == "current"
    assert (version.door, version.sender, version.address) == ("dimse", "CT1", "127.0.0.1")
    assert storage.read(version.stored_object) == item.stored.path.read_bytes()
    study = Study.objects.get()
    assert (study.patient.patient_id, study.patient.issuer_of_patient_id) == ("P1", "HOSPITAL")
    assert study.patient.name_norm == "durand helene"
    assert (study.accession_number, study.description, study.modalities) == ("A100", "CT thorax", ["CT"])
    assert (study.series_count, study.instance_count, study.version) == (1, 1, 1)
    assert study.study_at == datetime(2026, 3, 4, 10, 15, tzinfo=UTC)
    assert study.study_time_known
    series = Series.objects.get()
    assert (series.modality, series.instance_count, series.frame_count, series.version) == ("CT", 1, 1, 1)
    instance = Instance.objects.get()
    assert (instance.rows, instance.columns, instance.instance_number) == (8, 8, 1)
    placement = Placement.objects.get()
    assert (placement.department, placement.kind, placement.reason_code) == (emergency, "owner", "default")
    assert (placement.name_norm, placement.patient_id) == ("durand helene", "P1")
    assert (placement.accession_number, placement.modalities) == ("A100", ["CT"])
    assert placement.study_at == study.study_at


def test_a_batch_of_slices_makes_one_segment_and_one_of_each_event(spool, emergency):
    study_uid, series_uid = uid(), uid()
    batch = [
        incoming(dataset(StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid, InstanceNumber=n), spool, emergency)
        for n in range(1, 11)
    ]
    assert states(studies.register(batch, actor=CT1)) == [State.NEW] * 10
    assert MetadataSegment.objects.get().instance_count == 10
    assert Study.objects.get().instance_count == Series.objects.get().frame_count == 10
    assert set(Event.objects.values_list("kind", "subject_uid")) == {
        ("series.started", series_uid),
        ("study.changed", study_uid),
        ("study.settled", study_uid),
    }
    assert Event.objects.get(kind="study.settled").due_at > Event.objects.get(kind="study.changed").due_at
    assert list(LedgerLeaf.objects.values_list("kind", "file_sha256")) == [
        ("kept", item.stored.file_sha256) for item in batch
    ]
    received = AuditEvent.objects.get(action="instances.received")
    assert (received.subject_uid, received.patient_id, received.actor_id) == (study_uid, "P1", "CT1")
    assert received.detail == {"new": 10, "senders": ["CT1"]}
    assert AuditEvent.objects.filter(action="study.placed", subject_uid=study_uid).count() == 1


def test_a_batch_costs_a_fixed_number_of_queries(spool, emergency, django_assert_max_num_queries):
    def batch(size):
        study_uid, series_uid = uid(), uid()
        return [
            incoming(
                dataset(StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid, InstanceNumber=n), spool, emergency
            )
            for n in range(size)
        ]

    with django_assert_max_num_queries(35):
        studies.register(batch(40), actor=CT1)


def test_the_same_data_set_is_a_duplicate_whatever_its_file_header(spool, emergency):
    made = dataset()
    studies.register([incoming(made, spool, emergency)], actor=CT1)
    again = incoming(encoded(made, sent_by="ELSEWHERE"), spool)
    (first,) = studies.register([again], actor=CT1)
    assert first.state is State.DUPLICATE
    assert first.version_id == InstanceVersion.objects.get().pk
    assert (Study.objects.get().version, Study.objects.get().instance_count) == (1, 1)
    assert LedgerLeaf.objects.count() == 1


def test_a_duplicate_within_one_batch_is_kept_once(spool, emergency):
    item = incoming(dataset(), spool, emergency)
    first, second = studies.register([item, item], actor=CT1)
    assert (first.state, second.state) == (State.NEW, State.DUPLICATE)
    assert first.version_id == second.version_id
    assert StoredObject.objects.filter(kind="dicom").count() == 1


def test_other_bytes_under_a_known_uid_are_a_conflicting_version(spool, emergency):
    made = dataset()
    studies.register([incoming(made, spool, emergency)], actor=CT1)
    made.StudyDescription = "Changed"
    (answer,) = studies.register([incoming(made, spool)], actor=CT1)
    assert answer.state is State.CONFLICT
    assert sorted(InstanceVersion.objects.values_list("state", flat=True)) == ["conflicting", "current"]
    assert Instance.objects.count() == Study.objects.get().instance_count == 1
    assert Study.objects.get().description == "CT thorax"
    assert AuditEvent.objects.filter(action="instance.conflicted").count() == 1
    assert states(studies.register([incoming(made, spool)], actor=CT1)) == [State.DUPLICATE]


def test_a_conflict_within_one_batch_keeps_the_first_as_current(spool, emergency):
    made = dataset()
    first = incoming(made, spool, emergency)
    made.SeriesDescription = "Changed"
    answers = studies.register([first, incoming(made, spool, emergency)], actor=CT1)
    assert states(answers) == [State.NEW, State.CONFLICT]
    assert InstanceVersion.objects.get(state="current").pk == answers[0].version_id


def test_a_series_that_belongs_to_another_study_is_refused_and_the_rest_goes_in(spool, emergency):
    series_uid = uid()
    studies.register([incoming(dataset(SeriesInstanceUID=series_uid), spool, emergency)], actor=CT1)
    answers = studies.register(
        [incoming(dataset(SeriesInstanceUID=series_uid), spool, emergency), incoming(dataset(), spool, emergency)],
        actor=CT1,
    )
    assert states(answers) == [State.HIERARCHY_CONFLICT, State.NEW]
    assert Study.objects.count() == 2
    assert not Study.objects.filter(instance_count=0).exists()


def test_an_instance_that_belongs_to_another_series_is_refused(spool, emergency):
    made = dataset()
    studies.register([incoming(made, spool, emergency)], actor=CT1)
    made.SeriesInstanceUID = uid()
    assert states(studies.register([incoming(made, spool)], actor=CT1)) == [State.HIERARCHY_CONFLICT]
    assert Series.objects.count() == InstanceVersion.objects.count() == 1


def test_an_instance_of_another_study_is_refused_within_one_batch(spool, emergency):
    first = dataset()
    second = dataset(SOPInstanceUID=first.SOPInstanceUID)
    answers = studies.register([incoming(first, spool, emergency), incoming(second, spool, emergency)], actor=CT1)
    assert states(answers) == [State.NEW, State.HIERARCHY_CONFLICT]


def test_a_plan_for_a_study_that_has_come_to_exist_is_stale(spool, emergency, orthopaedics):
    study_uid = uid()
    studies.register([incoming(dataset(StudyInstanceUID=study_uid), spool, emergency)], actor=CT1)
    late = incoming(dataset(StudyInstanceUID=study_uid), spool, orthopaedics)
    assert states(studies.register([late], actor=CT1)) == [State.STALE]
    assert Study.objects.get().instance_count == 1
    assert Placement.objects.get().department == emergency


def test_another_patient_id_in_a_known_study_is_an_identity_conflict_whoever_decides(spool, emergency):
    """Else the study would name one patient in lists and another in what is retrieved: it has to be corrected."""
    study_uid = uid()
    studies.register([incoming(dataset(StudyInstanceUID=study_uid), spool, emergency)], actor=CT1)
    other = dataset(StudyInstanceUID=study_uid, PatientID="P2")
    assert states(studies.register([incoming(other, spool)], actor=CT1)) == [State.IDENTITY_CONFLICT]
    decided = incoming(other, spool, identity_overruled=True)
    assert states(studies.register([decided], actor=CT1)) == [State.IDENTITY_CONFLICT]
    assert Study.objects.get().patient.patient_id == "P1"
    assert Patient.objects.count() == 1


def test_nobody_is_guessed_without_a_patient_id(spool, emergency):
    batch = [incoming(dataset(PatientID=None), spool, emergency) for _ in range(2)]
    studies.register(batch, actor=CT1)
    assert Patient.objects.count() == 2


def test_patients_of_two_issuers_are_two_people(spool, emergency):
    batch = [
        incoming(dataset(), spool, emergency),
        incoming(dataset(), spool, emergency),
        incoming(dataset(IssuerOfPatientID="ELSEWHERE"), spool, emergency),
    ]
    studies.register(batch, actor=CT1)
    assert set(Patient.objects.values_list("issuer_of_patient_id", flat=True)) == {"HOSPITAL", "ELSEWHERE"}
    assert Patient.objects.count() == 2


def test_blank_columns_are_filled_later_and_filled_ones_stay(spool, emergency):
    made = {"StudyInstanceUID": uid(), "SeriesInstanceUID": uid()}
    first = dataset(**made, StudyDescription=None, AccessionNumber=None, PatientName=None)
    studies.register([incoming(first, spool, emergency)], actor=CT1)
    second = dataset(**made, SeriesDescription="Other", Modality="CT", BodyPartExamined="CHEST")
    studies.register([incoming(second, spool)], actor=CT1)
    study, series = Study.objects.get(), Series.objects.get()
    assert (study.description, study.accession_number, study.body_part_examined) == ("CT thorax", "A100", "CHEST")
    assert series.description == "Axial"
    assert study.patient.name_norm == "durand helene"
    assert (study.version, series.version, study.instance_count) == (2, 2, 2)
    placement = Placement.objects.get()
    assert (placement.accession_number, placement.name_norm) == ("A100", "durand helene")


def test_an_unknown_date_is_the_moment_of_arrival_until_a_header_tells_it(spool, emergency):
    study_uid = uid()
    first = dataset(StudyInstanceUID=study_uid, StudyDate=None, StudyTime=None)
    studies.register([incoming(first, spool, emergency)], actor=CT1)
    study = Study.objects.get()
    assert (study.study_at, study.study_time_known) == (NOON, False)
    studies.register([incoming(dataset(StudyInstanceUID=study_uid), spool)], actor=CT1)
    study.refresh_from_db()
    assert (study.study_at, study.study_time_known) == (datetime(2026, 3, 4, 10, 15, tzinfo=UTC), True)
    assert Placement.objects.get().study_at == study.study_at


def test_modalities_and_counts_gather_over_series(spool, emergency):
    study_uid = uid()
    ct = incoming(dataset(StudyInstanceUID=study_uid), spool, emergency)
    sr = incoming(
        dataset(StudyInstanceUID=study_uid, Modality="SR", PixelData=None, Rows=None, Columns=None), spool, emergency
    )
    studies.register([ct, sr], actor=CT1)
    later = NOON + timedelta(hours=1)
    studies.register(
        [incoming(dataset(StudyInstanceUID=study_uid, Modality="PR"), spool, received_at=later)], actor=CT1
    )
    study = Study.objects.get()
    assert study.modalities == Placement.objects.get().modalities == ["CT", "PR", "SR"]
    assert (study.series_count, study.instance_count) == (3, 3)
    assert (study.first_received_at, study.last_received_at) == (NOON, later)
    assert Instance.objects.get(series__modality="SR").number_of_frames == 0


def test_more_images_reopen_a_settled_study(spool, emergency):
    made = dataset()
    studies.register([incoming(made, spool, emergency)], actor=CT1)
    assert not studies.settle(made.StudyInstanceUID)
    Event.objects.update(drained_at=timezone.now())
    assert studies.settle(made.StudyInstanceUID)
    assert not studies.settle(made.StudyInstanceUID)
    assert Study.objects.get().settled_at is not None
    studies.register([incoming(dataset(StudyInstanceUID=made.StudyInstanceUID), spool)], actor=CT1)
    assert Study.objects.get().settled_at is None


def test_absurd_numbers_and_endless_texts_fit_the_columns(spool, emergency):
    made = dataset(NumberOfFrames=None, SeriesDescription="x" * 64, PatientName="N" * 64)
    item = incoming(made, spool, emergency)
    header = item.header
    wild = dataclasses.replace(
        header,
        instance=dataclasses.replace(header.instance, number_of_frames=2**40, instance_number=-(2**40)),
        series=dataclasses.replace(header.series, series_number=2**40, description="d" * 5000, modality="M" * 99),
        patient=dataclasses.replace(header.patient, patient_name="n\x00" * 5000, name_norm="n" * 5000),
    )
    (answer,) = studies.register([dataclasses.replace(item, header=wild)], actor=CT1)
    assert answer.state is State.NEW
    assert Instance.objects.get().instance_number is None
    assert Series.objects.get().frame_count == 2**31 - 1


def test_a_new_study_without_a_placement_is_a_mistake_and_writes_nothing(spool):
    with pytest.raises(ValueError, match="placement"):
        studies.register([incoming(dataset(), spool)], actor=CT1)
    assert not Study.objects.exists()
    assert not Instance.objects.exists()


def test_a_study_is_placed_in_every_department_of_its_plans_once(spool, emergency, orthopaedics):
    study_uid = uid()
    batch = [
        incoming(dataset(StudyInstanceUID=study_uid), spool, emergency, orthopaedics),
        incoming(dataset(StudyInstanceUID=study_uid), spool, emergency),
    ]
    studies.register(batch, actor=CT1)
    assert set(Placement.objects.values_list("department", flat=True)) == {emergency.pk, orthopaedics.pk}


def test_the_department_sees_the_study_and_the_stranger_does_not(spool, emergency, alice, bob):
    studies.register([incoming(dataset(), spool, emergency)], actor=CT1)
    assert Study.objects.visible_to(scope_of_user(alice)).count() == 1
    assert Study.objects.visible_to(scope_of_user(bob)).count() == 0


def test_a_placement_by_hand_gives_and_takes_with_an_event(spool, emergency, orthopaedics):
    studies.register([incoming(dataset(), spool, emergency)], actor=CT1)
    plan = PlannedPlacement(orthopaedics.pk, "requesting", "by_hand", "admin")
    placed = studies.place_study(Study.objects.get(), plan, actor=SYSTEM)
    assert studies.place_study(Study.objects.get(), plan, actor=SYSTEM) == placed
    scope = scope_of_departments(principal=SYSTEM, departments=[orthopaedics], rights=[Right.LIST], reason="test")
    assert Study.objects.visible_to(scope).count() == 1
    studies.remove_placement(placed, actor=SYSTEM)
    assert Study.objects.visible_to(scope).count() == 0
    assert AuditEvent.objects.filter(action="study.placed").count() == 2
    assert AuditEvent.objects.filter(action="study.removed").count() == 1


def test_nothing_to_register_is_no_work(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert studies.register([], actor=CT1) == []


def test_two_studies_complete_their_common_patient_together(spool, emergency):
    first, second = uid(), uid()
    blank = {"PatientBirthDate": None, "PatientSex": None}
    studies.register(
        [incoming(dataset(StudyInstanceUID=study, **blank), spool, emergency) for study in (first, second)], actor=CT1
    )
    studies.register(
        [
            incoming(dataset(StudyInstanceUID=first, PatientSex=None), spool),
            incoming(dataset(StudyInstanceUID=second, PatientBirthDate=None), spool),
        ],
        actor=CT1,
    )
    patient = Patient.objects.get()
    assert (patient.birth_date.isoformat(), patient.sex) == ("1970-01-02", "F")
