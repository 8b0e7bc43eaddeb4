"""Two records of one person: merged, followed by what comes later, and parted again."""

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts.actor import SYSTEM, Actor
from accounts.models import AuditEvent, Department
from imaging.dicom.correctable import CorrectionInvalid
from imaging.studies import oppositions, services
from imaging.studies.models import Correction, Grant, Patient, PatientChoice, PatientMerge, Placement, Protection, Study
from imaging.studies.reading import metadata
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

RITA = Actor(kind="user", id="7", name="rita")


@pytest.fixture
def arrive(data_dir: Path, emergency: Department) -> Any:
    """Registers new studies of the patient of a number, and gives that patient."""
    metadata.remembered.clear()

    def registered(number: str, *, studies: int = 1, **changes: Any) -> Patient:
        named = {"PatientID": number, "PatientName": f"Name^{number}", **changes}
        made: list[Dataset] = [arrivals.dataset(**named) for _count in range(studies)]
        services.register([arrivals.incoming(one, data_dir / "spool", emergency) for one in made], actor=SYSTEM)
        return Patient.objects.get(patient_id=number)

    return registered


def owners() -> list[str]:
    return list(Study.objects.order_by("pk").values_list("patient__patient_id", flat=True))


def test_everything_of_one_is_the_others_until_they_are_parted(arrive: Any) -> None:
    one, two = arrive("A1", studies=2), arrive("B1")
    link = services.merge_patients(one, two, reason="Registered twice", actor=RITA)
    assert owners() == ["B1", "B1", "B1"]
    assert set(Placement.objects.values_list("patient_id", "name_norm")) == {("B1", "name b1")}
    assert Patient.objects.filter(patient_id="A1").exists()
    assert services.part_patients(link, actor=RITA) is True
    assert services.part_patients(link, actor=RITA) is False
    assert owners() == ["A1", "A1", "B1"]
    assert set(Placement.objects.values_list("patient_id", "name_norm")) == {("A1", "name a1"), ("B1", "name b1")}
    told = AuditEvent.objects.filter(action="patients.merged")
    assert sorted(told.values_list("patient_id", "detail__reverted")) == [
        ("A1", False),
        ("A1", True),
        ("B1", False),
        ("B1", True),
    ]


def test_what_comes_later_goes_where_the_merge_says(arrive: Any) -> None:
    one, two, three = arrive("A1"), arrive("B1"), arrive("C1")
    link = services.merge_patients(one, two, reason="", actor=RITA)
    arrive("A1")
    uid = Study.objects.latest("pk").study_instance_uid
    services.follow_merge(uid)
    assert owners() == ["B1", "B1", "C1", "B1"]
    services.merge_patients(two, three, reason="", actor=RITA)
    assert owners() == ["C1"] * 4
    arrive("A1")
    services.follow_merge(Study.objects.latest("pk").study_instance_uid)
    assert owners() == ["C1"] * 5
    with pytest.raises(services.MergedAlready):
        services.part_patients(link, actor=RITA)
    services.part_patients(PatientMerge.objects.get(merged=two), actor=RITA)
    services.part_patients(link, actor=RITA)
    assert owners() == ["A1", "B1", "C1", "A1", "A1"]


def test_no_chain_bites_its_tail(arrive: Any) -> None:
    one, two, three = arrive("A1"), arrive("B1"), arrive("C1")
    services.merge_patients(one, two, reason="", actor=RITA)
    for merged, into in ((one, three), (two, one), (three, one)):
        with pytest.raises(services.MergedAlready):
            services.merge_patients(merged, into, reason="", actor=RITA)
    with pytest.raises(services.NotMergeable):
        services.merge_patients(three, three, reason="", actor=RITA)
    services.merge_patients(two, three, reason="", actor=RITA)
    with pytest.raises(services.MergedAlready):
        services.merge_patients(three, one, reason="", actor=RITA)


def test_labels_grants_and_choices_go_along_and_come_back(arrive: Any, orthopaedics: Department) -> None:
    one, two = arrive("A1"), arrive("B1")
    services.protect(one, "vip", reason="well known", actor=SYSTEM)
    services.protect(one, "staff", reason="works here", actor=SYSTEM)
    services.protect(two, "staff", reason="works here", actor=SYSTEM)
    granted = services.grant(
        one,
        holder=orthopaedics,
        gives=Grant.Gives.VIEW,
        basis=Grant.Basis.HAND,
        actor=SYSTEM,
        until=None,
    )
    said: dict[str, Any] = {"said_by": "patient", "said_on": "2026-01-02", "evidence": "letter", "actor": RITA}
    oppositions.record_choice(one, use="research", answer="opposed", **said)
    oppositions.record_choice(two, use="research", answer="agreed", **said)
    oppositions.record_choice(one, use="teaching", answer="agreed", **said)
    oppositions.record_choice(two, use="teaching", answer="opposed", **said)

    link = services.merge_patients(one, two, reason="", actor=RITA)
    assert set(Study.objects.values_list("sensitivity", flat=True)) == {"vip"}
    assert Placement.objects.live().filter(department=orthopaedics).count() == 2
    assert oppositions.is_opposed(two, PatientChoice.Use.RESEARCH)
    assert oppositions.is_opposed(two, PatientChoice.Use.TEACHING)

    services.part_patients(link, actor=RITA)
    live = Protection.objects.live()
    assert sorted(live.filter(patient=one).values_list("label", flat=True)) == ["staff", "vip"]
    assert list(live.filter(patient=two).values_list("label", flat=True)) == ["staff"]
    granted.refresh_from_db()
    assert granted.patient == one
    assert Placement.objects.live().filter(department=orthopaedics).count() == 1
    assert oppositions.is_opposed(one, PatientChoice.Use.RESEARCH)
    assert not oppositions.is_opposed(two, PatientChoice.Use.RESEARCH)
    held = PatientChoice.objects.in_force().filter(patient=two)
    assert sorted(held.values_list("use", "answer")) == [("research", "agreed"), ("teaching", "opposed")]


def test_a_label_of_the_merged_patient_is_not_left_on_the_others_studies(arrive: Any) -> None:
    one, two = arrive("A1"), arrive("B1")
    services.protect(one, "vip", reason="well known", actor=SYSTEM)
    link = services.merge_patients(one, two, reason="", actor=RITA)
    services.part_patients(link, actor=RITA)
    assert dict(Study.objects.values_list("patient__patient_id", "sensitivity")) == {"A1": "vip", "B1": ""}


def test_a_correction_that_belongs_to_a_merge_is_not_taken_back_by_itself(arrive: Any) -> None:
    one, two = arrive("A1"), arrive("B1")
    services.merge_patients(one, two, reason="", actor=RITA)
    with pytest.raises(CorrectionInvalid) as refused:
        services.revert(Correction.objects.get(), actor=RITA)
    assert refused.value.code == "part_of_merge"
    assert owners() == ["B1", "B1"]
