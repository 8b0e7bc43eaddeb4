"""Modality performed procedure steps over a real association: what is kept, what follows, and what is refused in which code."""

from typing import Any

import pytest
from pydicom import config, datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_context

from accounts.actor import SYSTEM
from accounts.audit.models import AuditEvent
from imaging.dicom import uids
from imaging.dimse.performed_steps import PERFORMED_STEP
from imaging.events.models import Event
from imaging.orders import transitions
from imaging.orders.models import ExamRequest, PerformedStep, Room, ScheduledStep
from imaging.orders.performing import selectors
from imaging.orders.transitions import By
from imaging.orders.workflow import Step
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory
from tests.factories.booked_steps import at, patient, room, station, step
from tests.imaging.dimse.conftest import Door

pytestmark = pytest.mark.django_db(transaction=True)

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def place(door: Door) -> Room:
    """The CT of emergency."""
    return room(door.emergency, station("EM_CT", door.emergency))


@pytest.fixture
def booked(place: Room) -> ScheduledStep:
    """A patient who is expected there."""
    return step(place, at(2), of=patient("Durand^Hélène", "MRN1"))


def dataset(**values: Any) -> Dataset:
    made = Dataset()
    made.SpecificCharacterSet = "ISO_IR 192"
    for name, value in values.items():
        tag = datadict.tag_for_keyword(name)
        assert tag is not None
        made.add(DataElement(tag, datadict.dictionary_VR(tag), value, validation_mode=config.IGNORE))
    return made


def begun(booked: ScheduledStep | None = None, **changes: Any) -> Dataset:
    """What a machine tells when it begins; a change to None leaves an attribute out."""
    request = booked.request if booked else None
    scheduled = Dataset()
    scheduled.StudyInstanceUID = request.study_instance_uid if request else "1.2.3.4"
    scheduled.AccessionNumber = request.accession_number if request else "NOBODYS"
    scheduled.ScheduledProcedureStepID = booked.step_id if booked else "UNKNOWN"
    scheduled.RequestedProcedureID = request.requested_procedure_id if request else ""
    known: dict[str, Any] = {
        "ScheduledStepAttributesSequence": Sequence([scheduled]),
        "PatientName": "Durand^Hélène",
        "PatientID": request.patient.patient_id if request and request.patient else "X9",
        "PerformedProcedureStepID": "PPS1",
        "PerformedStationAETitle": "EM_CT",
        "PerformedProcedureStepStartDate": "20310102",
        "PerformedProcedureStepStartTime": "090500",
        "PerformedProcedureStepStatus": "IN PROGRESS",
        "Modality": "CT",
        "PerformedSeriesSequence": Sequence([]),
    }
    return dataset(**{name: value for name, value in {**known, **changes}.items() if value is not None})


def made(*instances: str) -> Sequence:
    """The series that a machine made."""
    series, images = Dataset(), []
    for uid in instances:
        image = Dataset()
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = CT_IMAGE, uid
        images.append(image)
    series.SeriesInstanceUID, series.ReferencedImageSequence = uids.new_uid(), Sequence(images)
    return Sequence([series])


def ended(status: str = "COMPLETED", *, code: str = "", **changes: Any) -> Dataset:
    """What a machine tells when it ends."""
    known: dict[str, Any] = {
        "PerformedProcedureStepStatus": status,
        "PerformedProcedureStepEndDate": "20310102",
        "PerformedProcedureStepEndTime": "091500",
        "PerformedSeriesSequence": made("1.2.3.9"),
    }
    if code:
        reason = Dataset()
        reason.CodeValue, reason.CodingSchemeDesignator, reason.CodeMeaning = code, "DCM", "Told by the machine"
        known["PerformedProcedureStepDiscontinuationReasonCodeSequence"] = Sequence([reason])
    return dataset(**{name: value for name, value in {**known, **changes}.items() if value is not None})


class Machine:
    """A modality with an association for each message."""

    def __init__(self, door: Door, title: str = "EM_CT") -> None:
        self._door = door
        self._ae = AE(title)
        self._ae.acse_timeout = self._ae.dimse_timeout = self._ae.network_timeout = 20

    def _said(self, send: Any) -> Dataset:
        contexts = [build_context(PERFORMED_STEP, ExplicitVRLittleEndian)]
        association = self._ae.associate("127.0.0.1", self._door.port, contexts=contexts, ae_title="NEGATOSCOPE")
        assert association.is_established
        status, _told = send(association)
        association.release()
        assert isinstance(status, Dataset)
        return status

    def create(self, told: Dataset, uid: str | None) -> Dataset:
        return self._said(lambda line: line.send_n_create(told, PERFORMED_STEP, uid))

    def set(self, told: Dataset, uid: str) -> Dataset:
        return self._said(lambda line: line.send_n_set(told, PERFORMED_STEP, uid))


@pytest.fixture
def machine(door: Door, place: Room) -> Machine:
    return Machine(door)


def state(booked: ScheduledStep) -> tuple[str, str]:
    booked.refresh_from_db()
    return ExamRequest.objects.get(pk=booked.request_id).state, booked.status


def test_an_exam_that_begins_and_ends_at_the_machine_takes_its_request_along(
    machine: Machine, booked: ScheduledStep
) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(booked), uid).Status == 0
    assert state(booked) == ("in_progress", "started")
    row = PerformedStep.objects.get(sop_instance_uid=uid)
    assert (row.step_id, row.sender, row.told_step_id, row.modality) == (booked.pk, "EM_CT", booked.step_id, "CT")
    assert row.started_at == at(2, 9, 5)
    assert machine.set(dataset(PerformedSeriesSequence=made("1.2.3.9")), uid).Status == 0
    assert state(booked) == ("in_progress", "started")
    assert machine.set(ended(), uid).Status == 0
    assert state(booked) == ("completed", "completed")
    row.refresh_from_db()
    assert (row.state, row.ended_at) == ("completed", at(2, 9, 15))
    assert row.attributes["00100010"]["Value"] == [{"Alphabetic": "Durand^Hélène"}]
    last = ExamRequest.objects.get(pk=booked.request_id).transitions.last()
    assert last is not None
    assert (last.name, last.actor_name, last.detail["station"]) == ("complete", "EM_CT", "EM_CT")
    assert AuditEvent.objects.filter(action="step.reported", subject_uid=uid).count() == 2


def test_what_comes_twice_or_too_late_is_refused_in_its_own_code(machine: Machine, booked: ScheduledStep) -> None:
    uid = uids.new_uid()
    assert machine.set(ended(), uid).Status == 0x0112
    assert machine.create(begun(booked), uid).Status == 0
    assert machine.create(begun(booked), uid).Status == 0x0111
    assert machine.set(ended(), uid).Status == 0
    late = machine.set(ended("DISCONTINUED"), uid)
    assert (late.Status, late.ErrorID) == (0x0110, 0xA710)
    assert late.ErrorComment == "Performed Procedure Step Object may no longer be updated"
    assert state(booked) == ("completed", "completed")


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"PerformedProcedureStepStatus": "COMPLETED"}, 0x0106, "PerformedProcedureStepStatus must be IN PROGRESS"),
        ({"PerformedProcedureStepStatus": "DANCING"}, 0x0106, "PerformedProcedureStepStatus is none of its terms"),
        ({"Modality": None}, 0x0120, "Modality is missing"),
        ({"PerformedStationAETitle": ""}, 0x0121, "PerformedStationAETitle has no value"),
        ({"ScheduledStepAttributesSequence": None}, 0x0120, "ScheduledStepAttributesSequence is missing"),
        ({"ScheduledStepAttributesSequence": Sequence([])}, 0x0121, "ScheduledStepAttributesSequence has no value"),
        ({"ScheduledStepAttributesSequence": Sequence([Dataset()])}, 0x0120, "StudyInstanceUID is missing"),
        ({"PerformedProcedureStepStartDate": "20310231"}, 0x0106, "PerformedProcedureStepStartDate is not valid"),
        ({"PerformedProcedureStepStartTime": "0900-1000"}, 0x0106, "PerformedProcedureStepStartTime is not valid"),
        ({"PerformedSeriesSequence": Sequence([Dataset()])}, 0x0120, "SeriesInstanceUID is missing"),
    ],
)
def test_a_report_that_lacks_what_the_standard_asks_is_refused_with_what(
    machine: Machine, booked: ScheduledStep, changes: dict[str, Any], status: int, words: str
) -> None:
    said = machine.create(begun(booked, **changes), uids.new_uid())
    assert (said.Status, said.ErrorComment) == (status, words)
    assert PerformedStep.objects.count() == 0
    assert state(booked) == ("scheduled", "scheduled")


def test_the_end_says_when_it_was_and_what_was_made(machine: Machine, booked: ScheduledStep, door: Door) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(booked), uid).Status == 0
    assert machine.set(ended(PerformedProcedureStepEndTime=None), uid).Status == 0x0120
    assert machine.set(ended(PerformedProcedureStepEndDate="soon"), uid).Status == 0x0106
    # Nothing was made, as far as anybody knows.
    image = arrivals.dataset(StudyInstanceUID=booked.request.study_instance_uid, PatientID="MRN1")
    with door.peer().associate() as sender:
        assert sender.store_dataset(image)[0] == 0
    door.drain()
    assert machine.set(ended(PerformedSeriesSequence=None), uid).Status in {0x0120, 0x0121}
    assert state(booked)[0] == "in_progress"
    assert machine.set(ended(), uid).Status == 0


def test_a_study_counts_as_complete_once_all_that_the_machine_made_is_here(
    machine: Machine, booked: ScheduledStep, door: Door
) -> None:
    study, uid = booked.request.study_instance_uid, uids.new_uid()
    images = [arrivals.dataset(StudyInstanceUID=study, PatientID="MRN1") for _number in range(2)]
    assert machine.create(begun(booked), uid).Status == 0
    with door.peer().associate() as sender:
        assert sender.store_dataset(images[0])[0] == 0
    door.drain()
    waiting = Event.objects.get(kind="study.settled", subject_uid=study, drained_at=None)
    assert (
        machine.set(ended(PerformedSeriesSequence=made(*(str(one.SOPInstanceUID) for one in images))), uid).Status == 0
    )
    assert Event.objects.get(pk=waiting.pk).due_at == waiting.due_at
    other = uids.new_uid()
    assert machine.create(begun(booked), other).Status == 0
    with door.peer().associate() as sender:
        assert sender.store_dataset(images[1])[0] == 0
    door.drain()
    later = Event.objects.get(pk=waiting.pk).due_at
    assert machine.set(ended(PerformedSeriesSequence=made(str(images[1].SOPInstanceUID))), other).Status == 0
    assert Event.objects.get(pk=waiting.pk).due_at < later


def test_an_unknown_step_is_kept_for_a_person_to_look_at(machine: Machine, door: Door) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(), uid).Status == 0
    assert machine.set(ended(), uid).Status == 0
    (row,) = selectors.performed_steps_to_mend([door.emergency.pk])
    assert (row.sop_instance_uid, row.step, row.patient_id) == (uid, None, "X9")
    assert not selectors.performed_steps_to_mend([DepartmentFactory.create().pk]).exists()


def test_who_waits_waits_again_when_somebody_elses_line_was_picked(
    machine: Machine, booked: ScheduledStep, door: Door
) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(booked), uid).Status == 0
    assert machine.set(ended("DISCONTINUED", code="110514"), uid).Status == 0
    assert state(booked) == ("arrived", "arrived")
    (row,) = selectors.performed_steps_to_mend([door.emergency.pk])
    assert (row.discontinuation_code, row.step_id) == ("110514", booked.pk)


def test_an_exam_that_is_broken_off_ends_its_request_with_the_reason(machine: Machine, booked: ScheduledStep) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(booked), uid).Status == 0
    assert machine.set(ended("DISCONTINUED", code="110507"), uid).Status == 0
    assert state(booked) == ("discontinued", "discontinued")
    assert "110507 Told by the machine" in ExamRequest.objects.get(pk=booked.request_id).ended_reason


def test_a_request_that_stands_elsewhere_never_fails_the_machine(machine: Machine, booked: ScheduledStep) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(booked), uid).Status == 0
    transitions.take(booked.request.key, Step.COMPLETE, by=By(SYSTEM))
    assert machine.set(ended(), uid).Status == 0
    assert state(booked)[0] == "completed"
    event = AuditEvent.objects.filter(action="step.reported", subject_uid=uid).latest("pk")
    assert event.detail["requests"][0]["stands"] == "completed"


def test_two_machines_of_one_exam_both_have_to_end(machine: Machine, booked: ScheduledStep) -> None:
    first, second = uids.new_uid(), uids.new_uid()
    assert machine.create(begun(booked), first).Status == 0
    assert machine.create(begun(booked), second).Status == 0
    assert machine.set(ended(), first).Status == 0
    assert state(booked)[0] == "in_progress"
    assert machine.set(ended("DISCONTINUED", code="110507"), second).Status == 0
    assert state(booked) == ("completed", "completed")


def test_a_machine_reports_for_its_own_rooms_and_changes_its_own_reports_only(
    door: Door, machine: Machine, booked: ScheduledStep
) -> None:
    elsewhere = DepartmentFactory.create(code="elsewhere")
    station("FAR_CT", elsewhere)
    far, uid = Machine(door, "FAR_CT"), uids.new_uid()
    assert far.create(begun(booked), uid).Status == 0
    assert state(booked) == ("scheduled", "scheduled")
    assert PerformedStep.objects.get(sop_instance_uid=uid).step is None
    assert machine.set(ended(), uid).Status == 0x0112
    assert Machine(door, "CT1").create(begun(booked), uids.new_uid()).Status == 0x0124


def test_a_report_for_another_patient_than_the_step_says_is_linked_to_nobody(
    machine: Machine, booked: ScheduledStep
) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(booked, PatientID="SOMEBODY-ELSE"), uid).Status == 0
    assert PerformedStep.objects.get(sop_instance_uid=uid).step is None
    assert state(booked)[0] == "scheduled"


def test_what_may_not_change_is_left_and_said(machine: Machine, booked: ScheduledStep) -> None:
    uid = uids.new_uid()
    assert machine.create(begun(booked), uid).Status == 0
    said = machine.set(dataset(Modality="MR", PerformedProcedureStepDescription="Thorax"), uid)
    assert (said.Status, said.AttributeIdentifierList) == (0x0107, 0x00080060)
    row = PerformedStep.objects.get(sop_instance_uid=uid)
    assert row.attributes["00080060"]["Value"] == ["CT"]
    assert row.attributes["00400254"]["Value"] == ["Thorax"]
    assert machine.set(dataset(Modality="CT"), uid).Status == 0


def test_a_report_without_a_uid_is_given_one(machine: Machine, booked: ScheduledStep) -> None:
    assert machine.create(begun(booked), None).Status == 0
    assert PerformedStep.objects.get().sop_instance_uid.startswith("2.25.")


def test_several_steps_that_are_done_at_once_all_follow(machine: Machine, place: Room, booked: ScheduledStep) -> None:
    other = step(place, at(3), of=booked.request.patient)
    both = begun(booked)
    both.ScheduledStepAttributesSequence.append(begun(other).ScheduledStepAttributesSequence[0])
    uid = uids.new_uid()
    assert machine.create(both, uid).Status == 0
    assert machine.set(ended(), uid).Status == 0
    assert (state(booked)[0], state(other)[0]) == ("completed", "completed")
