"""Each kind of object is drawn as a reader expects it: segments in colour, overlays, shutters, films, pages, posters."""

import copy
import io
from collections.abc import Callable

import numpy as np
import PIL.Image
import pypdfium2
import pytest

from imaging.rendering import selectors, services
from imaging.rendering.models import Rendition
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion
from tests.decoder_pools import DEMO, Pool
from tests.factories import arrivals
from tests.imaging.rendering import drawings

pytestmark = pytest.mark.django_db

Register = Callable[..., list[InstanceVersion]]


def draw(version: InstanceVersion) -> None:
    uid = version.instance.series.study.study_instance_uid
    services.make_thumbnails(uid)
    services.make_previews(uid)


def test_an_overlay_is_white_on_its_image(register: Register, pool: Pool) -> None:
    bits = np.zeros((16, 16), bool)
    bits[:8] = True
    (version,) = register([drawings.with_overlay(bits, origin=(17, 33))])
    draw(version)
    picture = drawings.seen(version)[:, :, 0].astype(int)
    assert picture[18:22, 36:44].min() > 240
    assert abs(picture[40:60, 4:28].mean() - 127) < 6
    assert abs(picture[26:30, 36:44].mean() - 127) < 12


def test_an_overlay_beyond_the_header_limit_is_read_from_the_file(register: Register, pool: Pool) -> None:
    bits = np.ones((800, 800), bool)  # 80,000 bytes: the headers only say where they lie
    pixels = np.zeros((800, 800), "<u2")
    (version,) = register([drawings.with_overlay(bits, Rows=800, Columns=800, PixelData=pixels.tobytes())])
    draw(version)
    assert drawings.seen(version).mean() > 250


def test_an_overlay_in_the_unused_bits_of_the_pixels_is_found(register: Register, pool: Pool) -> None:
    pixels = np.full((64, 64), 1000, "<u2")
    pixels[:32] |= 1 << 12
    made = drawings.grey(PixelData=pixels.tobytes())
    for tag, value in ((0x60000010, 64), (0x60000011, 64), (0x60000100, 16), (0x60000102, 12)):
        made.add_new(tag, "US", value)
    made.add_new(0x60000050, "SS", [1, 1])
    (version,) = register([made])
    draw(version)
    picture = drawings.seen(version)[:, :, 0]
    assert picture[:28].min() > 240
    assert abs(float(picture[36:].mean()) - 127) < 6


@pytest.mark.parametrize(
    ("shutter", "open_at", "closed_at"),
    [
        (
            {
                "ShutterShape": "RECTANGULAR",
                "ShutterLeftVerticalEdge": 17,
                "ShutterRightVerticalEdge": 48,
                "ShutterUpperHorizontalEdge": 17,
                "ShutterLowerHorizontalEdge": 48,
            },
            (32, 32),
            (8, 32),
        ),
        (
            {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [32, 32], "RadiusOfCircularShutter": 16},
            (32, 32),
            (6, 6),
        ),
        (
            {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [4, 4, 4, 60, 60, 4]},
            (12, 12),
            (56, 56),
        ),
    ],
)
def test_a_shutter_hides_what_is_outside(
    register: Register, pool: Pool, shutter: dict[str, object], open_at: tuple[int, int], closed_at: tuple[int, int]
) -> None:
    (version,) = register([drawings.grey(**shutter)])
    draw(version)
    picture = drawings.seen(version)[:, :, 0]
    assert abs(int(picture[open_at]) - 127) < 8
    assert picture[closed_at] < 8


def test_nonsense_shutters_and_overlays_larger_than_the_image_hide_nothing(register: Register, pool: Pool) -> None:
    far = {"ShutterShape": "CIRCULAR", "CenterOfCircularShutter": [9000, 9000], "RadiusOfCircularShutter": 1}
    crossed = {
        "ShutterShape": "RECTANGULAR",
        "ShutterLeftVerticalEdge": 60,
        "ShutterRightVerticalEdge": 2,
        "ShutterUpperHorizontalEdge": 60,
        "ShutterLowerHorizontalEdge": 2,
    }
    wide = np.zeros((500, 500), bool)
    wide[0, 0] = True
    versions = register(
        [
            drawings.grey(**far),
            drawings.grey(**crossed),
            drawings.grey(ShutterShape="POLYGONAL", VerticesOfThePolygonalShutter=[1, 1]),
            drawings.with_overlay(wide, origin=(-400, -400)),
        ]
    )
    for version in versions:
        draw(version)
        assert abs(float(drawings.seen(version).mean()) - 127) < 6


def test_segments_lie_in_their_colours_over_the_image_of_the_study(register: Register, pool: Pool) -> None:
    left, right = np.zeros((64, 64), bool), np.zeros((64, 64), bool)
    left[16:48, 4:28], right[16:48, 36:60] = True, True
    image = drawings.grey()
    base, version = register([image, drawings.segmentation([left, right], of=image)])
    draw(version)
    picture = drawings.seen(version).astype(int)
    assert abs(picture[4:10].mean() - 127) < 6  # the image, where there is no segment
    one, other = picture[30, 16], picture[30, 48]
    assert np.ptp(one) > 40  # coloured
    assert np.ptp(other) > 40
    assert np.abs(one - other).max() > 40  # and told apart
    assert drawings.made(version).shown_with == base.instance.sop_instance_uid


def test_segments_without_their_image_are_coloured_masks_on_black(register: Register, pool: Pool) -> None:
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    (version,) = register([drawings.segmentation([mask], of=None)])
    draw(version)
    picture = drawings.seen(version).astype(int)
    assert picture[2:8].max() < 12
    assert np.ptp(picture[32, 32]) > 60
    assert drawings.made(version).shown_with == ""


def test_segments_never_lie_over_an_image_of_another_study(register: Register, pool: Pool) -> None:
    mask = np.zeros((64, 64), bool)
    image = drawings.grey()
    foreign = drawings.segmentation([mask], of=image, StudyInstanceUID=arrivals.uid())
    _base, version = register([image, foreign])
    draw(version)
    assert drawings.seen(version).max() < 12


def test_a_label_map_has_a_colour_for_each_label(register: Register, pool: Pool) -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[:, :20], labels[:, 44:] = 1, 2
    made = drawings.segmentation(
        [labels],
        of=None,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.66.7",
        SegmentationType="LABELMAP",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=labels.tobytes(),
    )
    second = copy.deepcopy(made.SegmentSequence[0])
    second.SegmentNumber = 2
    made.SegmentSequence.append(second)
    (version,) = register([made])
    draw(version)
    picture = drawings.seen(version).astype(int)
    assert picture[:, 24:40].max() < 30
    assert np.abs(picture[32, 10] - picture[32, 54]).max() > 60


def test_a_liver_of_the_demo_lies_over_its_slice(register: Register, pool: Pool) -> None:
    versions = register(sorted((DEMO / "seg-liver").glob("*.dcm")))
    draw(versions[0])
    (segments,) = [version for version in versions if version.instance.sop_class_uid.endswith(".66.4")]
    picture = drawings.seen(segments).astype(int)
    assert 0.03 < (np.ptp(picture, axis=2) > 30).mean() < 0.6  # an organ in colour
    assert (np.ptp(picture, axis=2) < 12).mean() > 0.3  # over grey anatomy
    assert drawings.made(segments).shown_with


def test_a_film_gets_one_moving_picture_and_slices_get_none(register: Register, pool: Pool) -> None:
    film, slices = register([DEMO / "us-echo-cine/examples_ybr_color.dcm", DEMO / "mr-enhanced/emri_small.dcm"])
    for version in (film, slices):
        uid = version.instance.series.study.study_instance_uid
        services.make_cines(uid)
        services.make_cines(uid)  # again, as a job may be
    row = Rendition.objects.get(kind=Rendition.Kind.CINE)
    assert row.version == film
    content = storage.read(row.stored_object)
    moving = PIL.Image.open(io.BytesIO(content))
    assert 2 <= moving.n_frames <= 24
    assert len(content) <= 600 * 1024
    assert max(moving.size) <= 256
    first = np.array(moving.convert("L")).astype(int)
    moving.seek(moving.n_frames // 2)
    assert np.abs(np.array(moving.convert("L")).astype(int) - first).max() > 20  # it moves
    assert selectors.series_cine(film.instance.series) == row.stored_object


def pdf_of(colour: tuple[int, int, int], pages: int = 1) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        leaf = document.new_page(200, 300)
        image = pypdfium2.PdfImage.new(document)
        bitmap = pypdfium2.PdfBitmap.from_pil(PIL.Image.new("RGB", (20, 30), colour))
        image.set_bitmap(bitmap)
        image.set_matrix(pypdfium2.PdfMatrix().scale(100, 300))
        leaf.insert_obj(image)
        leaf.gen_content()
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_the_first_page_of_a_pdf_is_its_picture(register: Register, pool: Pool) -> None:
    (version,) = register([drawings.encapsulated(pdf_of((200, 30, 30), pages=3), "application/pdf")])
    draw(version)
    picture = drawings.seen(version).astype(int)
    assert picture.shape[0] > picture.shape[1]  # upright, as the page is
    assert np.abs(picture[300, 100] - [200, 30, 30]).max() < 12
    assert picture[300, -100].min() > 245  # paper
    drawn = services.page(version, 3)
    assert drawn is not None
    assert drawn.pages == 3


@pytest.mark.parametrize(
    "document",
    [
        b"%PDF-1.7\n" + b"<<" * 5000,
        b"%PDF-1.7\nstartxref\n0\n%%EOF" + b" " * 400,
        b"MZ" + b"\0" * 500,
        pdf_of((1, 2, 3))[:700],
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Count 99999999>>endobj\ntrailer<</Root 1 0 R>>"
        + b" " * 300,
    ],
)
def test_a_pdf_that_cannot_be_opened_keeps_its_card(document: bytes, register: Register, pool: Pool) -> None:
    (version,) = register([drawings.encapsulated(document, "application/pdf", DocumentTitle="Letter")])
    draw(version)
    assert drawings.made(version).state == Rendition.State.TILE
    assert not selectors.problems_of(version.instance.series.study)


def test_a_video_shows_a_frame_that_is_not_black_with_the_sign_of_a_film(register: Register, pool: Pool) -> None:
    (version,) = register([drawings.video_object(drawings.video_of((30, 60, 220)))])
    draw(version)
    picture = drawings.seen(version).astype(int)
    assert np.abs(picture[8:20, 8:40].mean(axis=(0, 1)) - [30, 60, 220]).max() < 25
    assert drawings.made(version).state == Rendition.State.READY


@pytest.mark.parametrize("cut", [20, 700, 1200])
def test_a_truncated_video_keeps_its_card(cut: int, register: Register, pool: Pool) -> None:
    (version,) = register([drawings.video_object(drawings.video_of((30, 60, 220))[:cut])])
    draw(version)
    assert not selectors.problems_of(version.instance.series.study)
    assert drawings.made(version).stored_object is not None
