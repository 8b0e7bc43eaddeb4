"""Words burned into pixels are found and blanked, in real objects and in those into which a name was burned."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import PIL.Image
import pydicom
import pytest
from PIL import ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGLSLossless, RLELossless

from imaging.dicom import blanked_file, decode, part10, rendition, windowing
from imaging.dicom.blanking import Area
from imaging.dicom.errors import DicomError
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.limits import DEFAULT_LIMITS
from imaging.rendering.burned_in import services as burned_in
from tests.decoder_pools import DEMO, Pool

NAME = "DUPONT MARIE"
CT = DEMO / "ct-head" / "07.dcm"
HAND = DEMO / "radiographs" / "hand-pa" / "hand-right.dcm"
LYMPH_NODE = DEMO / "us-lymph-node" / "examples_rgb_color.dcm"
ECHO = DEMO / "us-echo-cine" / "examples_ybr_color.dcm"
PALETTE = DEMO / "us-palette" / "examples_palette.dcm"
BIG_ENDIAN = DEMO / "transfer-syntaxes" / "ExplVR_BigEnd.dcm"
DEFLATED = DEMO / "transfer-syntaxes" / "image_dfl.dcm"

pytestmark = [pytest.mark.usefixtures("pool", "data_dir")]


@contextmanager
def opened(source: Path | bytes) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(source.read_bytes() if isinstance(source, Path) else source)
        file.flush()
        yield file


def frames_of(file: BinaryIO) -> list[np.ndarray[Any, Any]]:
    """Decoded values of each frame."""
    file.seek(0)
    parsed = part10.read_part10(file)
    described = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid, pixel_vr=parsed.pixel_vr)
    stored = rendition.stored_frames(parsed, file, described, DEFAULT_LIMITS)
    return [decode.decode_frame(frame, described) for frame in stored]


def native(path: Path) -> Dataset:
    """A demo object with native frames; of a large one its left upper part."""
    with path.open("rb") as file, io.BytesIO() as out:
        blanked_file.write(file, out, [], most=1 << 30)
        out.seek(0)
        dataset = pydicom.dcmread(out)
    if dataset.Rows > 1000:
        dataset.PixelData = dataset.pixel_array[:500, :700].tobytes()
        dataset.Rows, dataset.Columns = 500, 700
    return dataset


def encoded(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def with_name(path: Path, *, size: int, value: int, text: str = NAME) -> Dataset:
    """A grey object into which a name is burned with a stored value."""
    dataset = native(path)
    mask = PIL.Image.new("1", (dataset.Columns, dataset.Rows))
    place = dataset.Columns // 20, dataset.Rows // 20
    ImageDraw.Draw(mask).text(place, text, font=ImageFont.load_default(size), fill=1)
    pixels = dataset.pixel_array.copy()
    pixels[np.asarray(mask)] = value
    dataset.PixelData = pixels.tobytes()
    return dataset


def read(regions: "list[burned_in.Region] | tuple[burned_in.Region, ...]") -> str:
    return " ".join(region.text for region in regions)


@pytest.mark.parametrize("size", [12, 20, 36])
@pytest.mark.parametrize(("path", "value"), [(CT, 2000), (CT, 300), (HAND, 4095), (HAND, 1200)])
def test_a_burned_name_is_found_and_cleaned(path: Path, value: int, size: int) -> None:
    with opened(encoded(with_name(path, size=size, value=value))) as file:
        assert "DUPONT" in read(burned_in.detect(file))
        with burned_in.cleaned(file) as copy:
            assert "DUPONT" in read(copy.blanked)
            assert copy.left == ()
            assert not burned_in.is_text_left(copy.file)


@pytest.mark.parametrize(
    ("path", "words"),
    [(LYMPH_NODE, ["BAPTIST", "LYMPH", "NODE"]), (PALETTE, ["5/25/2011", "11-05-25-142825"]), (ECHO, ["Sector"])],
)
def test_the_words_on_an_ultrasound_go(path: Path, words: list[str]) -> None:
    with opened(path) as file:
        found = read(burned_in.detect(file))
        assert all(word in found for word in words)
        with burned_in.cleaned(file) as copy:
            left = read(burned_in.detect(copy.file))
            assert not any(word in left for word in words)
            assert left == read(copy.left)


def test_an_image_without_words_stays_as_it_is() -> None:
    with opened(CT) as file:
        assert burned_in.detect(file) == []
        with burned_in.cleaned(file) as copy:
            assert copy.blanked == ()
            assert np.array_equal(frames_of(copy.file)[0], frames_of(file)[0])


@pytest.mark.parametrize(
    "path", [CT, HAND, LYMPH_NODE, ECHO, PALETTE, BIG_ENDIAN, DEFLATED], ids=lambda path: path.stem
)
def test_outside_the_areas_no_value_changes(path: Path) -> None:
    area = Area(left=8, top=10, width=30, height=12)
    with opened(path) as file, burned_in.blanked(file, [area], outside_regions=False) as copy:
        before, after = frames_of(file), frames_of(copy)
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            inside = np.zeros(old.shape[:2], bool)
            inside[10:22, 8:38] = True
            assert np.array_equal(old[~inside], new[~inside])
            assert len(np.unique(new[inside].reshape(30 * 12, -1), axis=0)) == 1


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_a_compressed_object_comes_out_native_and_readable_by_others(syntax: str) -> None:
    dataset = with_name(CT, size=20, value=2000)
    before = dataset.pixel_array.copy()
    dataset.compress(syntax)
    dataset.LossyImageCompression = "01"
    with opened(encoded(dataset)) as file, burned_in.blanked(file, [Area(20, 20, 200, 40)]) as copy:
        cleaned = pydicom.dcmread(copy)
        after = cleaned.pixel_array
    assert not cleaned.file_meta.TransferSyntaxUID.is_compressed
    assert cleaned.LossyImageCompression == "01"
    assert np.array_equal(before[60:], after[60:])
    assert after[20:60, 20:220].max() == before.min()


def test_only_the_named_frames_are_blanked() -> None:
    area = Area(0, 0, 320, 240, first=2, last=3)
    with opened(ECHO) as file, burned_in.blanked(file, [area], outside_regions=False) as copy:
        after = frames_of(copy)
    assert [bool(frame.max()) for frame in after[:4]] == [True, False, False, True]


def test_what_lies_outside_the_ultrasound_regions_goes_by_rule() -> None:
    dataset = native(LYMPH_NODE)
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 40, 50
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 280, 200
    dataset.SequenceOfUltrasoundRegions = Sequence([region])
    before = dataset.pixel_array
    with opened(encoded(dataset)) as file, burned_in.blanked(file, []) as copy:
        (after,) = frames_of(copy)
    assert np.array_equal(after[50:201, 40:281], before[50:201, 40:281])
    outside = np.ones(after.shape[:2], bool)
    outside[50:201, 40:281] = False
    assert after[outside].max() == 0


def test_an_overlay_in_the_unused_bits_goes_with_its_area() -> None:
    dataset = native(HAND)
    pixels = dataset.pixel_array.copy()
    pixels[10:20, 10:20] |= 0x8000
    dataset.PixelData = pixels.tobytes()
    with opened(encoded(dataset)) as file, burned_in.blanked(file, [Area(10, 10, 10, 10)]) as copy:
        after = np.frombuffer(pydicom.dcmread(copy).PixelData, "<u2").reshape(pixels.shape)
    assert after[10:20, 10:20].max() < 0x8000
    assert np.array_equal(after[20:], pixels[20:])


def _huge() -> bytes:
    dataset = native(CT)
    dataset.Rows = dataset.Columns = 65000
    return encoded(dataset)


def _short() -> bytes:
    dataset = native(CT)
    dataset.NumberOfFrames = 3
    return encoded(dataset)


def _broken_stream() -> bytes:
    dataset = native(CT)
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xf7" + bytes(200)])
    dataset["PixelData"].is_undefined_length = True
    return encoded(dataset)


@pytest.mark.parametrize("hostile", [_huge, _short, _broken_stream, lambda: b"no DICOM at all" * 20])
def test_hostile_objects_are_refused_and_the_pool_lives_on(hostile: Any, pool: Pool) -> None:
    children = pool.children()
    with opened(hostile()) as file:
        with pytest.raises(DicomError):
            burned_in.detect(file)
        with pytest.raises(DicomError), burned_in.cleaned(file):
            pass
    with opened(LYMPH_NODE) as file:
        assert burned_in.is_text_left(file)
    assert pool.children() == children


def test_a_cleaned_object_shows_as_dark_where_its_words_were() -> None:
    with opened(encoded(with_name(HAND, size=36, value=4095))) as file, burned_in.cleaned(file) as copy:
        copy.file.seek(0)
        parsed = part10.read_part10(copy.file)
        described = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid)
        shown = windowing.to_display(frames_of(copy.file)[0], described)
        word = next(word for word in copy.blanked if "DUPONT" in word.text)
        assert shown[word.y : word.y + word.h, word.x : word.x + word.w].max() == shown.min()
