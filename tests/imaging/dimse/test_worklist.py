"""The modality worklist over a real association: whom a station sees, by which keys, in which letters, and what is refused."""

from typing import Any

import pytest
from pydicom import config, datadict
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.association import Association

from accounts.audit.models import AuditEvent
from imaging.dimse.worklist import MODALITY_WORKLIST
from imaging.orders.models import ExamRequest, Priority, Room, ScheduledStep
from imaging.orders.performing import worklist
from tests.factories.accounts import DepartmentFactory
from tests.factories.booked_steps import at, patient, room, station, step
from tests.imaging.dimse.conftest import Door

pytestmark = pytest.mark.django_db(transaction=True)

#: What every station asks to be told of a step.
_OF_STEP = (
    *("ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", "Modality"),
    *("ScheduledPerformingPhysicianName", "ScheduledProcedureStepDescription", "ScheduledProcedureStepID"),
    *("ScheduledStationName", "ScheduledProcedureStepLocation", "ScheduledProtocolCodeSequence"),
)


@pytest.fixture
def place(door: Door) -> Room:
    """The CT of emergency."""
    return room(door.emergency, station("EM_CT", door.emergency), name="CT 1", station_name="EMCT")


def element(name: str, value: Any) -> DataElement:
    """Questions may be as wrong as a station's."""
    tag = datadict.tag_for_keyword(name)
    assert tag is not None
    return DataElement(tag, datadict.dictionary_VR(tag), value, validation_mode=config.IGNORE)


def asked(charset: str = "", step: dict[str, Any] | None = None, **keys: Any) -> Dataset:
    """A question: keys of the step, keys of the rest, and the attributes that every station asks to be told."""
    inner = Dataset()
    for name, value in {**dict.fromkeys(_OF_STEP), **(step or {})}.items():
        inner.add(element(name, value))
    made = Dataset()
    if charset:
        made.SpecificCharacterSet = charset
    told = dict.fromkeys(("PatientName", "PatientID", "AccessionNumber", "StudyInstanceUID", "RequestedProcedureID"))
    for name, value in {**told, **keys}.items():
        made.add(element(name, value))
    made.ScheduledProcedureStepSequence = Sequence([inner])
    return made


def call(door: Door, title: str = "EM_CT", syntax: Any = ImplicitVRLittleEndian) -> Association:
    ae = AE(title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 20
    contexts = [build_context(MODALITY_WORKLIST, syntax)]
    association = ae.associate("127.0.0.1", door.port, contexts=contexts, ae_title="NEGATOSCOPE")
    assert association.is_established
    return association


def ask(door: Door, question: Dataset, **how: Any) -> tuple[list[Dataset], Dataset]:
    """The items and the final status."""
    association = call(door, **how)
    answers = list(association.send_c_find(question, MODALITY_WORKLIST))
    association.release()
    return [item for _status, item in answers if item is not None], answers[-1][0]


def names(door: Door, **question: Any) -> list[str]:
    items, final = ask(door, asked("ISO_IR 192", **question))
    assert final.Status == 0, final
    return [str(item.PatientName) for item in items]


#: What else a station may ask to be told.
_MORE = dict.fromkeys(
    (
        *("PatientBirthDate", "PatientSex", "IssuerOfPatientID", "PatientWeight", "PregnancyStatus", "Allergies"),
        *("MedicalAlerts", "SpecialNeeds", "PatientTransportArrangements", "RequestedProcedurePriority"),
        *("RequestedProcedureDescription", "RequestedProcedureCodeSequence", "ReasonForTheRequestedProcedure"),
        *("RequestingPhysician", "ReferringPhysicianName", "RequestingService", "IssuerOfAccessionNumberSequence"),
        *("ReferencedStudySequence", "AdmissionID", "RequestedProcedureComments", "TimezoneOffsetFromUTC"),
    )
)


def test_a_station_is_told_what_it_asks_of_whom_it_expects(door: Door, place: Room) -> None:
    booked = step(
        place,
        at(2, 9, 30),
        of=patient("Durand^Hélène", "MRN1"),
        asked={
            "priority": Priority.STAT,
            "clinical_question": "Pneumonia?\nSince Monday",
            "weight_kg": "61.5",
            "transport": ExamRequest.Transport.CHAIR,
            "precautions": "isolation",
            "safety": {
                "pregnancy": {"answer": "no", "text": "Pregnant?"},
                "iodine-allergy": {
                    "answer": "yes",
                    "more": "hives after iomeprol",
                    "text": "Allergy?",
                    "alarming": True,
                },
            },
            "requester_name": "Dr Caron",
            "issuer_of_accession_number": "SITE",
        },
        performing_physician_name="Roy^Paul",
    )
    (item,), final = ask(door, asked("ISO_IR 100", **_MORE))
    assert final.Status == 0
    assert (str(item.PatientName), item.PatientID, item.IssuerOfPatientID) == ("Durand^Hélène", "MRN1", "HOSPITAL")
    assert (item.PatientBirthDate, item.PatientSex, float(item.PatientWeight)) == ("19700102", "F", 61.5)
    assert (item.PregnancyStatus, item.Allergies, item.SpecialNeeds) == (1, "hives after iomeprol", "isolation")
    assert (item.PatientTransportArrangements, item.RequestedProcedurePriority) == ("wheelchair", "STAT")
    assert item.RequestedProcedureCodeSequence[0].CodingSchemeDesignator == "99NEGATOSCOPE"
    assert item.ReasonForTheRequestedProcedure == "Pneumonia? Since Monday"
    assert (str(item.RequestingPhysician), item.RequestingService) == ("Dr Caron", "Emergency")
    assert item.IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID == "SITE"
    assert (item.StudyInstanceUID, item.AccessionNumber) == (
        booked.request.study_instance_uid,
        booked.request.accession_number,
    )
    assert (item.TimezoneOffsetFromUTC, item.SpecificCharacterSet) == ("+0100", "ISO_IR 100")
    # Type 2 without a value: there, and empty.
    assert all(
        name in item and not item[name].value for name in ("MedicalAlerts", "AdmissionID", "ReferencedStudySequence")
    )
    (inner,) = item.ScheduledProcedureStepSequence
    assert (inner.ScheduledProcedureStepStartDate, inner.ScheduledProcedureStepStartTime) == ("20310102", "093000")
    assert (inner.ScheduledStationAETitle, inner.Modality, inner.ScheduledStationName) == ("EM_CT", "CT", "EMCT")
    assert (inner.ScheduledProcedureStepID, inner.ScheduledProcedureStepLocation) == (booked.step_id, "CT 1")
    assert str(inner.ScheduledPerformingPhysicianName) == "Roy^Paul"
    assert "ScheduledProcedureStepEndDate" not in inner


def test_each_key_chooses(door: Door, place: Room) -> None:
    other = room(door.emergency, station("EM_DX", door.emergency), modalities=["DX"])
    first = step(place, at(2, 9), of=patient("Durand^Hélène", "MRN1"), performing_physician_name="Roy^Paul")
    step(place, at(3, 14), of=patient("Dupont^Jean", "MRN2"), status=ScheduledStep.Status.ARRIVED)
    step(other, at(2, 11), of=patient("Łukasz^Anna", "MRN3"), modality="DX", asked={"priority": Priority.STAT})
    step(other, at(4, 8), modality="DX", asked={"typed_name": "Typé^Élodie", "typed_patient_id": "T4"})
    everyone = ["Durand^Hélène", "Łukasz^Anna", "Dupont^Jean", "Typé^Élodie"]
    assert names(door) == everyone
    assert names(door, step={"ScheduledProcedureStepStartDate": "20310102"}) == everyone[:2]
    assert names(door, step={"ScheduledProcedureStepStartDate": "20310103-"}) == everyone[2:]
    assert names(door, step={"ScheduledProcedureStepStartTime": "1000-1500"}) == ["Łukasz^Anna", "Dupont^Jean"]
    # One span from the first time of the first day to the last time of the last (PS3.4 table K.6-1).
    span = {"ScheduledProcedureStepStartDate": "20310102-20310103", "ScheduledProcedureStepStartTime": "1000-1000"}
    assert names(door, step=span) == ["Łukasz^Anna"]
    assert names(door, step={"Modality": "DX"}) == ["Łukasz^Anna", "Typé^Élodie"]
    assert names(door, step={"ScheduledStationAETitle": "EM_CT"}) == ["Durand^Hélène", "Dupont^Jean"]
    assert names(door, step={"ScheduledProcedureStepID": first.step_id}) == everyone[:1]
    assert names(door, step={"ScheduledPerformingPhysicianName": "roy*"}) == everyone[:1]
    assert names(door, step={"ScheduledProcedureStepStatus": "ARRIVED"}) == ["Dupont^Jean"]
    assert names(door, PatientName="*helene") == everyone[:1]
    assert names(door, PatientName="DU*") == ["Durand^Hélène", "Dupont^Jean"]
    assert names(door, PatientName="type^elodie") == ["Typé^Élodie"]
    assert names(door, PatientID="T4") == ["Typé^Élodie"]
    assert names(door, PatientID="MRN1", IssuerOfPatientID="ELSEWHERE") == []
    assert names(door, AccessionNumber=first.request.accession_number) == everyone[:1]
    assert names(door, RequestedProcedureID=first.request.requested_procedure_id) == everyone[:1]
    assert names(door, StudyInstanceUID=first.request.study_instance_uid) == everyone[:1]
    assert names(door, RequestedProcedurePriority="STAT") == ["Łukasz^Anna"]


def test_an_offset_from_utc_is_how_times_are_understood_and_told(door: Door, place: Room) -> None:
    step(place, at(2, 0, 30), of=patient("Durand^Hélène"))
    on_day = {"ScheduledProcedureStepStartDate": "20310101"}
    assert names(door, step=on_day) == []
    (item,), _final = ask(door, asked("ISO_IR 192", step=on_day, TimezoneOffsetFromUTC="+0000"))
    assert item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime == "233000"
    assert item.TimezoneOffsetFromUTC == "+0000"


def test_what_is_done_or_given_up_is_on_no_worklist(door: Door, place: Room) -> None:
    status = ScheduledStep.Status
    for day, state in enumerate((status.COMPLETED, status.DISCONTINUED, status.NO_SHOW, status.CANCELLED), 1):
        step(place, at(day), status=state)
    step(place, at(6), asked={"state": ExamRequest.State.CANCELLED})
    step(place, at(7), of=patient("Under^Way"), status=status.STARTED, asked={"state": ExamRequest.State.IN_PROGRESS})
    assert names(door) == ["Under^Way"]


def test_a_station_sees_its_departments_only_and_a_stranger_nothing(door: Door, place: Room) -> None:
    elsewhere = DepartmentFactory.create(code="elsewhere")
    far = room(elsewhere, station("FAR_CT", elsewhere))
    step(place, at(2), of=patient("Near^Anna"))
    hidden = step(far, at(2), of=patient("Far^Anna"))
    assert names(door) == ["Near^Anna"]
    assert names(door, AccessionNumber=hidden.request.accession_number) == []
    # A machine knows its own room, whoever the room belongs to.
    lent = room(elsewhere, place.station)
    step(lent, at(3), of=patient("Lent^Anna"))
    assert names(door) == ["Near^Anna", "Lent^Anna"]
    items, final = ask(door, asked(), title="CT1")
    assert (items, final.Status) == ([], 0x0124)


@pytest.mark.parametrize(
    ("charset", "name", "told", "declared"),
    [
        ("", "Dupont^Jean", "Dupont^Jean", None),
        ("", "Durand^Hélène", "Durand^Hélène", "ISO_IR 100"),
        ("ISO_IR 100", "Nguyễn^Œuvre", "Nguyen^OEuvre", "ISO_IR 100"),
        ("ISO_IR 100", "Yamada^Tarou=山田^太郎", "Yamada^Tarou", "ISO_IR 100"),
        ("ISO_IR 192", "Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^太郎", "ISO_IR 192"),
        ("ISO_IR 144", "Иванов^Пётр", "Иванов^Пётр", "ISO_IR 144"),
        ("ISO_IR 6", "Durand^Hélène", "Durand^Hélène", "ISO_IR 100"),
        ("ISO_IR 100", "山田^太郎", "??^??", "ISO_IR 100"),
    ],
)
def test_names_are_told_in_the_letters_that_were_asked_for(
    door: Door, place: Room, charset: str, name: str, told: str, declared: str | None
) -> None:
    step(place, at(2), of=patient(name))
    (item,), final = ask(door, asked(charset), syntax=ExplicitVRLittleEndian)
    assert final.Status == 0
    assert (str(item.PatientName), item.get("SpecificCharacterSet")) == (told, declared)


def test_hostile_wildcards_are_refused_or_found_quickly(door: Door, place: Room) -> None:
    step(place, at(2), of=patient("Durand^Hélène"))
    assert names(door, PatientName="*" * 60) == ["Durand^Hélène"]
    assert names(door, PatientName="%a_%") == []
    for hostile in ("*a" * 40, "?" * 500, "A" * 60_000):
        items, final = ask(door, asked(PatientName=hostile), syntax=ExplicitVRLittleEndian)
        assert (items, final.Status) == ([], 0xC000)
        assert final.ErrorComment
    items, final = ask(door, asked(step={"ScheduledProcedureStepStartDate": "tomorrow"}))
    assert (items, final.Status) == ([], 0xC000)
    assert "ScheduledProcedureStepStartDate" in final.ErrorComment


def test_too_many_are_told_as_such_after_those_that_were_sent(
    door: Door, place: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worklist, "MOST_STEPS", 3)
    monkeypatch.setattr("imaging.dimse.worklist._FIRST", 2)
    for day in range(1, 6):
        step(place, at(day))
    items, final = ask(door, asked())
    assert (len(items), final.Status) == (3, 0xA700)
    assert "narrow" in final.ErrorComment


def test_a_question_can_be_cancelled(door: Door, place: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imaging.dimse.find_exchange._LOT", 2)
    for day in range(1, 29):
        step(place, at(day))
    association = call(door)
    answers = association.send_c_find(asked(), MODALITY_WORKLIST, msg_id=7)
    next(answers)
    association.send_c_cancel(7, None, MODALITY_WORKLIST)
    rest = list(answers)
    association.release()
    assert rest[-1][0].Status == 0xFE00
    assert len(rest) < 28


def test_an_unknown_key_is_said_to_have_been_left_out(door: Door, place: Room) -> None:
    step(place, at(2))
    association = call(door)
    answers = list(association.send_c_find(asked(InstitutionName="Elsewhere"), MODALITY_WORKLIST))
    association.release()
    assert [status.Status for status, _item in answers] == [0xFF01, 0]


def test_the_same_question_is_on_record_once(door: Door, place: Room) -> None:
    step(place, at(2))
    for _again in range(3):
        names(door, step={"Modality": "CT"})
    (event,) = AuditEvent.objects.filter(action="worklist.asked")
    assert (event.actor_id, event.detail["found"]) == ("EM_CT", 1)
    assert event.detail["keys"] == {"ScheduledProcedureStepSequence.Modality": "CT"}
