"""Whose a released object is: the last decision counts, what was taken back leaves no trace, and no study shows two patients."""

import json
from typing import Any

import pytest

from accounts.models import Department
from imaging.ingest import registrar
from imaging.ingest import services as spool
from imaging.ingest.desk import releasing, services
from imaging.ingest.desk.policies import Decider, Person
from imaging.ingest.desk.services import Kind, Wish
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.source import Source
from imaging.studies.models import Correction, InstanceVersion, Placement, Study
from imaging.studies.reading import metadata
from tests.factories import arrivals
from tests.imaging.ingest.desk.conftest import Receive, Staff, at_desk

pytestmark = pytest.mark.django_db(transaction=True)

FIRST = Person(patient_id="P77", issuer_of_patient_id="HOSPITAL", patient_name="First^Fay")
SECOND = Person(patient_id="P78", issuer_of_patient_id="HOSPITAL", patient_name="Second^Sue")


def correct(person: Person) -> Wish:
    return Wish(kind=Kind.CORRECT, person=person)


def release(**more: Any) -> Wish:
    return Wish(kind=Kind.RELEASE, **more)


def numbers() -> list[str]:
    """The patient IDs of what is shown, as they go out."""
    rows = InstanceVersion.objects.filter(state="current", instance__is_rejected=False)
    rows = rows.select_related("instance__series__study").order_by("pk")
    return [metadata.instance_record(row)["00100020"]["Value"][0] for row in rows]


@pytest.fixture
def rosa(staff: Staff) -> Decider:
    return at_desk(staff.emergency)


@pytest.fixture
def waiting(receive: Receive, emergency: Department) -> QuarantinedObject:
    """An object that names a person whose ID belongs to another."""
    receive(arrivals.dataset(PatientID="P9", PatientName="Known^Anna"), departments=[emergency])
    (found,) = receive(arrivals.dataset(PatientID="P9", PatientName="Strange^Zoe"), departments=[emergency])
    return found


def undone(rosa: Decider, waiting: QuarantinedObject) -> None:
    waiting.refresh_from_db()
    services.undo(rosa, waiting.decision)


def study_of(waiting: QuarantinedObject) -> Study:
    return Study.objects.select_related("patient").get(study_instance_uid=waiting.study_instance_uid)


class TestHandedOverAgain:
    def test_whose_the_sender_says_it_is_the_second_time_counts(
        self, receive: Receive, rosa: Decider, emergency: Department
    ):
        """The same file, brought again with another patient of ours, waits once, and is that patient's when released."""
        receive(arrivals.dataset(PatientID="P9", PatientName="Known^Anna"), departments=[emergency])
        content = arrivals.encoded(arrivals.dataset(PatientID="P-disc", PatientName="Strange^Zoe"))
        for number in ("P9", "P77"):
            says = {"00100020": {"vr": "LO", "Value": [number]}}
            source = Source(door="upload", sender="bob", corrections=json.dumps(says), identity_decided=True)
            arrivals.hand_over(content, source)
            registrar.drain(spool.spool())
        waiting = QuarantinedObject.objects.get()
        services.decide(rosa, [waiting.pk], release(place_in=emergency.pk))
        assert numbers() == ["P9", "P77"]
        assert study_of(waiting).patient.patient_id == "P77"


class TestDecidedAgain:
    def test_the_patient_of_the_last_decision_is_shown(self, waiting: QuarantinedObject, rosa: Decider):
        services.decide(rosa, [waiting.pk], correct(FIRST))
        assert numbers() == ["P9", "P77"]
        undone(rosa, waiting)
        services.decide(rosa, [waiting.pk], correct(SECOND))
        assert numbers() == ["P9", "P78"]
        study = study_of(waiting)
        assert (study.patient.patient_id, study.patient.patient_name) == ("P78", "Second^Sue")
        assert Placement.objects.get(study=study).patient_id == "P78"
        assert Correction.objects.in_force().get().attributes["00100020"]["Value"] == ["P78"]

    def test_released_as_received_it_shows_what_was_received(self, waiting: QuarantinedObject, rosa: Decider):
        services.decide(rosa, [waiting.pk], correct(FIRST))
        undone(rosa, waiting)
        services.decide(rosa, [waiting.pk], release())
        assert numbers() == ["P9", "P9"]
        assert study_of(waiting).patient.patient_id == "P9"
        assert not Correction.objects.in_force().exists()
        assert not study_of(waiting).is_corrected


class TestTakenBack:
    def test_no_later_object_inherits_a_correction_that_was_withdrawn(
        self, waiting: QuarantinedObject, rosa: Decider, receive: Receive, emergency: Department
    ):
        services.decide(rosa, [waiting.pk], correct(FIRST))
        undone(rosa, waiting)
        later = arrivals.dataset(PatientID="P9", PatientName="Strange^Zoe", StudyInstanceUID=waiting.study_instance_uid)
        (second,) = receive(later, departments=[emergency])
        assert numbers() == ["P9"]
        services.decide(rosa, [second.pk], release())
        assert numbers() == ["P9", "P9"]
        assert study_of(waiting).patient.patient_id == "P9"

    def test_what_was_withdrawn_does_not_come_back_into_the_study_of_somebody_else(
        self, waiting: QuarantinedObject, rosa: Decider, receive: Receive, emergency: Department
    ):
        services.decide(rosa, [waiting.pk], correct(FIRST))
        undone(rosa, waiting)
        later = arrivals.dataset(PatientID="P9", PatientName="Strange^Zoe", StudyInstanceUID=waiting.study_instance_uid)
        (second,) = receive(later, departments=[emergency])
        services.decide(rosa, [second.pk], release())
        services.decide(rosa, [waiting.pk], correct(FIRST))
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason, waiting.outcome) == ("open", "identity_conflict", "")
        assert numbers() == ["P9", "P9"]
        assert study_of(waiting).patient.patient_id == "P9"

    def test_a_release_carried_out_by_two_processes_can_be_taken_back(
        self, waiting: QuarantinedObject, rosa: Decider, monkeypatch: Any
    ):
        """The first one died between registering and saying so."""
        with monkeypatch.context() as patched:
            patched.setattr(releasing, "_settle", lambda _decision, _results: None)
            services.decide(rosa, [waiting.pk], release())
        waiting.refresh_from_db()
        assert waiting.state == "releasing"
        releasing.carry_out(waiting.decision)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.outcome) == ("released", "new")
        undone(rosa, waiting)
        assert study_of(waiting).instance_count == 0


class TestOnePatientPerStudy:
    def test_nobody_is_corrected_into_the_study_of_somebody_else(
        self, receive: Receive, rosa: Decider, emergency: Department
    ):
        first = arrivals.dataset()
        receive(first, departments=[emergency])
        other = arrivals.dataset(StudyInstanceUID=first.StudyInstanceUID, PatientID="P2")
        (waiting,) = receive(other, departments=[emergency])
        for wish in (correct(FIRST), release()):
            services.decide(rosa, [waiting.pk], wish)
            assert numbers() == ["P1"]
            waiting.refresh_from_db()
            assert (waiting.state, waiting.reason) == ("open", "identity_conflict")
        same = Person(patient_id="P1", patient_name="Durand^Helene")
        services.decide(rosa, [waiting.pk], correct(same))
        assert numbers() == ["P1", "P1"]

    def test_two_people_of_one_new_study_are_not_released_together(
        self, receive: Receive, rosa: Decider, emergency: Department
    ):
        study = arrivals.uid()
        two = [arrivals.dataset(StudyInstanceUID=study, PatientID=number) for number in ("P1", "P2")]
        waiting = receive(*two)
        services.decide(rosa, [row.pk for row in waiting], release(place_in=emergency.pk))
        assert numbers() == ["P1"]
        assert sorted(QuarantinedObject.objects.values_list("state", flat=True)) == ["open", "released"]
