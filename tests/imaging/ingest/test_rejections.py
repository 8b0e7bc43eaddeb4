"""Images that were rejected: seen by nobody, kept whole, told to other systems, and heeded when these tell us."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import pydicom
import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.services import IssuedKey
from imaging.dicom import rejection_note, uids
from imaging.dicom.rejection_note import Named
from imaging.dicom.wrapping.facts import PatientFacts, Place, SeriesFacts, StudyFacts
from imaging.ingest.registrar import Drained
from imaging.ingest.repair import notes
from imaging.ingest.source import Source
from imaging.integrity.models import LedgerLeaf
from imaging.studies import services
from imaging.studies.models import Instance, InstanceVersion, Rejection, Study
from imaging.studies.reading import metadata, output
from tests.factories import arrivals
from tests.imaging.dicomweb.stow import Sender

pytestmark = pytest.mark.django_db(transaction=True)

RITA = Actor(kind="user", id="7", name="rita")
Sent = Callable[..., Drained]


@pytest.fixture
def sent(send: Any, drain: Any, emergency: Department) -> Sent:
    """Sends data sets as CT1 of emergency and registers them."""
    metadata.remembered.clear()

    def arrive(*made: Any) -> Drained:
        for one in made:
            send(one, "CT1", emergency)
        return drain()

    return arrive


@pytest.fixture
def exam(sent: Sent) -> tuple[Dataset, Dataset]:
    first = arrivals.dataset()
    second = beside(first)
    sent(first, second)
    return first, second


def beside(first: Dataset, **changes: Any) -> Dataset:
    same = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    return arrivals.dataset(**{**same, "InstanceNumber": 2, **changes})


def study(made: Dataset) -> Study:
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


def seen() -> set[str]:
    rows = Instance.objects.filter(is_rejected=False, series__instance_count__gt=0, study__instance_count__gt=0)
    return set(rows.values_list("sop_instance_uid", flat=True))


def key(made: Dataset) -> int:
    return Instance.objects.get(sop_instance_uid=made.SOPInstanceUID).pk


def rejected(made: Dataset, *parts: Dataset, code: str = "113001") -> Rejection:
    row = study(made)
    return services.reject(
        row, instances=[key(one) for one in parts], code=code, reason="Motion", seen=row.version, actor=RITA
    )


def note(first: Dataset, named: Iterable[Dataset], *, code: str = "113037") -> bytes:
    """A rejection note as another system makes it."""
    place = Place(
        patient=PatientFacts(patient_name="Durand^Hélène", patient_id="P1"),
        study=StudyFacts(study_instance_uid=first.StudyInstanceUID, study_at=None),
        series=SeriesFacts(series_instance_uid=arrivals.uid(), series_number=9, modality="KO"),
        sop_instance_uid=arrivals.uid(),
        instance_number=1,
        made_at=arrivals.NOON,
    )
    out = io.BytesIO()
    objects = [Named(one.SeriesInstanceUID, one.SOPClassUID, one.SOPInstanceUID) for one in named]
    rejection_note.write(out, place, code, objects)
    return out.getvalue()


def test_what_is_rejected_is_hidden_kept_and_shown_again(exam: Any) -> None:
    first, second = exam
    row = rejected(first, second)
    assert seen() == {first.SOPInstanceUID}
    assert study(first).instance_count == 1
    assert LedgerLeaf.objects.filter(kind="rejected").count() == 1
    version = InstanceVersion.objects.get(instance__sop_instance_uid=second.SOPInstanceUID)
    assert b"".join(output.file_of(version).read())
    assert services.take_back_rejection(row, actor=RITA) is True
    assert services.take_back_rejection(row, actor=RITA) is False
    assert seen() == {first.SOPInstanceUID, second.SOPInstanceUID}


def test_the_note_is_written_taken_in_and_hidden_itself(exam: Any) -> None:
    first, second = exam
    row = rejected(first, first, second, code="113038")
    notes.write(str(row.pk))
    notes.write(str(row.pk))
    assert seen() == set()
    row.refresh_from_db()
    (version,) = InstanceVersion.objects.filter(instance__sop_instance_uid=row.note_uid)
    read = pydicom.dcmread(io.BytesIO(b"".join(output.file_of(version).read())))
    assert read.SOPClassUID == uids.KEY_OBJECT_SELECTION
    assert (read.ConceptNameCodeSequence[0].CodeValue, read.PatientID) == ("113038", "P1")
    named = read.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert {one.ReferencedSOPInstanceUID for one in named} == {first.SOPInstanceUID, second.SOPInstanceUID}
    services.take_back_rejection(row, actor=RITA)
    services.heed_notes(first.StudyInstanceUID)
    assert seen() == {first.SOPInstanceUID, second.SOPInstanceUID}


def test_a_note_from_a_peer_rejects_what_it_names_now_and_later(exam: Any, sent: Sent) -> None:
    first, second = exam
    coming = beside(first, InstanceNumber=3)
    assert sent(note(first, [second, coming])).registered == 1
    services.heed_notes(first.StudyInstanceUID)
    assert seen() == {first.SOPInstanceUID}
    row = Rejection.objects.get()
    assert (row.code, row.from_peer, row.unknown, row.made_by) == ("113037", True, [coming.SOPInstanceUID], "CT1")
    sent(coming)
    services.heed_notes(first.StudyInstanceUID)
    row.refresh_from_db()
    assert (seen(), row.unknown, len(row.shown)) == ({first.SOPInstanceUID}, [], 2)
    services.take_back_rejection(row, actor=RITA)
    services.heed_notes(first.StudyInstanceUID)
    assert seen() == {first.SOPInstanceUID, second.SOPInstanceUID, coming.SOPInstanceUID}


def test_a_note_rejects_nothing_in_other_studies_nor_when_a_person_uploads_it(
    exam: Any, sent: Sent, drain: Any, emergency: Department
) -> None:
    first, second = exam
    other = arrivals.dataset(PatientID="P2", PatientName="Leroy^Paul", PatientSex="M")
    sent(other, note(first, [other]))
    services.heed_notes(first.StudyInstanceUID)
    assert other.SOPInstanceUID in seen()
    source = Source(door="upload", sender="eve", actor_kind="user", actor_id="9", department_ids=(emergency.pk,))
    arrivals.hand_over(note(first, [second]), source)
    assert drain().registered == 1
    services.heed_notes(first.StudyInstanceUID)
    assert second.SOPInstanceUID in seen()


def test_a_note_stored_by_stow_is_kept_and_rejects_nothing(
    exam: Any, machine: IssuedKey, alice: User, settings: Any
) -> None:
    settings.SPOOL_RESERVE = lambda _total: 0
    first, second = exam
    person = Client()
    person.force_login(alice)
    senders = (Sender(Client(), {"Authorization": f"Bearer {machine.plaintext}"}), Sender(person, {}))
    for number, sender in enumerate(senders, start=1):
        assert sender.objects(note(first, [second])).status == 200
        services.heed_notes(first.StudyInstanceUID)
        assert second.SOPInstanceUID in seen()
        assert len(seen()) == 2 + number
    assert not Rejection.objects.exists()


def test_an_image_in_conflict_goes_and_comes_back_with_all_its_versions(exam: Any, sent: Sent) -> None:
    first, second = exam
    sent(beside(first, SOPInstanceUID=second.SOPInstanceUID, ImageComments="other"))
    row = rejected(first, second)
    assert (len(row.shown), len(row.beside), seen()) == (1, 1, {first.SOPInstanceUID})
    services.take_back_rejection(row, actor=RITA)
    states = InstanceVersion.objects.filter(instance=key(second)).order_by("pk").values_list("state", flat=True)
    assert list(states) == ["current", "conflicting"]


def test_the_second_of_two_people_is_told(exam: Any) -> None:
    first, second = exam
    version = study(first).version
    rejected(first, second)
    with pytest.raises(services.ChangedMeanwhile):
        services.reject(study(first), instances=[key(first)], code="113001", reason="", seen=version, actor=RITA)
    with pytest.raises(services.NothingToReject):
        rejected(first, second)
