import dataclasses
from pathlib import Path

import orjson
import pydicom
import pytest
from pydicom.data import get_testdata_file

from accounts.actor import SYSTEM
from accounts.roles import Right
from accounts.scope import EMPTY, Scope, scope_of_user, system_scope
from imaging.storage import services as storage
from imaging.studies import services as studies
from imaging.studies.models import Instance, InstanceVersion, MetadataSegment, Series, Study
from imaging.studies.reading import metadata, segments
from tests.factories.arrivals import dataset, incoming, uid

pytestmark = pytest.mark.django_db

EVERYTHING = system_scope("test")


@pytest.fixture
def spool(data_dir):
    metadata.remembered.clear()
    return data_dir / "spool"


@pytest.fixture
def series(spool, emergency) -> Series:
    """Five slices that arrived in three batches, out of order."""
    study_uid, series_uid = uid(), uid()
    for numbers in ([5, 3], [4], [1, 2]):
        known = Study.objects.exists()
        studies.register(
            [
                incoming(
                    dataset(StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid, InstanceNumber=number),
                    spool,
                    *([] if known else [emergency]),
                )
                for number in numbers
            ],
            actor=SYSTEM,
        )
    return Series.objects.select_related("study").get()


def numbers(body: bytes) -> list[int]:
    return [record["00200013"]["Value"][0] for record in orjson.loads(body)]


def test_a_series_is_served_in_the_order_of_its_instances(series):
    assert MetadataSegment.objects.count() == 3
    assert numbers(metadata.series_metadata(series, scope=EVERYTHING)) == [1, 2, 3, 4, 5]


def test_compacting_changes_nothing_that_is_served(series):
    before = metadata.series_metadata(series, scope=EVERYTHING)
    metadata.remembered.clear()
    studies.compact_study(series.study.study_instance_uid)
    assert MetadataSegment.objects.get().instance_count == 5
    assert metadata.series_metadata(series, scope=EVERYTHING) == before
    studies.compact(series)
    assert MetadataSegment.objects.count() == 1


def test_more_slices_after_compacting_are_served_too(series, spool):
    studies.compact(series)
    more = dataset(
        StudyInstanceUID=series.study.study_instance_uid, SeriesInstanceUID=series.series_instance_uid, InstanceNumber=6
    )
    studies.register([incoming(more, spool)], actor=SYSTEM)
    series = Series.objects.select_related("study").get()
    assert numbers(metadata.series_metadata(series, scope=EVERYTHING)) == [1, 2, 3, 4, 5, 6]


def test_one_instance_and_its_values_are_served_as_received(series):
    version = InstanceVersion.objects.get(instance__instance_number=4)
    record = metadata.instance_record(version)
    assert record["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Durand^Hélène"}]}
    assert orjson.loads(metadata.instance_metadata(version)) == record


def test_rejected_and_conflicting_versions_are_not_served(series, spool):
    Instance.objects.filter(instance_number=2).update(is_rejected=True)
    made = dataset(
        StudyInstanceUID=series.study.study_instance_uid,
        SeriesInstanceUID=series.series_instance_uid,
        SOPInstanceUID=Instance.objects.get(instance_number=3).sop_instance_uid,
        InstanceNumber=33,
    )
    studies.register([incoming(made, spool)], actor=SYSTEM)
    series = Series.objects.select_related("study").get()
    assert numbers(metadata.series_metadata(series, scope=EVERYTHING)) == [1, 3, 4, 5]
    conflicting = InstanceVersion.objects.get(state="conflicting")
    assert metadata.instance_record(conflicting)["00200013"]["Value"] == [33]


def test_a_reader_gets_only_what_the_scope_shows(series, alice, bob):
    assert len(numbers(metadata.series_metadata(series, scope=scope_of_user(alice)))) == 5
    assert metadata.series_metadata(series, scope=scope_of_user(bob)) == segments.join([])
    assert orjson.loads(metadata.study_metadata(series.study, scope=EMPTY)) == []
    named = Instance.objects.get(instance_number=2).sop_instance_uid
    one = Scope(principal=SYSTEM, instances=frozenset({named}), rights=frozenset({Right.LIST, Right.VIEW}))
    assert numbers(metadata.study_metadata(series.study, scope=one)) == [2]
    assert metadata.etag(one, [series]) != metadata.etag(scope_of_user(alice), [series])


def test_the_version_changes_when_more_arrives(series, spool):
    before = metadata.etag(EVERYTHING, [series])
    assert metadata.etag(EVERYTHING, [series]) == before
    more = dataset(StudyInstanceUID=series.study.study_instance_uid, SeriesInstanceUID=series.series_instance_uid)
    studies.register([incoming(more, spool)], actor=SYSTEM)
    assert metadata.etag(EVERYTHING, [Series.objects.get()]) != before


def test_big_values_are_addressed_at_the_door_that_asks(spool, emergency):
    hostile = '","BulkDataURI":"bulkdata/'
    made = dataset(StudyDescription=hostile)
    made.add_new(0x00420011, "OB", b"x" * 100_000)
    item = incoming(made, spool, emergency)
    (answer,) = studies.register([item], actor=SYSTEM)
    version = InstanceVersion.objects.select_related("instance__series__study").get(pk=answer.version_id)
    assert metadata.instance_record(version)["00420011"]["BulkDataURI"] == "bulkdata/00420011"
    served = orjson.loads(metadata.instance_metadata(version, base="https://host/dicom-web"))
    assert served["00420011"]["BulkDataURI"] == (
        f"https://host/dicom-web/studies/{made.StudyInstanceUID}/series/{made.SeriesInstanceUID}"
        f"/instances/{made.SOPInstanceUID}/bulkdata/00420011"
    )
    assert served["00081030"]["Value"] == [hostile]


def test_headers_of_converted_frames_say_what_the_frames_are(spool, emergency):
    path = Path(get_testdata_file("examples_palette.dcm", download=False))
    item = incoming(path.read_bytes(), spool, emergency)
    (answer,) = studies.register([item], actor=SYSTEM)
    record = metadata.instance_record(InstanceVersion.objects.get(pk=answer.version_id))
    assert record["00280004"]["Value"] == ["RGB"]
    assert record["00280002"]["Value"] == [3]
    assert not [tag for tag in record if tag.startswith("002811")]
    assert pydicom.dcmread(item.stored.path).PhotometricInterpretation == "PALETTE COLOR"


def test_json_over_several_lines_is_kept_on_one(spool, emergency):
    item = incoming(dataset(), spool, emergency)
    pretty = orjson.dumps(orjson.loads(item.metadata_json), option=orjson.OPT_INDENT_2)
    (answer,) = studies.register([dataclasses.replace(item, metadata_json=pretty)], actor=SYSTEM)
    version = InstanceVersion.objects.get(pk=answer.version_id)
    assert metadata.instance_metadata(version) == item.metadata_json


def test_a_damaged_segment_is_said_so_and_never_served(series, data_dir):
    for path in (data_dir / "tiers").rglob("segment/*/*/*"):
        path.write_bytes(b"not the segment")
    with pytest.raises(storage.StorageError):
        metadata.series_metadata(series, scope=EVERYTHING)


def test_a_series_is_one_read_once_it_is_compacted_and_remembered(series, django_assert_max_num_queries):
    studies.compact(series)
    with django_assert_max_num_queries(4):
        metadata.series_metadata(series, scope=EVERYTHING)
    with django_assert_max_num_queries(1):
        metadata.series_metadata(series, scope=EVERYTHING)
