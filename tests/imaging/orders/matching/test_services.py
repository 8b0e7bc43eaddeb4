"""Studies find their requests when they arrive, when requests come late, when patients are corrected, and by people."""

import pytest
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import Department, User
from accounts.roles import Role
from imaging.orders import transitions
from imaging.orders.matching import selectors, services
from imaging.orders.matching.services import DecidedMeanwhile, Decision, NotAnswerable, OtherPatient
from imaging.orders.models import ExamRequest, PerformedStep, ScheduledStep, StudyLink, UnmatchedStudy
from imaging.orders.transitions import By
from imaging.orders.workflow import Step
from imaging.studies import services as studies
from imaging.studies.models import Placement, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.factories.exam_requests import booked, exam_request
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db

RADIOGRAPHER = Actor(kind="user", id="7", name="Rita Graph")
_SOON = timezone.now().strftime("%Y%m%d")


@pytest.fixture
def study(archive: Archive) -> Study:
    made = arrivals.dataset(StudyDate=_SOON, AccessionNumber="A100")
    archive.receive(made)
    return archive.study(made.StudyInstanceUID)


@pytest.fixture
def request_(study: Study, emergency: Department, orthopaedics: Department) -> ExamRequest:
    """Orthopaedics asks emergency for the exam of the study."""
    return exam_request(asking=orthopaedics, performing=emergency, patient=study.patient, accession_number="A100")


def decided(study: Study, reason: str = "seen at the console") -> Decision:
    seen = frozenset(selectors.links_of_study(study).values_list("pk", flat=True))
    return Decision(RADIOGRAPHER, reason, seen)


def settled(study: Study) -> None:
    Study.objects.filter(pk=study.pk).update(settled_at=timezone.now())
    services.match_study(study.study_instance_uid, is_complete=True)


def reloaded(request: ExamRequest) -> ExamRequest:
    return ExamRequest.objects.get(pk=request.pk)


def places(study: Study) -> set[str]:
    return set(Placement.objects.live().filter(study=study).values_list("department__code", flat=True))


def test_the_first_images_begin_the_exam_and_the_last_ones_end_it(study: Study, request_: ExamRequest) -> None:
    step = booked(request_)
    services.match_study(study.study_instance_uid)
    assert reloaded(request_).state == "in_progress"
    settled(study)
    assert reloaded(request_).state == "completed"
    assert ScheduledStep.objects.get(pk=step.pk).status == "completed"
    link = StudyLink.objects.get()
    assert (link.basis, link.made_by, link.request_id) == ("accession", "system", request_.pk)
    assert places(study) == {"emergency", "orthopaedics"}
    assert AuditEvent.objects.filter(action=audit.Action.STUDY_LINKED, subject_uid=study.study_instance_uid).exists()
    assert not UnmatchedStudy.objects.exists()


def test_matching_again_changes_nothing(study: Study, request_: ExamRequest) -> None:
    settled(study)
    before = reloaded(request_).version
    settled(study)
    services.match_study(study.study_instance_uid)
    assert reloaded(request_).version == before
    assert StudyLink.objects.count() == 1


def test_a_machine_that_reports_that_the_exam_goes_on_is_believed(study: Study, request_: ExamRequest) -> None:
    PerformedStep.objects.create(sop_instance_uid=arrivals.uid(), sender="CT1", step=booked(request_))
    settled(study)
    assert reloaded(request_).state == "in_progress"


def test_the_number_of_another_patient_links_nothing_and_waits_for_a_person(
    study: Study, emergency: Department, orthopaedics: Department, archive: Archive
) -> None:
    other = arrivals.dataset(PatientID="P2", PatientName="Martin^Paul", AccessionNumber="X1")
    archive.receive(other)
    patient = archive.study(other.StudyInstanceUID).patient
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=patient, accession_number="A100")
    settled(study)
    waiting = UnmatchedStudy.objects.get(study=study)
    assert (waiting.why, waiting.candidate_id) == ("other_patient", asked.pk)
    assert not StudyLink.objects.exists()
    assert places(study) == {"emergency"}
    with pytest.raises(OtherPatient):
        services.link(study, asked, decided(study))
    # Somebody looked: the images are of the patient who was asked for, and had been registered under a wrong name.
    services.link_with_correction(study, asked.key, decided(study, "wrong worklist entry"))
    study.refresh_from_db()
    assert study.patient_id == patient.pk
    assert places(study) == {"emergency", "orthopaedics"}
    assert reloaded(asked).state == "completed"
    assert UnmatchedStudy.objects.get(study=study).settled_at is not None


def test_a_study_that_is_given_to_another_patient_leaves_its_request(study: Study, request_: ExamRequest) -> None:
    booked(request_)
    settled(study)
    attributes = {"00100020": {"vr": "LO", "Value": ["P9"]}, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "X^Y"}]}}
    studies.correct(study, attributes, reason="wrong patient", actor=RADIOGRAPHER)
    services.match_study(study.study_instance_uid, is_complete=True)
    assert StudyLink.objects.get().ended_by == "system"
    assert places(study) == {"emergency"}
    assert reloaded(request_).state == "in_progress"
    assert UnmatchedStudy.objects.get(study=study).why == "other_patient"


def test_a_request_that_comes_after_its_images_finds_them(
    study: Study, emergency: Department, orthopaedics: Department
) -> None:
    settled(study)
    assert UnmatchedStudy.objects.get(study=study).why == "no_request"
    late = exam_request(
        asking=orthopaedics, performing=emergency, patient=study.patient, accession_number="A100", state="requested"
    )
    services.match_late_order(str(late.key))
    assert reloaded(late).state == "completed"
    assert UnmatchedStudy.objects.get(study=study).settled_at is not None


def test_a_typed_patient_is_found_by_the_images_and_forgotten_with_the_link(
    study: Study, emergency: Department, orthopaedics: Department
) -> None:
    asked = exam_request(
        asking=orthopaedics,
        performing=emergency,
        accession_number="A100",
        typed_name="DURAND^HELENE",
        typed_birth_date="1970-01-02",
    )
    settled(study)
    assert reloaded(asked).patient_id == study.patient_id
    services.unlink(StudyLink.objects.get(), decided(study, "another Hélène"))
    assert reloaded(asked).patient_id is None


def test_the_images_name_the_scheduled_step(archive: Archive, emergency: Department, orthopaedics: Department) -> None:
    made = arrivals.dataset(StudyDate=_SOON, AccessionNumber="")
    item = arrivals.Dataset()
    item.ScheduledProcedureStepID = "STEP77"
    made.RequestAttributesSequence = [item]
    archive.receive(made)
    study = archive.study(made.StudyInstanceUID)
    asked = exam_request(asking=orthopaedics, performing=emergency, patient=study.patient)
    booked(asked, step_id="STEP77")
    settled(study)
    assert StudyLink.objects.get().basis == "step_id"


def test_what_a_person_takes_apart_is_not_put_together_again(study: Study, request_: ExamRequest) -> None:
    booked(request_)
    settled(study)
    services.unlink(StudyLink.objects.get(), decided(study, "another exam"))
    assert reloaded(request_).state == "in_progress"
    assert places(study) == {"emergency"}
    settled(study)
    assert not StudyLink.objects.filter(ended_at=None).exists()
    assert UnmatchedStudy.objects.get(study=study).settled_at is None
    services.link(study, request_, decided(study, "it was the right one"))
    assert reloaded(request_).state == "completed"


def test_of_two_people_who_decide_at_once_the_second_is_told(study: Study, request_: ExamRequest) -> None:
    seen = decided(study)
    services.link(study, request_, seen)
    with pytest.raises(DecidedMeanwhile) as told:
        services.link(study, request_, seen)
    assert told.value.by == "Rita Graph"
    with pytest.raises(DecidedMeanwhile):
        services.settle_without(study, seen)
    held, seen = StudyLink.objects.get(), decided(study)
    services.unlink(held, seen)
    with pytest.raises(DecidedMeanwhile):
        services.unlink(held, seen)


def test_images_from_elsewhere_need_no_request_until_somebody_says_otherwise(study: Study) -> None:
    settled(study)
    services.settle_without(study, decided(study, "brought on a disc"))
    settled(study)
    assert UnmatchedStudy.objects.get().settled_reason == "brought on a disc"
    with pytest.raises(DecidedMeanwhile):
        services.settle_without(study, decided(study))
    services.ask_again(study, decided(study))
    assert UnmatchedStudy.objects.get().settled_at is None


def test_a_cancelled_request_is_answered_by_nothing(study: Study, request_: ExamRequest) -> None:
    transitions.take(request_.key, Step.CANCEL, by=By(RADIOGRAPHER), reason="went home")
    settled(study)
    assert UnmatchedStudy.objects.get().why == "ended"
    with pytest.raises(NotAnswerable):
        services.link(study, request_, decided(study))


def test_the_report_of_a_study_is_its_requests_report(
    study: Study, request_: ExamRequest, alice: User, orthopaedics: Department
) -> None:
    ExamRequest.objects.filter(pk=request_.pk).update(requester=alice)
    settled(study)
    services.follow_report(study.study_instance_uid, is_reported=lambda _uid: True)
    services.follow_report(study.study_instance_uid, is_reported=lambda _uid: True)
    assert reloaded(request_).state == "reported"
    services.acknowledge(study.study_instance_uid, reader=alice)
    assert reloaded(request_).state == "reported", "Alice asks for another department than the one that asked"
    MembershipFactory.create(user=alice, department=orthopaedics, role=Role.CLINICIAN)
    services.acknowledge(study.study_instance_uid, reader=alice)
    assert reloaded(request_).state == "acknowledged"
    services.follow_report(study.study_instance_uid, is_reported=lambda _uid: False)
    assert reloaded(request_).state == "completed"


def test_a_request_is_reported_while_one_of_its_studies_is_and_no_other_request_is(
    study: Study, request_: ExamRequest, archive: Archive, emergency: Department, orthopaedics: Department
) -> None:
    foreign = exam_request(asking=orthopaedics, performing=emergency, patient=study.patient, accession_number="B200")
    more = [arrivals.dataset(StudyDate=_SOON, AccessionNumber=number) for number in ("A101", "B200")]
    archive.receive(*more)
    second, other = (archive.study(made.StudyInstanceUID) for made in more)
    for each in (study, other, second):
        settled(each)
    services.link(second, request_, decided(second))
    signed = {study.study_instance_uid}
    for each in (study, second, other):
        services.follow_report(each.study_instance_uid, is_reported=signed.__contains__)
    assert reloaded(request_).state == "reported", "its other study has no report, and takes nothing away"
    assert reloaded(foreign).state == "completed"
    signed.clear()
    services.follow_report(second.study_instance_uid, is_reported=signed.__contains__)
    assert reloaded(request_).state == "completed"
