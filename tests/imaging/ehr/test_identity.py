"""Who a patient is beside the archive's own number: further identifiers, the French INS and its traits (ID-1, FR-1, FR-2, FR-3)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actor import SYSTEM
from accounts.labels import Label
from accounts.models import Department
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.ehr import identity, services
from imaging.ehr.models import Hl7Notice, Hl7Peer, PatientIdentifier, RegisteredPatient
from imaging.ehr.sending import telling
from imaging.orders.models import ExamRequest
from imaging.studies import protecting
from imaging.studies.models import Patient, Protection, Study
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.exam_requests import procedure
from tests.imaging.ehr.conftest import Send, Tell, TellOfPatient
from tests.imaging.ehr.sent import order

pytestmark = pytest.mark.django_db

NIR = "1.2.250.1.213.1.4.8"
INS = f"187031234567856^^^ASIP-SATE-INS-NIR&{NIR}&ISO^INS"


def patient() -> Patient:
    return Patient.objects.get(patient_id="P1")


def numbers() -> list[tuple[str, bool]]:
    known = identity.identity_of(patient())
    return [(number.value, number.is_old) for number in known.numbers] if known else []


def test_numbers_of_other_issuers_are_kept_with_theirs(tell: TellOfPatient) -> None:
    assert "MSA|AA" in tell("77^^^CLINIC&9.8.7&ISO^PI", "88^^^LAB^PI", "V9^^^HOSPITAL^VN")
    rows = PatientIdentifier.objects.values_list("value", "namespace", "universal_id", "type_code")
    assert list(rows) == [("77", "CLINIC", "9.8.7", "PI"), ("88", "LAB", "", "PI")]


def test_another_number_of_the_same_issuer_replaces_the_one_before(tell: TellOfPatient) -> None:
    tell("77^^^CLINIC&9.8.7&ISO^PI")
    tell("78^^^CLINIC&9.8.7&ISO^PI")
    assert numbers() == [("78", False), ("77", True)]
    tell("77^^^CLINIC&9.8.7&ISO^PI", "78^^^CLINIC&9.8.7&ISO^PI")
    assert sorted(numbers()) == [("77", False), ("78", False)]


class TestNationalNumber:
    """FR-1, FR-3."""

    def test_is_kept_with_a_qualified_identity_wherever_vali_stands_and_whatever_its_issuer_is_called(
        self, tell: TellOfPatient
    ) -> None:
        """Pitfall 32 and FR-3: the OID counts."""
        tell(INS, codes="RECD~VALI")
        known = identity.identity_of(patient())
        assert known is not None
        assert known.is_qualified
        (number,) = known.numbers
        assert (number.value, number.issuer, number.oid, number.is_national) == (
            "187031234567856",
            "INS-NIR",
            NIR,
            True,
        )

    @pytest.mark.parametrize("codes", ["", "PROV", "DOUB", "COLP"])
    def test_is_not_taken_without_one(self, tell: TellOfPatient, codes: str) -> None:
        tell(INS, codes=codes)
        assert not PatientIdentifier.objects.exists()

    def test_goes_out_of_use_and_out_of_sight_when_the_identity_is_no_longer_qualified(
        self, tell: TellOfPatient
    ) -> None:
        tell(INS, codes="VALI")
        tell(codes="PROV")
        assert numbers() == []
        assert PatientIdentifier.objects.get().ended_at is not None

    def test_that_changed_is_kept_as_the_one_of_before(self, tell: TellOfPatient) -> None:
        tell(f"9^^^X&{NIR.removesuffix('8')}9&ISO^INS", codes="VALI")
        tell(INS, codes="VALI")
        assert numbers() == [("187031234567856", False), ("9", True)]


def test_the_name_in_use_and_the_place_of_birth_stand_beside_the_legal_identity(tell: TellOfPatient) -> None:
    """FR-2."""
    tell(
        names="Durand^Hélène^Hélène Marie^^^^L~Lefèvre^Hélène^^^^^D",
        place="1 rue A^^Besançon^^25000^FRA^H~^^Lyon^^^FRA^BDL^^69123",
        codes="VALI",
    )
    assert patient().patient_name == "Durand^Hélène^Hélène Marie"
    row = RegisteredPatient.objects.get()
    assert (row.used_name, row.birth_place, row.birth_place_code) == ("Lefèvre^Hélène", "Lyon", "69123")
    tell(names="Durand^Hélène^^^^^L")
    row.refresh_from_db()
    assert (row.used_name, row.birth_place_code) == ("", "69123"), "who says nothing of a place changes none"


@pytest.mark.parametrize("code", ["CACH", "ANOM"])
def test_whom_the_register_hides_is_protected_once(
    code: str, tell: TellOfPatient, arrive: Callable[..., Study], emergency: Department
) -> None:
    """FR-1."""
    study = arrive(PatientID="P1", IssuerOfPatientID="HOSPITAL")
    user = UserFactory.create()
    MembershipFactory.create(user=user, department=emergency, role=Role.CLINICIAN)
    scope = scope_of_user(user)
    assert Study.objects.visible_to(scope).filter(pk=study.pk).exists()
    tell(codes=code)
    assert not Study.objects.visible_to(scope).filter(pk=study.pk).exists()
    label = Protection.objects.get()
    assert (label.label, label.patient) == (Label.PROTECTED, patient())
    assert code in label.reason
    protecting.lift_protection(label, reason="asked by the patient", actor=SYSTEM)
    tell(codes=code)
    assert Study.objects.visible_to(scope).filter(pk=study.pk).exists(), "the person's decision holds"
    tell(codes="VALI")
    tell(codes=f"VALI~{code}")
    assert Protection.objects.live().count() == 1, "hidden anew"


def test_to_an_identity_out_of_use_nothing_new_is_linked(
    tell: TellOfPatient, register: Hl7Peer, emergency: Department
) -> None:
    """FR-1."""
    register.may_order, register.requesting_department = True, emergency
    register.save()
    procedure(code="CT1", department=emergency)
    tell(codes="DESA")
    (answer,) = services.receive(order(), "127.0.0.1")
    assert b"MSA|AE" in answer
    assert b"DESA" in answer
    assert not ExamRequest.objects.exists()
    tell(codes="VALI")
    (answer,) = services.receive(order(), "127.0.0.1")
    assert b"MSA|AA" in answer


def test_a_number_that_was_merged_away_stays_known_as_one_of_before(send: Send) -> None:
    send("A40", pid="P1^^^HOSPITAL^PI", mrg="P2^^^HOSPITAL^PI")
    assert numbers() == [("P2", True)]


def test_a_reader_sees_all_of_it_over_the_images(
    tell: TellOfPatient, arrive: Callable[..., Study], emergency: Department
) -> None:
    study = arrive(PatientID="P1", IssuerOfPatientID="HOSPITAL", PatientName="Durand^Hélène")
    tell(
        INS, "77^^^CLINIC&9.8.7&ISO^PI", codes="VALI",
        names="Durand^Hélène^^^^^L~Lefèvre^Hélène^^^^^D", place="^^Lyon^^^FRA^BDL^^69123",
    )  # fmt: skip
    user = UserFactory.create()
    MembershipFactory.create(user=user, department=emergency, role=Role.CLINICIAN)
    client = Client()
    client.force_login(user)
    address = f"/studies/{study.study_instance_uid}/"
    page = client.get(address).content.decode()
    for words in ("uses the name LEFÈVRE Hélène", "69123 Lyon", "187031234567856", NIR, "CLINIC", "Identity qualified"):
        assert words in page, words
    tell(codes="DPOT")
    page = client.get(address).content.decode()
    assert "Identity in doubt: DPOT" in page
    assert "187031234567856" not in page


def test_other_systems_are_told_all_numbers(
    tell: TellOfPatient, arrive: Callable[..., Study], destination: Tell
) -> None:
    study = arrive(PatientID="P1", IssuerOfPatientID="HOSPITAL", PatientName="Durand^Hélène")
    tell(INS, "77^^^CLINIC^PI", codes="VALI~RECD", names="Durand^Hélène^^^^^L~Lefèvre^Hélène^^^^^D")
    destination(tells_studies=True)
    telling.study_settled(study.study_instance_uid)
    text = bytes(Hl7Notice.objects.get().raw).decode()
    (pid,) = [line.split("|") for line in text.split("\r") if line.startswith("PID")]
    assert pid[3].split("~")[0].startswith("P1^^^HOSPITAL&")
    assert f"187031234567856^^^ASIP-SATE-INS-NIR&{NIR}&ISO^INS" in pid[3].split("~")
    assert "77^^^CLINIC^PI" in pid[3].split("~")
    assert pid[5] == "Durand^Hélène^^^^^L~Lefèvre^Hélène^^^^^D"
    assert pid[32] == "VALI~RECD"


def test_who_has_no_register_has_nothing_more(arrive: Callable[..., Study], emergency: Department) -> None:
    study: Any = arrive(PatientID="P5")
    assert identity.identity_of(study.patient) is None
