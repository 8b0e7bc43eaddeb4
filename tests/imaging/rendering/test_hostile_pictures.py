"""What lies about its size, its tables or its kind costs one picture and a bounded time, and the next one is drawn."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from imaging.dicom import display_planes, segmentation, uids
from imaging.dicom.errors import DicomError
from imaging.dicom.frame_description import FrameDescription, LookupTable
from imaging.rendering import selectors, services, sources
from imaging.rendering.decoder import Client, Layer
from imaging.rendering.models import Rendition
from imaging.studies.models import InstanceVersion
from tests.decoder_pools import Pool
from tests.imaging.rendering import drawings

BOX = (256, 256)
EIGHT = {"bits_allocated": 8, "bits_stored": 8, "high_bit": 7}


def test_a_frame_of_gigabytes_is_not_read_into_this_process(
    register: Callable[..., list[InstanceVersion]], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_FRAME", 100)
    (version,) = register([drawings.grey()])
    with pytest.raises(DicomError) as refused:
        services.render(version)
    assert refused.value.code == "frame_too_large"


def sound(client: Client) -> None:
    """The pool still draws."""
    frame = FrameDescription(rows=4, columns=4, **EIGHT)
    assert client.picture(bytes(16), frame, box=BOX).width == 4


def huge(syntax: str, data: bytes) -> tuple[bytes, FrameDescription]:
    return data, FrameDescription(rows=65535, columns=65535, transfer_syntax_uid=syntax, **EIGHT)


@pytest.mark.parametrize(
    "syntax",
    [
        uids.EXPLICIT_VR_LITTLE_ENDIAN,
        uids.JPEG_BASELINE,
        uids.JPEG_LS_LOSSLESS,
        uids.JPEG_2000,
        uids.HTJ2K,
        uids.JPEG_XL,
        uids.RLE_LOSSLESS,
        uids.DEFLATED_IMAGE_FRAME,
    ],
)
def test_a_picture_of_65535_by_65535_is_refused(syntax: str, shared_pool: Pool) -> None:
    client = Client(shared_pool.path)
    with pytest.raises(DicomError):
        client.picture(*huge(syntax, b"\xff\xd8" + os.urandom(500)), box=BOX)
    sound(client)


def test_a_jpeg_xl_stream_larger_than_its_header_is_refused(shared_pool: Pool) -> None:
    stream = bytes(imagecodecs.jpegxl_encode(np.zeros((6000, 6000), np.uint8)))
    small = FrameDescription(rows=16, columns=16, transfer_syntax_uid=uids.JPEG_XL, **EIGHT)
    with pytest.raises(DicomError) as caught:
        Client(shared_pool.path).picture(stream, small, box=BOX)
    assert caught.value.code == "size_mismatch"
    sound(Client(shared_pool.path))


def test_a_deflated_frame_is_inflated_no_further_than_promised(shared_pool: Pool) -> None:
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = squeezer.compress(bytes(300_000_000)) + squeezer.flush()
    small = FrameDescription(rows=16, columns=16, transfer_syntax_uid=uids.DEFLATED_IMAGE_FRAME, **EIGHT)
    assert Client(shared_pool.path).picture(bomb, small, box=BOX).width == 16


def test_palette_indices_out_of_range_take_the_last_colour(shared_pool: Pool) -> None:
    table = LookupTable(0, 8, np.array([0, 50, 100], "<u2").tobytes())
    frame = FrameDescription(
        rows=4, columns=4, photometric_interpretation="PALETTE COLOR", palette=(table, table, table), **EIGHT
    )
    assert Client(shared_pool.path).picture(bytes([255] * 16), frame, box=BOX).width == 4


@pytest.mark.parametrize(
    "planes",
    [
        {"60000010": {"vr": "US", "Value": [65535]}, "60000011": {"vr": "US", "Value": [65535]}},
        {
            "60000010": {"vr": "US", "Value": [4]},
            "60000011": {"vr": "US", "Value": [4]},
            "60003000": {"vr": "OW", "InlineBinary": "%%%"},
        },
        {"60000010": {"vr": "US", "Value": ["x"]}, "60000050": "nonsense", "60003000": None},
        {"00181600": {"vr": "CS", "Value": ["CIRCULAR", None, 7]}, "00181610": {"vr": "IS", "Value": ["a", "b"]}},
        {
            "00181600": {"vr": "CS", "Value": ["POLYGONAL"]},
            "00181620": {"vr": "IS", "Value": [10**9, -(10**9)] * 4000},
        },
        {"00181623": {"vr": "US", "Value": [0x6000]}, "00181622": {"vr": "US", "Value": [-5]}},
    ],
)
def test_planes_of_nonsense_leave_the_picture_as_it_is(planes: dict[str, object]) -> None:
    shown = np.full((16, 16), 90, np.uint8)
    described = FrameDescription(rows=16, columns=16, **EIGHT)
    assert np.array_equal(display_planes.draw(shown, planes, source=bytes(256), description=described), shown)


def test_a_segmentation_of_a_million_frames_is_drawn_from_a_few(shared_pool: Pool) -> None:
    place = {"00209113": {"vr": "SQ", "Value": [{"00200032": {"vr": "DS", "Value": [0, 0, 0]}}]}}
    record = {"52009230": {"vr": "SQ", "Value": [place] * 100_000}, "62000001": {"vr": "CS", "Value": ["BINARY"]}}
    plane = segmentation.plane(record, "1.2.840.10008.5.1.4.1.1.66.4", 50_000)
    assert 1 <= len(plane.frames) <= 16
    assert 50_000 in plane.frames
    beyond = segmentation.plane(record, "1.2.840.10008.5.1.4.1.1.66.4", 1_000_000)
    assert beyond.frames == (1_000_000,) or not beyond.frames


def test_masks_of_floats_are_refused(shared_pool: Pool) -> None:
    frame = FrameDescription(rows=4, columns=4, bits_allocated=32, bits_stored=32, high_bit=31, sample_type="float")
    with pytest.raises(DicomError):
        Client(shared_pool.path).segments(
            [Layer(bytes(64), frame, {1: (1, 2, 3)})], None, box=BOX, aspect=1.0, media_type="image/webp"
        )
    sound(Client(shared_pool.path))


@pytest.mark.parametrize(
    "stream",
    [
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n" * 40,
        b"ffconcat version 1.0\nfile '/etc/passwd'\n" * 40,
        b"\0\0\0\x18ftypmp42" + b"\xff" * 4000,
        b"\0\0\1\xba" + b"\xff" * 4000,
        b"G" + b"\xff" * 187 + b"G" + b"\0" * 4000,
        b"",
    ],
)
def test_a_stream_that_is_no_video_is_refused_and_names_no_file(stream: bytes, shared_pool: Pool) -> None:
    client = Client(shared_pool.path)
    with pytest.raises(DicomError):
        client.poster(stream, box=BOX)
    sound(client)


def endless_pdf() -> bytes:
    """A page that paints itself again and again through nested forms: 8^9 of them."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>"]
    objects.append("<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 500]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>")
    objects.append("<</Length 6>>stream\n/X Do \nendstream")
    for number in range(5, 14):
        body = "/X Do " * 8
        inner = f"/Resources<</XObject<</X {number + 1} 0 R>>>>"
        head = f"<</Type/XObject/Subtype/Form/BBox[0 0 500 500]{inner}/Length {len(body)}>>"
        objects.append(f"{head}stream\n{body}\nendstream")
    body = "0 0 500 500 re f " * 50
    objects.append(f"<</Type/XObject/Subtype/Form/BBox[0 0 500 500]/Length {len(body)}>>stream\n{body}\nendstream")
    out, places = b"%PDF-1.7\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj{text}endobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    return out + f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF".encode()


def test_a_pdf_that_paints_for_ever_costs_one_child(own_pool: Callable[..., Pool]) -> None:
    pool = own_pool("--children", "1", "--wall", "4")
    client = Client(pool.path)
    before = pool.children()
    with pytest.raises(DicomError):
        client.page(endless_pdf(), number=1, size=1024)
    sound(client)
    assert pool.children() != before


def test_a_page_of_an_absurd_size_is_refused(shared_pool: Pool) -> None:
    wide = endless_pdf().replace(b"[0 0 500 500]/Contents", b"[0 0 9e9 9e9]/Contents")
    with pytest.raises(DicomError):
        Client(shared_pool.path).page(wide, number=1, size=1024)
    sound(Client(shared_pool.path))


@pytest.mark.django_db
def test_segments_of_another_size_than_their_image_are_drawn_alone(
    register: Callable[..., list[InstanceVersion]], pool: Pool, tmp_path: Path
) -> None:
    image = drawings.grey()
    _base, version = register([image, drawings.segmentation([np.ones((32, 48), bool)], of=image)])
    services.make_previews(version.instance.series.study.study_instance_uid)
    row = Rendition.objects.get(version=version, kind="preview")
    assert (row.width, row.height, row.shown_with) == (48, 32, "")
    assert not selectors.problems_of(version.instance.series.study)
