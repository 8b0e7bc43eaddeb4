"""Orders of another system: placed, told anew, cancelled, followed; before the images and after them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Department
from accounts.roles import Role
from imaging.ehr import services
from imaging.ehr.hl7 import moments
from imaging.ehr.models import Hl7Message, Hl7Peer
from imaging.orders.matching import services as matching
from imaging.orders.models import ExamRequest, Priority, Procedure, StudyLink
from imaging.orders.requesting.notices import tell_new
from imaging.studies.models import Patient, Study
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory
from tests.factories.exam_requests import procedure
from tests.imaging.ehr.conftest import Send
from tests.imaging.ehr.sent import order

pytestmark = pytest.mark.django_db

State = ExamRequest.State
Tell = Callable[..., str]


@pytest.fixture
def exam(register: Hl7Peer, emergency: Department) -> Procedure:
    """An exam of the catalogue, performed by a department of its own."""
    radiology = DepartmentFactory.create(code="rad-dept", name="Radiology", site=emergency.site)
    return procedure(code="CT1", loinc="36643-5", department=radiology)


@pytest.fixture
def tell(register: Hl7Peer, exam: Procedure, emergency: Department) -> Tell:
    """`tell("NW", …)` has an order message taken; the acknowledgement."""
    register.may_order = True
    register.requesting_department = emergency
    register.save()

    def told(*args: Any, **fields: Any) -> str:
        (answer,) = services.receive(order(*args, **fields), "127.0.0.1")
        return answer.decode("latin-1").replace("\r", "\n")

    return told


def the_request() -> ExamRequest:
    return ExamRequest.objects.get()


def test_an_order_becomes_a_request_with_its_numbers(tell: Tell, exam: Procedure, emergency: Department) -> None:
    answer = tell(
        orc="FON1^RIS||||^^^20260105093000^^S|||||1234^Durand^Émilie^^^Dr",
        obr={18: "A77", 19: "RP1", 30: "CART", 31: "R05^Cough^I10"},
        after=("ZDS|1.2.840.99.7^RAD^Application^DICOM",),
    )

    assert "MSA|AA|" in answer
    request = the_request()
    assert (request.state, request.procedure) == (State.REQUESTED, exam)
    assert (request.placer_order_number, request.filler_order_number) == ("PON1", "FON1")
    assert (request.accession_number, request.requested_procedure_id) == ("A77", "RP1")
    assert (request.issuer_of_accession_number, request.study_instance_uid) == ("HOSPITAL", "1.2.840.99.7")
    assert (request.requesting_department, request.performing_department) == (emergency, exam.department)
    assert (request.priority, request.transport) == (Priority.STAT, ExamRequest.Transport.BED)
    assert request.wished_from == datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
    assert (request.clinical_question, request.requester_name) == ("Cough", "Dr Émilie Durand")
    assert request.patient == Patient.objects.get(patient_id="P1")
    assert [step.name for step in request.transitions.order_by("pk")] == ["begin", "send"]


def test_the_newer_message_tells_the_same(tell: Tell) -> None:
    """OMI^O23: one request for each IPC."""
    answer = tell(
        kind="OMI^O23^OMI_O23",
        after=(
            "TQ1|1||||||20260105090000||A",
            "IPC|A1|RP1|1.2.840.99.1|SPS1|CT",
            "IPC|A2|RP2|1.2.840.99.2|SPS2|CT",
        ),
    )
    assert "MSA|AA|" in answer
    found = ExamRequest.objects.order_by("pk").values_list("accession_number", "study_instance_uid", "priority")
    assert list(found) == [("A1", "1.2.840.99.1", Priority.URGENT), ("A2", "1.2.840.99.2", Priority.URGENT)]


def test_procedures_of_one_order_are_told_apart_by_any_number_of_theirs(tell: Tell) -> None:
    two = ("IPC|A1||1.2.840.99.1", "IPC|A2||1.2.840.99.2")
    for _ in range(2):
        assert "MSA|AA|" in tell(kind="OMI^O23", after=two)
    assert set(ExamRequest.objects.values_list("accession_number", flat=True)) == {"A1", "A2"}


def test_an_order_placed_without_numbers_is_known_when_it_comes_with_one(tell: Tell) -> None:
    tell(obr={31: "^Cough"})
    assert "MSA|AA|" in tell("XO", obr={18: "A77", 31: "^Fever"})
    assert the_request().clinical_question == "Fever"


def test_a_coding_of_the_catalogue_does_as_well_as_its_code(tell: Tell, exam: Procedure) -> None:
    tell(obr={4: "XYZ^Thorax^L^36643-5^XR Chest 2 Views^LN"})
    assert the_request().procedure == exam


def test_the_department_that_a_message_names_asks(tell: Tell, orthopaedics: Department) -> None:
    tell(ward="ORTHOPAEDICS")
    assert the_request().requesting_department == orthopaedics


def test_without_numbers_it_gets_ours(tell: Tell) -> None:
    tell()
    request = the_request()
    assert request.accession_number
    assert request.study_instance_uid.startswith(("1.", "2."))


def test_placed_twice_it_is_one_and_told_anew(tell: Tell) -> None:
    tell(obr={18: "A77", 31: "^Cough"})
    assert "MSA|AA|" in tell(obr={18: "A77", 31: "^Cough and fever"})
    request = the_request()
    assert request.clinical_question == "Cough and fever"
    assert request.transitions.filter(name="change").count() == 1


def test_a_change_says_only_what_it_says(tell: Tell) -> None:
    """An absent time does not empty the one that is known."""
    tell(orc="||||^^^20260105093000", obr={31: "^Cough"})
    assert the_request().wished_from is not None
    tell("XO", obr={31: "^Fever"})
    request = the_request()
    assert (request.clinical_question, request.wished_from is not None) == ("Fever", True)


@pytest.mark.parametrize("control", ["CA", "DC", "OC"])
def test_a_cancelled_order_is_cancelled_once(tell: Tell, control: str) -> None:
    tell()
    assert "MSA|AA|" in tell(control)
    assert the_request().state == State.CANCELLED
    assert "MSA|AA|" in tell(control)
    assert "nothing new" in Hl7Message.objects.latest("pk").note


def test_what_has_begun_elsewhere_is_followed(tell: Tell) -> None:
    tell()
    ExamRequest.objects.update(state=State.SCHEDULED)
    assert "MSA|AA|" in tell("SC", orc="||IP")
    assert the_request().state == State.IN_PROGRESS
    assert "MSA|AA|" in tell("SC", orc="||CM")
    assert the_request().state == State.COMPLETED
    assert "ERR||ORC^1^1|206^" in tell("CA"), "images are there"


def test_those_who_vet_hear_of_it(tell: Tell, exam: Procedure) -> None:
    assert exam.department is not None
    vetter = UserFactory.create(username="vera")
    MembershipFactory.create(user=vetter, department=exam.department, role=Role.RADIOLOGIST)
    tell(obr={5: "S"})
    tell_new(str(the_request().key))
    tell("CA")
    tell_new(str(the_request().key))
    assert the_request().told_transition == the_request().transitions.latest("pk").pk


class TestRefused:
    def test_a_system_that_may_not_order(self, tell: Tell, register: Hl7Peer) -> None:
        register.may_order = False
        register.save()
        assert "200^" in tell()

    def test_an_exam_that_the_catalogue_does_not_have(self, tell: Tell) -> None:
        assert "ERR||OBR^1^4|103^" in tell(obr={4: "NOPE^Nothing^L"})
        assert not ExamRequest.objects.exists()

    def test_an_exam_that_nobody_performs(self, tell: Tell, exam: Procedure) -> None:
        exam.department = None
        exam.save()
        assert "ERR||OBR^1^4|103^" in tell()

    def test_a_cancelling_of_what_was_never_placed(self, tell: Tell) -> None:
        assert "ERR||ORC^1^2|204^" in tell("CA")

    def test_a_number_of_another_order(self, tell: Tell) -> None:
        """Pitfall 17."""
        tell(placer="PON1", obr={18: "A77", 19: "RP1"})
        assert "ERR||OBR^1^18|205^" in tell(placer="PON2", obr={18: "A77", 19: "RP1"})
        assert ExamRequest.objects.count() == 1

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"placer": ""}, "ERR||ORC^1^2|101^"),
            ({"obr": {4: ""}}, "ERR||OBR^1^4|101^"),
            ({"obr": {18: "9" * 17}}, "ERR||OBR^1^18|102^"),
            ({"after": ("ZDS|no uid",)}, "|102^"),
            ({"pid": ""}, "ERR||PID^1^3|101^"),
            ({"control": "ZZ"}, "ERR||ORC^1^1|103^"),
            ({"kind": "ORM^O99"}, "|201^"),
        ],
    )
    def test_what_is_wrong_says_where(self, tell: Tell, fields: dict[str, Any], said: str) -> None:
        assert said in tell(**fields)
        assert not ExamRequest.objects.exists()

    def test_a_message_is_done_whole_or_not_at_all(self, tell: Tell) -> None:
        broken = ("ORC|NW|PON2", "OBR|2|PON2||NOPE^Nothing^L")
        assert "103^" in tell(after=broken)
        assert not ExamRequest.objects.exists()


class TestWithImages:
    def test_images_that_were_there_before_find_their_order(
        self, tell: Tell, arrive: Callable[..., Study], exam: Procedure
    ) -> None:
        """Pitfall 15."""
        study = arrive(AccessionNumber="A77", PatientID="P1")
        tell(obr={18: "A77"})
        request = the_request()
        matching.match_late_order(str(request.key))
        link = StudyLink.objects.get(study=study)
        assert link.request == request

    def test_an_order_for_a_merged_number_is_the_remaining_patients(self, tell: Tell, send: Send) -> None:
        send("A40", pid="P1^^^HOSPITAL^MR", mrg="OLD^^^HOSPITAL^MR")
        tell(pid="OLD^^^HOSPITAL^MR")
        request = the_request()
        assert request.patient is not None
        assert request.patient.patient_id == "P1"


class TestMoments:
    """Pitfall 19, HL-12."""

    @pytest.fixture
    def zone(self, register: Hl7Peer) -> Any:
        register.site.time_zone = "Europe/Paris"
        return register.site.zone

    @pytest.mark.parametrize(
        ("text", "utc", "remark"),
        [
            ("20260105093000", "2026-01-05T08:30:00+00:00", ""),
            ("202601050930", "2026-01-05T08:30:00+00:00", ""),
            ("20260105120000", "2026-01-05T11:00:00+00:00", ""),
            ("20260105093000.1234+0300", "2026-01-05T06:30:00+00:00", ""),
            ("20260105", "2026-01-04T23:00:00+00:00", ""),
            ("20261025023000", "2026-10-25T00:30:00+00:00", "repeat"),
            ("20260329023000", "2026-03-29T01:30:00+00:00", "skip"),
        ],
    )
    def test_it_is_the_senders_clock(self, zone: Any, text: str, utc: str, remark: str) -> None:
        found, said = moments.moment(text, zone)
        assert found is not None
        assert found.astimezone(UTC).isoformat() == utc
        assert remark in said

    @pytest.mark.parametrize("text", ["tomorrow", "2026", "20261301", "20260105250000", "20260105093000+9900"])
    def test_what_is_no_moment_is_told_and_loses_no_order(self, tell: Tell, zone: Any, text: str) -> None:
        with pytest.raises(moments.NotAMoment):
            moments.moment(text, zone)
        assert "MSA|AA|" in tell(orc=f"||||^^^{text}")
        assert "could not be read" in Hl7Message.objects.latest("pk").note


@pytest.mark.parametrize("name", ["demo-orm-o01-order", "demo-omi-o23-order"])
def test_the_demos_orders_are_understood(tell: Tell, register: Hl7Peer, exam: Procedure, name: str) -> None:
    site = register.site
    site.issuer_of_patient_id = "DEMO"
    site.save()
    raw = (Path(__file__).resolve().parents[3] / "portal" / "demo" / "data" / "hl7" / f"{name}.hl7").read_bytes()
    (answer,) = services.receive(raw, "127.0.0.1")
    assert b"MSA|AA|" in answer
    request = the_request()
    assert (request.accession_number, request.placer_order_number) == ("exam Number", "PON-1001")
    assert request.requested_procedure_id == "RP-1001"
