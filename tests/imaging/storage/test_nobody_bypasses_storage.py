"""From the door to the picture over a tier where every byte lies reversed: whoever bypasses the package gets nonsense."""

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from accounts.models import Department
from accounts.scope import system_scope
from imaging.ingest import registrar
from imaging.ingest import services as ingest
from imaging.ingest.models import RoutingRule
from imaging.ingest.source import Source
from imaging.rendering import services as rendering
from imaging.rendering.models import Rendition
from imaging.storage import services as storage
from imaging.storage.models import ObjectCopy
from imaging.studies.models import InstanceVersion, Series, Study
from imaging.studies.reading import frames, metadata
from tests.decoder_pools import pool, shared_pool, sockets
from tests.factories import arrivals
from tests.imaging.storage.reversing_tier import disguised

__all__ = ["pool", "shared_pool", "sockets"]

pytestmark = pytest.mark.django_db(transaction=True)

FILES = ["CT_small.dcm", "MR_small_bigendian.dcm", "examples_palette.dcm", "JPEG2000.dcm"]


@pytest.fixture
def tier(data_dir: Path, settings: Any) -> Path:
    """The write tier keeps everything complemented and backwards."""
    location = data_dir / "tiers" / "online"
    backend = {"BACKEND": "tests.imaging.storage.reversing_tier.ReversingTier", "OPTIONS": {"location": location}}
    settings.STORAGES = {**settings.STORAGES, "tier-online": backend}
    settings.SPOOL_RESERVE = lambda _total: 0
    return location


@pytest.mark.filterwarnings("ignore")
def test_from_the_door_to_the_picture_nobody_reads_past_storage(tier: Path, pool: Any, emergency: Department) -> None:
    RoutingRule.objects.create(name="all", owner=emergency)
    sent = {}
    for name in FILES:
        content = Path(get_testdata_file(name, download=False)).read_bytes()
        sent[str(pydicom.dcmread(io.BytesIO(content)).SOPInstanceUID)] = content
        source = Source(door="dimse", sender="CT1", address="127.0.0.1", department_ids=(emergency.pk,))
        arrivals.hand_over(content, source)
    registrar.drain(ingest.spool())
    assert Study.objects.count() >= 1
    for study in Study.objects.all():
        rendering.convert_study(study.study_instance_uid)
        rendering.make_thumbnails(study.study_instance_uid)
    versions = InstanceVersion.objects.select_related("stored_object", "frames_object", "instance__series__study")
    assert versions.count() == len(FILES)
    for version in versions:
        assert storage.read(version.stored_object) == sent[version.instance.sop_instance_uid]
        assert len(frames.frame(version, 1).data) > 0
    for rendition in Rendition.objects.all():
        assert rendition.state == "ready", (rendition.problem_code, rendition.problem_detail)
        assert Image.open(io.BytesIO(storage.read(rendition.stored_object))).format == "WEBP"
    assert Rendition.objects.count() == len(FILES)
    for series in Series.objects.select_related("study"):
        assert b"00080018" in metadata.series_metadata(series, scope=system_scope("test"))
    for copy in ObjectCopy.objects.select_related("stored_object"):
        lying = (tier / copy.location).read_bytes()
        assert disguised(lying) == storage.read(copy.stored_object)
