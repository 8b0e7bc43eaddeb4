"""Ready-made pictures: which are made, which stand for a series, what is said of those that cannot be."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.test import override_settings
from pydicom.dataset import Dataset

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from imaging.dicom.errors import DecodeFailed
from imaging.events import services as events
from imaging.events.jobs import Outcome
from imaging.events.models import Event
from imaging.rendering import selectors, services, sources
from imaging.rendering.decoder import Picture, Unavailable
from imaging.rendering.models import Rendition
from imaging.rendering.services import Window
from imaging.storage.models import StoredObject
from imaging.studies.models import Instance, InstanceVersion, Series, Study
from imaging.studies.reading import frames
from tests.decoder_pools import Pool
from tests.factories import arrivals

pytestmark = pytest.mark.django_db

Register = Callable[..., list[InstanceVersion]]
PERSON = Actor(kind="user", id="1", name="Alice")
J2K = "1.2.840.10008.1.2.4.90"


def slices(count: int, **changes: Any) -> list[Dataset]:
    """Slices of one series, each of its own brightness."""
    common = {"StudyInstanceUID": arrivals.uid(), "SeriesInstanceUID": arrivals.uid(), **changes}
    return [
        arrivals.dataset(
            **common,
            InstanceNumber=number,
            WindowCenter=2048,
            WindowWidth=4096,
            PixelData=np.full(64, number * 40, "<u2").tobytes(),
        )
        for number in range(1, count + 1)
    ]


def broken(**changes: Any) -> bytes:
    """An object whose pixels no decoder understands."""
    dataset = arrivals.dataset(**changes)
    from pydicom.encaps import encapsulate

    dataset.PixelData = encapsulate([b"\xff\x4f\xff\x51 this is no image"])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return arrivals.encoded(dataset, J2K)


def test_the_middle_slice_stands_for_its_series_and_study(register: Register, pool: Pool) -> None:
    versions = register(slices(9))
    study = versions[0].instance.series.study

    services.make_thumbnails(study.study_instance_uid)

    middle = selectors.picture(versions[4], Rendition.Kind.THUMBNAIL)
    assert middle is not None
    assert Series.objects.get().thumbnail == middle == Study.objects.get().thumbnail
    assert len(selectors.study_pictures(study)) == 9


def test_the_series_with_most_images_stands_for_the_study_and_no_card_does(register: Register, pool: Pool) -> None:
    study_uid = arrivals.uid()
    few = slices(2, StudyInstanceUID=study_uid, SeriesInstanceUID=arrivals.uid(), SeriesNumber=1)
    many = slices(5, StudyInstanceUID=study_uid, SeriesInstanceUID=arrivals.uid(), SeriesNumber=2)
    report = arrivals.dataset(
        StudyInstanceUID=study_uid,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11",
        Modality="SR",
        SeriesNumber=0,
        PixelData=None,
        Rows=None,
        Columns=None,
    )
    versions = register([report, *few, *many])

    services.make_thumbnails(study_uid)

    assert Study.objects.get().thumbnail == selectors.picture(versions[3 + 2], Rendition.Kind.THUMBNAIL)
    assert Rendition.objects.get(version=versions[0]).state == Rendition.State.TILE


def test_the_first_image_of_a_series_is_shown_before_the_others_are_drawn(register: Register, pool: Pool) -> None:
    versions = register(slices(6))

    services.make_first_thumbnail(versions[0].instance.series.series_instance_uid)

    assert Rendition.objects.count() == 1
    assert Study.objects.get().thumbnail is not None


def test_a_turn_with_slow_pictures_ends_in_time_and_keeps_what_was_drawn(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(*_asked: object) -> Picture:
        time.sleep(0.2)
        return Picture(b"picture", "image/webp", 8, 8)

    versions = register(slices(services._BATCH))
    monkeypatch.setattr(services, "_TURN", 0.3)
    monkeypatch.setattr(sources, "of", lambda _version, **_options: sources.Source(draw, is_card=False))

    outcome = services.make_thumbnails(versions[0].instance.series.study.study_instance_uid)

    assert outcome is Outcome.AGAIN
    assert 0 < Rendition.objects.count() < len(versions)


def test_pictures_are_made_once(register: Register, pool: Pool) -> None:
    (version,) = register(slices(1))
    uid = version.instance.series.study.study_instance_uid
    services.make_thumbnails(uid)
    made_at = Rendition.objects.get().made_at

    services.make_thumbnails(uid)

    assert Rendition.objects.get().made_at == made_at


def test_a_batch_takes_few_queries_however_many_slices(
    register: Register, pool: Pool, django_assert_max_num_queries: Any
) -> None:
    versions = register(slices(60))

    with django_assert_max_num_queries(60):
        services.make_thumbnails(versions[0].instance.series.study.study_instance_uid)

    assert Rendition.objects.filter(state=Rendition.State.READY).count() == 60


def test_small_series_have_previews_of_all_and_large_ones_of_the_middle(register: Register, pool: Pool) -> None:
    study_uid = arrivals.uid()
    few = slices(3, StudyInstanceUID=study_uid, SeriesInstanceUID=arrivals.uid())
    many = slices(13, StudyInstanceUID=study_uid, SeriesInstanceUID=arrivals.uid(), SeriesNumber=2)
    versions = register([*few, *many])

    services.make_previews(study_uid)

    made = {row.version_id for row in Rendition.objects.filter(kind=Rendition.Kind.PREVIEW)}
    assert made == {version.pk for version in [*versions[:3], versions[3 + 6]]}


def test_a_radiograph_has_its_preview_before_its_study_is_complete(register: Register, pool: Pool) -> None:
    study_uid = arrivals.uid()
    views = slices(2, StudyInstanceUID=study_uid, SeriesInstanceUID=arrivals.uid())
    stack = slices(5, StudyInstanceUID=study_uid, SeriesInstanceUID=arrivals.uid(), SeriesNumber=2)
    versions = register([*views, *stack])

    services.make_first_previews(study_uid)

    made = {row.version_id for row in Rendition.objects.filter(kind=Rendition.Kind.PREVIEW)}
    assert made == {version.pk for version in versions[:2]}


def test_any_other_preview_is_drawn_when_it_is_looked_at_and_kept(register: Register, pool: Pool) -> None:
    (version,) = register(slices(1))

    first, second = (services.picture(version, Rendition.Kind.PREVIEW) for _ in range(2))

    assert isinstance(first, Picture)
    assert isinstance(second, StoredObject)


def test_a_picture_that_cannot_be_drawn_is_shown_with_its_reason(register: Register, pool: Pool) -> None:
    good, bad = register([*slices(1), broken()])
    study = bad.instance.series.study

    services.make_thumbnails(study.study_instance_uid)

    (problem,) = selectors.problems_of(study)
    assert problem.code
    assert problem.sop_instance_uid == bad.instance.sop_instance_uid
    assert not selectors.problems_of(good.instance.series.study)


def test_a_person_can_have_it_tried_again(register: Register, pool: Pool) -> None:
    (bad,) = register([broken()])
    study = bad.instance.series.study
    services.make_thumbnails(study.study_instance_uid)
    Event.objects.all().delete()

    services.retry(study, actor=PERSON)

    assert selectors.problems_of(study) == []
    assert {happened.kind for happened in events.take_due()} == {Event.Kind.STUDY_CHANGED, Event.Kind.STUDY_SETTLED}
    assert AuditEvent.objects.filter(action="step.retried", actor_id="1").exists()


def test_a_pool_that_is_down_is_no_failure_of_the_image(register: Register, sockets: Any) -> None:
    (version,) = register(slices(1))

    with override_settings(DECODER_SOCKET=sockets / "nobody.sock"), pytest.raises(Unavailable):
        services.render(version)

    assert Rendition.objects.count() == 0


def test_a_reader_chooses_window_size_and_format(register: Register, pool: Pool) -> None:
    (version,) = register(slices(1))

    dark = services.render(version, window=Window(centre=4000, width=10), box=(4, 0), media_type="image/png")
    bright = services.render(version, window=Window(centre=-100, width=10), media_type="image/png")

    assert (dark.width, dark.height, dark.media_type) == (4, 4, "image/png")
    assert _mean(dark) < 5
    assert _mean(bright) > 250


def _mean(picture: Picture) -> float:
    import io

    import PIL.Image

    return float(np.asarray(PIL.Image.open(io.BytesIO(picture.data))).mean())


def test_a_frame_that_does_not_exist_is_not_there(register: Register, pool: Pool) -> None:
    (version,) = register(slices(1))

    with pytest.raises(frames.NoSuchFrame):
        services.render(version, number=2)


def test_of_a_rejected_instance_nothing_is_told(register: Register, pool: Pool) -> None:
    (version,) = register([broken()])
    study = version.instance.series.study
    services.make_thumbnails(study.study_instance_uid)
    Instance.objects.update(is_rejected=True)

    assert selectors.problems_of(study) == []
    assert not selectors.study_pictures(study)


def test_what_cannot_be_decoded_says_so_to_who_asks(register: Register, pool: Pool) -> None:
    (version,) = register([broken()])

    with pytest.raises(DecodeFailed):
        services.render(version)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"], ids=["big-endian", "deflated"])
def test_frames_that_no_browser_reads_are_converted_and_drawn(register: Register, pool: Pool, syntax: str) -> None:
    (dataset,) = slices(1)
    if syntax.endswith(".2.2"):
        dataset.PixelData = np.full(64, 40, ">u2").tobytes()
        dataset["PixelData"].VR = "OW"
    (version,) = register([arrivals.encoded(dataset, syntax)])
    assert version.needs_rendition

    services.make_thumbnails(version.instance.series.study.study_instance_uid)

    assert Rendition.objects.get().state == Rendition.State.READY
    version.refresh_from_db()
    assert frames.frame(version, 1).data == np.full(64, 40, "<u2").tobytes()


def test_palette_colours_become_rgb_and_are_described_so(register: Register, pool: Pool) -> None:
    (dataset,) = slices(1, PhotometricInterpretation="PALETTE COLOR", BitsAllocated=8, BitsStored=8, HighBit=7)
    dataset.PixelData = bytes([0, 1] * 32)
    for name, values in (("Red", [0, 65535]), ("Green", [0, 0]), ("Blue", [65535, 0])):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [2, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", np.array(values, "<u2").tobytes())
    (version,) = register([dataset])

    services.make_thumbnails(version.instance.series.study.study_instance_uid)

    version.refresh_from_db()
    assert frames.described(version).photometric_interpretation == "RGB"
    assert frames.frame(version, 1).data[:6] == bytes([0, 0, 255, 255, 0, 0])
    assert Rendition.objects.get().state == Rendition.State.READY
