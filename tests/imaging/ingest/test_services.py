"""The one way in: what is taken, and what is refused with its reason."""

import io

import pytest

from imaging.dicom import part10
from imaging.ingest import services
from imaging.ingest.services import Refused
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

CT1 = Source(door="dimse", sender="CT1")


def receive(dataset: bytes, *, sop_class_uid: str, sop_instance_uid: str, syntax: str = "1.2.840.10008.1.2.1") -> None:
    with services.begin(
        source=CT1, sop_class_uid=sop_class_uid, sop_instance_uid=sop_instance_uid, transfer_syntax_uid=syntax
    ) as reception:
        for start in range(0, len(dataset), 100):
            reception.write(dataset[start : start + 100])
        reception.commit()


def dataset_of(content: bytes) -> bytes:
    return content[part10.read_part10(io.BytesIO(content)).dataset_offset :]


def test_an_object_in_chunks_is_stored_bit_for_bit_behind_a_file_meta_group_of_ours(spool: Spool) -> None:
    made = arrivals.dataset()
    sent = dataset_of(arrivals.encoded(made))
    receive(sent, sop_class_uid=made.SOPClassUID, sop_instance_uid=made.SOPInstanceUID)
    [entry] = spool.entries()
    stored = entry.path.read_bytes()
    assert dataset_of(stored) == sent
    meta = part10.read_part10(io.BytesIO(stored)).meta
    assert (meta.media_storage_sop_instance_uid, meta.source_ae_title) == (made.SOPInstanceUID, "CT1")


def test_both_ways_in_agree_about_what_is_the_same_data_set(spool: Spool) -> None:
    made = arrivals.dataset()
    content = arrivals.encoded(made)
    receive(dataset_of(content), sop_class_uid=made.SOPClassUID, sop_instance_uid=made.SOPInstanceUID)
    arrivals.hand_over(content, CT1)
    first, second = spool.entries()
    assert first.dataset_sha256 == second.dataset_sha256
    assert first.file_sha256 != second.file_sha256


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_dicom"),
        (b"PK\x03\x04 this is a zip archive", "not_dicom"),
        (b"<html>" * 100, "not_dicom"),
        (arrivals.encoded(arrivals.dataset())[:400], "truncated"),
    ],
)
def test_what_is_no_object_is_refused_and_not_kept(spool: Spool, content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        arrivals.hand_over(content, CT1)
    assert refusal.value.code == code
    assert not spool.entries()
    assert not list(spool.incoming.iterdir())


@pytest.mark.parametrize("missing", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_an_object_without_its_place_is_refused(spool: Spool, missing: str) -> None:
    with pytest.raises(Refused) as refusal:
        arrivals.hand_over(arrivals.encoded(arrivals.dataset(**{missing: None})), CT1)
    assert refusal.value.code == "missing_identifier"
    assert not spool.entries()


def test_another_object_than_announced_is_refused(spool: Spool) -> None:
    made = arrivals.dataset()
    sent = dataset_of(arrivals.encoded(made))
    with pytest.raises(Refused) as refusal:
        receive(sent, sop_class_uid=made.SOPClassUID, sop_instance_uid="1.2.3")
    assert refusal.value.code == "sop_instance_mismatch"
    assert not spool.entries()
