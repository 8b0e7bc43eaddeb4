"""Every kind of object that the demo hospital has becomes a picture or a card."""

from collections.abc import Callable
from pathlib import Path

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


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_demo_object_has_a_thumbnail_and_a_preview(
    path: Path, register: Callable[..., list[InstanceVersion]], pool: object
) -> None:
    (version,) = register([arrivals.identified(path)])
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
