"""Images that were moved to another study: every way out says so, later ones follow, and taking it back leaves nothing."""

import io
from collections.abc import Callable
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from accounts.actor import SYSTEM, Actor
from accounts.models import Department
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.registrar import Drained
from imaging.studies import services
from imaging.studies.models import Correction, Instance, InstanceVersion, Move, Placement, Protection, Series, Study
from imaging.studies.reading import metadata, output
from imaging.studies.services import Destination
from tests.factories import arrivals

pytestmark = pytest.mark.django_db(transaction=True)

RITA = Actor(kind="user", id="7", name="rita")

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


def study(made: Dataset | str) -> Study:
    uid = made if isinstance(made, str) else made.StudyInstanceUID
    return Study.objects.select_related("patient").get(study_instance_uid=uid)


def series(made: Dataset) -> Series:
    return Series.objects.get(series_instance_uid=made.SeriesInstanceUID)


def instance(made: Dataset) -> Instance:
    return Instance.objects.select_related("study__patient", "series").get(sop_instance_uid=made.SOPInstanceUID)


def out(made: Dataset) -> Dataset:
    """The object as it goes out; its header says the same as its file."""
    rows = InstanceVersion.objects.select_related("stored_object", "instance__series__study")
    version = rows.get(instance__sop_instance_uid=made.SOPInstanceUID, state="current")
    read = pydicom.dcmread(io.BytesIO(b"".join(output.file_of(version).read())))
    record = metadata.instance_record(version)
    assert record["0020000D"]["Value"] == [read.StudyInstanceUID] == [version.instance.study.study_instance_uid]
    assert record["0020000E"]["Value"] == [read.SeriesInstanceUID] == [version.instance.series.series_instance_uid]
    assert record["00100020"]["Value"] == [read.PatientID]
    return read


def counts(made: Dataset | str) -> tuple[int, int, list[str]]:
    row = study(made)
    placed = Placement.objects.get(study=row)
    assert (placed.instance_count, placed.modalities) == (row.instance_count, row.modalities)
    return row.series_count, row.instance_count, row.modalities


def moved(source: Dataset, *parts: Dataset, to: Dataset | None = None, whole: bool = True, **more: Any) -> Study:
    target = study(to) if to is not None else None
    named = (
        {"series": [series(one).pk for one in parts]} if whole else {"instances": [instance(one).pk for one in parts]}
    )
    seen = {row.pk: row.version for row in (study(source), target) if row is not None}
    destination = Destination(study=target, **more)
    return services.move(study(source), **named, to=destination, seen=seen, reason="Wrong exam", actor=RITA)


def everything() -> dict[str, Any]:
    """All that lists and doors read, but for what only ever grows."""
    skipped = {"version", "segment_id", "settled_at", "last_received_at"}
    return {
        model.__name__: [
            {
                field.attname: getattr(row, field.attname)
                for field in model._meta.concrete_fields
                if field.attname not in skipped
            }
            for row in model.objects.order_by("pk")
        ]
        for model in (Study, Series, Instance, InstanceVersion, Placement)
    }


@pytest.fixture
def exam(sent: Sent) -> tuple[Dataset, Dataset, Dataset, Dataset]:
    """A study of two CT slices and an MR one in a second series, and a study of another patient."""
    first = arrivals.dataset()
    second = later(first, InstanceNumber=2)
    other = later(first, SeriesInstanceUID=arrivals.uid(), Modality="MR", SeriesNumber=2)
    stranger = arrivals.dataset(PatientID="P2", PatientName="Leroy^Paul", PatientSex="M", AccessionNumber="A200")
    assert sent(first, second, other, stranger).registered == 4
    return first, second, other, stranger


def test_a_series_moves_to_another_patients_study_and_back(exam: Any) -> None:
    first, _second, other, stranger = exam
    before, digests = everything(), set(InstanceVersion.objects.values_list("stored_object__file_sha256", flat=True))
    moved(first, other, to=stranger)
    read = out(other)
    assert (read.StudyInstanceUID, read.PatientID, str(read.PatientName)) == (
        stranger.StudyInstanceUID,
        "P2",
        "Leroy^Paul",
    )
    assert (read.AccessionNumber, read.SeriesInstanceUID) == ("A200", other.SeriesInstanceUID)
    original = read.OriginalAttributesSequence[0]
    assert original.ReasonForTheAttributeModification == "COERCE"
    assert original.ModifiedAttributesSequence[0].StudyInstanceUID == first.StudyInstanceUID
    assert counts(first) == (1, 2, ["CT"])
    assert counts(stranger) == (2, 2, ["CT", "MR"])
    assert out(first).PatientID == "P1"
    services.take_back_move(Move.objects.get().group, actor=RITA)
    assert out(other).PatientID == "P1"
    assert "OriginalAttributesSequence" not in out(other)
    assert everything() == before
    assert set(InstanceVersion.objects.values_list("stored_object__file_sha256", flat=True)) == digests


def test_a_part_of_a_series_gets_a_series_of_its_own_there(exam: Any) -> None:
    first, second, _other, stranger = exam
    before = everything()
    moved(first, second, to=stranger, whole=False)
    assert counts(first) == (2, 2, ["CT", "MR"])
    assert out(second).SeriesInstanceUID not in {first.SeriesInstanceUID, stranger.SeriesInstanceUID}
    assert out(first).SeriesInstanceUID == first.SeriesInstanceUID
    services.take_back_move(Move.objects.get().group, actor=RITA)
    made = everything()
    empty = [
        row
        for row in made["Series"]
        if row["series_instance_uid"] not in {one["series_instance_uid"] for one in before["Series"]}
    ]
    assert [row["instance_count"] for row in empty] == [0]
    made["Series"] = [row for row in made["Series"] if row not in empty]
    assert made == before
    moved(first, second, to=stranger, whole=False)
    assert Series.objects.filter(study=study(stranger)).count() == 2


def test_a_study_is_split_and_everything_can_go_out_of_it(exam: Any) -> None:
    first, _second, other, _stranger = exam
    new = moved(first, other, accession_number="A101", description="MR knee")
    assert (new.patient.patient_id, new.pk != study(first).pk) == ("P1", True)
    read = out(other)
    assert (read.StudyInstanceUID, read.AccessionNumber) == (new.study_instance_uid, "A101")
    row = study(new.study_instance_uid)
    assert (row.accession_number, row.description, row.modalities) == ("A101", "MR knee", ["MR"])
    last = moved(first, first)
    assert counts(first) == (0, 0, [])
    assert counts(last.study_instance_uid) == (1, 2, ["CT"])
    services.take_back_move(Move.objects.get(to_study=last).group, actor=RITA)
    assert counts(first) == (1, 2, ["CT"])


def test_later_objects_follow_a_whole_series_and_only_that_person(exam: Any, sent: Sent) -> None:
    first, _second, other, stranger = exam
    moved(first, other, to=stranger)
    follower = later(other, Modality="MR", InstanceNumber=2)
    somebody = later(other, Modality="MR", InstanceNumber=3, PatientID="P3", PatientName="Third^Person")
    assert sent(follower).registered == 1
    assert out(follower).PatientID == "P2"
    assert instance(follower).series == series(other)
    assert counts(stranger) == (2, 3, ["CT", "MR"])
    assert sent(somebody).quarantined == 1
    beside = later(first, InstanceNumber=4)
    assert sent(beside).registered == 1
    assert out(beside).PatientID == "P1"
    services.take_back_move(Move.objects.get().group, actor=RITA)
    assert (out(follower).PatientID, instance(follower).study) == ("P1", study(first))


def test_what_was_moved_is_known_when_it_is_sent_again(exam: Any, sent: Sent) -> None:
    first, second, other, stranger = exam
    moved(first, second, to=stranger, whole=False)
    moved(first, other, to=stranger)
    number = InstanceVersion.objects.count()
    assert sent(second, other).registered == 2
    assert InstanceVersion.objects.count() == number
    again = later(first, SOPInstanceUID=second.SOPInstanceUID, InstanceNumber=2, ImageComments="other bytes")
    assert sent(again).registered == 1
    assert [row.state for row in instance(second).versions.order_by("pk")] == ["current", "conflicting"]
    assert instance(second).study == study(stranger)
    assert not QuarantinedObject.objects.exists()


def test_a_study_moved_as_a_whole_takes_its_later_series_along(exam: Any, sent: Sent) -> None:
    first, _second, other, _stranger = exam
    sibling = arrivals.dataset(AccessionNumber="A300")
    sent(sibling)
    moved(first, first, other, to=sibling)
    new = later(first, SeriesInstanceUID=arrivals.uid(), Modality="US")
    assert sent(new).registered == 1
    assert (instance(new).study, out(new).AccessionNumber) == (study(sibling), "A300")
    services.take_back_move(Move.objects.first().group, actor=RITA)  # type: ignore[union-attr]
    assert (instance(new).study, counts(sibling)) == (study(first), (1, 1, ["CT"]))


def test_moves_are_taken_back_the_latest_first(exam: Any) -> None:
    first, _second, other, stranger = exam
    moved(first, other, to=stranger)
    new = moved(stranger, other)
    one, two = Move.objects.order_by("pk")
    with pytest.raises(services.MovedSince):
        services.take_back_move(one.group, actor=RITA)
    assert instance(other).study == new
    services.take_back_move(two.group, actor=RITA)
    services.take_back_move(one.group, actor=RITA)
    assert services.take_back_move(one.group, actor=RITA) == []
    assert instance(other).study == study(first)


def test_what_was_corrected_since_is_right_on_both_sides_after_taking_back(exam: Any) -> None:
    first, _second, other, stranger = exam
    moved(first, other, to=stranger)
    who = {"00100020": {"vr": "LO", "Value": ["L-9"]}}
    services.correct(study(stranger), who, reason="", actor=RITA)
    services.correct(study(first), {"00100020": {"vr": "LO", "Value": ["L-8"]}}, reason="", actor=RITA)
    assert out(other).PatientID == "L-9"
    services.take_back_move(Move.objects.get().group, actor=RITA)
    assert (out(other).PatientID, out(stranger).PatientID, out(first).PatientID) == ("L-8", "L-9", "L-8")


def test_the_second_of_two_people_is_told_and_nothing_is_lost(exam: Any) -> None:
    first, _second, other, stranger = exam
    seen = {row.pk: row.version for row in (study(first), study(stranger))}
    moved(first, other, to=stranger)
    with pytest.raises(services.ChangedMeanwhile):
        services.move(
            study(first),
            series=[series(first).pk],
            to=Destination(study=study(stranger)),
            seen=seen,
            reason="",
            actor=RITA,
        )
    with pytest.raises(services.NothingToMove):
        moved(first, other, to=stranger)
    assert counts(first) == (1, 2, ["CT"])


def test_what_leaves_a_protected_patient_stays_protected(exam: Any) -> None:
    first, _second, other, stranger = exam
    services.protect(study(first).patient, "vip", reason="well known", actor=SYSTEM)
    moved(first, other, to=stranger)
    assert study(stranger).sensitivity == "vip"
    assert Protection.objects.get(study=study(stranger)).origin == "moved"


def test_a_move_between_plan_and_registration_is_followed(exam: Any, sent: Sent, monkeypatch: Any) -> None:
    first, _second, other, stranger = exam
    register, calls = services.register, []

    def moved_first(batch: Any, *, actor: Actor) -> Any:
        if not calls:
            moved(first, other, to=stranger)
        calls.append(len(batch))
        return register(batch, actor=actor)

    monkeypatch.setattr(services, "register", moved_first)
    follower = later(other, Modality="MR", InstanceNumber=2)
    assert sent(follower).registered == 1
    assert calls == [1, 1]
    assert instance(follower).study == study(stranger)


def test_marks_of_a_move_say_who_and_what_had_been_there(exam: Any) -> None:
    first, _second, other, stranger = exam
    moved(first, other, to=stranger)
    row = Correction.objects.get()
    assert (row.origin, row.made_by, row.reason, row.study) == ("moved", "rita", "Wrong exam", study(stranger))
    assert row.received["0020000D"]["Value"] == [first.StudyInstanceUID]
