"""Every kind of object that the demo hospital has becomes a picture or a card."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest

from imaging.rendering import representatives, selectors, services
from imaging.rendering.models import Rendition
from imaging.studies.models import InstanceVersion, Study
from tests.decoder_pools import DEMO
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

#: One of each series; the folders with many slices are sampled.
FILES = [
    path
    for folder in sorted({path.parent for path in DEMO.rglob("*.dcm")})
    for path in (
        sorted(folder.glob("*.dcm"))[:2] if folder.name in {"ct-head", "mr-brain-sag"} else sorted(folder.glob("*.dcm"))
    )
]
CARDS = {"sr-text", "sr-rdsr", "encapsulated", "ecg"}


def identified(path: Path) -> bytes:
    """The file, with the identifiers that some test patterns lack; their pixels stay as they are."""
    names = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's opinion of the files is not what is tested
        dataset = pydicom.dcmread(path)
        missing = [name for name in names if not dataset.get(name)]
    if not missing:
        return path.read_bytes()
    for name in missing:
        setattr(dataset, name, arrivals.uid())
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_demo_object_has_a_thumbnail_and_a_preview(
    path: Path, register: Callable[..., list[InstanceVersion]], pool: object
) -> None:
    (version,) = register([identified(path)])
    study = version.instance.series.study

    services.make_thumbnails(study.study_instance_uid)
    services.make_previews(study.study_instance_uid)

    assert not selectors.problems_of(study)
    thumbnail = selectors.renditions([version], Rendition.Kind.THUMBNAIL)[version.pk]
    preview = selectors.renditions([version], Rendition.Kind.PREVIEW)[version.pk]
    assert max(thumbnail.width, thumbnail.height) <= 256
    assert max(preview.width, preview.height) <= 1024
    assert (thumbnail.state == Rendition.State.TILE) or path.parent.name not in CARDS
    shown = Study.objects.get(pk=study.pk)
    assert shown.thumbnail_id == thumbnail.stored_object_id
    assert representatives.first_seen(study.study_instance_uid) == [version.pk]
