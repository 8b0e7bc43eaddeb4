"""What comes later for a corrected study: the same person gets the same correction, anybody else waits in quarantine."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.models import AuditEvent, Department
from imaging.dicom.correctable import CorrectionInvalid
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.registrar import Drained
from imaging.ingest.source import Source
from imaging.studies import services
from imaging.studies.models import Correction, InstanceVersion, Series, Study
from imaging.studies.reading import metadata
from tests.factories import arrivals

pytestmark = pytest.mark.django_db(transaction=True)

RITA = Actor(kind="user", id="7", name="rita")
LOCAL = {"00100020": {"vr": "LO", "Value": ["L-100"]}, "00100010": {"vr": "PN", "Value": ["Durand^Anne"]}}

Sent = Callable[..., Drained]


@pytest.fixture
def sent(send: Any, drain: Any, emergency: Department) -> Sent:
    """Sends data sets as CT1 of emergency and registers them."""
    metadata.remembered.clear()

    def arrive(*made: Dataset) -> Drained:
        for one in made:
            send(one, "CT1", emergency)
        return drain()

    return arrive


def later(first: Dataset, **changes: Any) -> Dataset:
    """Another object of the same series."""
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    return arrivals.dataset(**{**same, **changes})


def numbers() -> list[Any]:
    """The patient IDs that go out."""
    rows = InstanceVersion.objects.select_related("instance__series__study").order_by("pk")
    return [metadata.instance_record(row)["00100020"]["Value"][0] for row in rows]


def test_the_same_person_is_corrected_as_the_others_were(sent: Sent) -> None:
    first = arrivals.dataset()
    sent(first)
    services.correct(Study.objects.get(), LOCAL, reason="Disc of another hospital", actor=RITA)
    assert sent(later(first), later(first)).registered == 2
    assert numbers() == ["L-100"] * 3
    made = Correction.objects.order_by("pk")
    assert [(row.origin, row.reason, row.made_by) for row in made][1:] == [
        ("inherited", "Disc of another hospital", "rita")
    ] * 2
    assert len({row.group for row in made}) == 1
    services.revert(made[0], actor=RITA)
    assert numbers() == ["P1"] * 3
    assert sent(later(first)).registered == 1
    assert numbers() == ["P1"] * 4


@pytest.mark.parametrize(
    "other", [{"PatientID": "P2"}, {"PatientName": "Leroy^Paul"}, {"PatientBirthDate": "19800101"}]
)
def test_anybody_else_waits_for_a_decision(sent: Sent, other: dict[str, str]) -> None:
    first = arrivals.dataset()
    sent(first)
    services.correct(Study.objects.get(), LOCAL, reason="", actor=RITA)
    assert sent(later(first, **other)).quarantined == 1
    assert QuarantinedObject.objects.get().reason == "identity_conflict"


def test_an_object_that_names_the_corrected_person_joins_as_it_is(sent: Sent) -> None:
    first = arrivals.dataset()
    sent(first)
    services.correct(Study.objects.get(), LOCAL, reason="", actor=RITA)
    assert sent(later(first, PatientID="L-100", PatientName="Durand^Anne")).registered == 1
    assert Correction.objects.count() == 1


def test_a_correction_decided_between_plan_and_registration_is_inherited(sent: Sent, monkeypatch: Any) -> None:
    """The registrar judges, waits for the lock that the correction holds, and must not go on as it had planned."""
    first = arrivals.dataset()
    sent(first)
    renamed = {"00100010": {"vr": "PN", "Value": ["Durand^Anne"]}}
    register = services.register
    calls = []

    def corrected_first(batch: Any, *, actor: Actor) -> Any:
        if not calls:
            services.correct(Study.objects.get(), renamed, reason="", actor=RITA)
        calls.append(len(batch))
        return register(batch, actor=actor)

    monkeypatch.setattr(services, "register", corrected_first)
    assert sent(later(first)).registered == 1
    assert calls == [1, 1]
    rows = InstanceVersion.objects.select_related("instance__series__study").order_by("pk")
    names = [metadata.instance_record(row)["00100010"]["Value"][0]["Alphabetic"] for row in rows]
    assert names == ["Durand^Anne", "Durand^Anne"]


def test_a_series_correction_is_inherited_within_the_series_only(sent: Sent) -> None:
    first = arrivals.dataset()
    sent(first)
    wanted = {"0008103E": {"vr": "LO", "Value": ["Coronal"]}}
    services.correct(Series.objects.get(), wanted, reason="", actor=RITA)
    sent(later(first), later(first, SeriesInstanceUID=arrivals.uid()))
    assert Correction.objects.count() == 2
    assert sorted(Series.objects.values_list("description", flat=True)) == ["Axial", "Coronal"]


def test_a_correction_of_one_image_is_inherited_by_none(sent: Sent) -> None:
    first = arrivals.dataset()
    sent(first)
    wanted = {"00200013": {"vr": "IS", "Value": [9]}}
    services.correct(list(InstanceVersion.objects.all()), wanted, reason="", actor=RITA)
    sent(later(first, InstanceNumber=2))
    assert Correction.objects.count() == 1


def test_what_is_known_already_is_a_duplicate_still(sent: Sent) -> None:
    first = arrivals.dataset()
    sent(first)
    services.correct(Study.objects.get(), LOCAL, reason="", actor=RITA)
    assert sent(first).registered == 1
    assert (InstanceVersion.objects.count(), Correction.objects.count()) == (1, 1)


def test_taking_back_never_leaves_two_patients_in_one_study(sent: Sent, send: Any, drain: Any) -> None:
    """An object of somebody else's number that a person let join stays corrected; it can only be withdrawn."""
    first = arrivals.dataset()
    sent(first)
    other = later(first, PatientID="P-typo")
    source = Source(
        door="dimse",
        sender="CT1",
        corrections='{"00100020": {"vr": "LO", "Value": ["P1"]}}',
        correction_origin="quarantine",
        identity_decided=True,
    )
    arrivals.hand_over(arrivals.encoded(other), source)
    assert drain().registered == 1
    assert numbers() == ["P1", "P1"]
    with pytest.raises(CorrectionInvalid) as refused:
        services.revert(Correction.objects.get(), actor=RITA)
    assert refused.value.code == "would_split_study"
    assert numbers() == ["P1", "P1"]
    assert sent(later(first, PatientID="P-typo")).registered == 1
    assert numbers() == ["P1"] * 3


def test_a_stranger_is_not_told_who_the_patient_really_is(
    sent: Sent, send: Any, drain: Any, orthopaedics: Department
) -> None:
    first = arrivals.dataset()
    sent(first)
    services.correct(Study.objects.get(), LOCAL, reason="Mixed up at the console", actor=RITA)
    send(later(first), "CT2", orthopaedics)
    assert drain().quarantined == 1
    waiting = QuarantinedObject.objects.get()
    assert (waiting.reason, waiting.header["patient"]["patient_id"]) == ("joins_another_study", "P1")
    assert "Anne" not in str(waiting.header)
    send(first, "CT2", orthopaedics)
    assert drain().registered == 1, "what is kept already changes nothing"
    assert "L-100" not in str(list(AuditEvent.objects.filter(action="instance.quarantined").values()))
