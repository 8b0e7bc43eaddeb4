"""Grey levels on the screen are those of the standard's formulas."""

import time

import numpy as np
import pytest

from imaging.dicom import decode, lookup_table, part10, rendition, windowing
from imaging.dicom.errors import DicomError, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.lookup_table import LookupTable
from tests.imaging.dicom import samples


def description(**changes) -> FrameDescription:
    return FrameDescription(**{"rows": 1, "columns": 5, **changes})


def row(*values, dtype=np.int16) -> np.ndarray:
    return np.array([values], dtype=dtype)


def shown(array, window=None, **changes) -> list[int]:
    return windowing.to_display(array, description(**changes), window)[0].tolist()


def test_linear_is_the_formula_of_the_standard():
    # PS3.3 C.11.2.1.2.1: c = 2048, w = 4096 maps 0..4095 to 0..255.
    assert shown(row(-5, 0, 2048, 4095, 5000), (2048, 4096)) == [0, 0, 128, 255, 255]
    # c = 2048, w = 1: up to 2047 black, above white.
    assert shown(row(2046, 2047, 2048, 2049), (2048, 1)) == [0, 0, 255, 255]


def test_linear_exact_and_sigmoid_differ_from_linear():
    values = row(0, 25, 50, 75, 100)
    exact = windowing.to_display(values, description(window=(50, 100), voi_function="LINEAR_EXACT"))[0].tolist()
    assert exact == [0, 64, 128, 191, 255]
    sigmoid = windowing.to_display(values, description(window=(50, 100), voi_function="SIGMOID"))[0].tolist()
    assert sigmoid == [round(255 / (1 + np.exp(-4 * (x - 50) / 100))) for x in (0, 25, 50, 75, 100)]


def test_rescale_comes_before_the_window():
    air_water_bone = row(0, 1024, 2024, dtype=np.uint16)
    assert shown(air_water_bone, (0, 2000), rescale_intercept=-1024.0, columns=3) == [0, 128, 255]


def test_the_objects_own_window_is_used_and_an_asked_one_wins():
    values = row(0, 50, 100)
    own = description(window=(50, 101))
    assert windowing.to_display(values, own)[0].tolist() == [1, 129, 255]
    assert windowing.to_display(values, own, (1000, 10))[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "changes", [{"photometric_interpretation": "MONOCHROME1"}, {"presentation_lut_shape": "INVERSE"}]
)
def test_inverse_interpretations_are_turned_to_white_is_high(changes):
    assert shown(row(0, 4095), (2048, 4096), **changes) == [255, 0]


def test_padding_is_black_even_when_inverted_and_does_not_widen_the_window():
    values = np.concatenate([np.full(500, -2000), np.linspace(0, 100, 500).astype(int)]).astype(np.int16)[None]
    found = windowing.to_display(
        values, description(photometric_interpretation="MONOCHROME1", padding=(-2000, -2000), pixel_representation=1)
    )
    assert set(found[0, :500].tolist()) == {0}
    assert found[0, 510] > 240
    assert found[0, -1] < 10


def test_without_any_window_almost_all_pixels_are_within():
    values = np.random.default_rng(1).normal(1000, 50, (200, 200)).astype(np.uint16)
    values[0, 0] = 65535
    found = windowing.to_display(values, description(rows=200, columns=200))
    assert 90 < found.mean() < 165
    assert found.std() > 30


def test_captures_of_eight_bits_show_as_they_are():
    values = np.arange(256, dtype=np.uint8)[None]
    found = windowing.to_display(values, description(bits_allocated=8, bits_stored=8, high_bit=7))
    assert np.array_equal(found, values)


def test_a_modality_table_and_a_voi_table_are_applied_in_turn():
    modality = lookup_table.build([4, 0, 16], np.array([0, 10, 20, 30], "<u2").tobytes())
    voi = lookup_table.build([31, 0, 8], np.arange(0, 248, 8, dtype="<u2").tobytes())
    found = shown(row(0, 1, 2, 3, 9, dtype=np.uint16), modality_lut=modality, voi_lut=voi)
    assert found == [0, 80, 160, 240, 240]


def test_tables_clamp_and_signed_first_values_count_from_below():
    table = lookup_table.build([3, 0xFFFF, 16], np.array([7, 8, 9], "<u2").tobytes(), signed=True)
    assert table.first_value == -1
    assert table.apply(row(-5, -1, 0, 1, 8)).tolist() == [[7, 7, 8, 9, 9]]


def test_a_table_of_no_entries_has_65536():
    assert len(lookup_table.build([0, 0, 16], bytes(131072)).entries) == 65536


@pytest.mark.parametrize(("descriptor", "data"), [([10, 0, 16], b"ab"), ([], b""), ([300, 0, 8], bytes(200))])
def test_tables_that_contradict_themselves_are_refused(descriptor, data):
    with pytest.raises(UnsupportedPixels):
        lookup_table.build(descriptor, data)


def test_segmented_palettes_are_expanded():
    words = [0, 2, 10, 20, 1, 4, 100, 2, 1, 0, 0]  # discrete 10 20, ramp to 100 in 4, then the first segment again
    table = lookup_table.build_segmented([8, 0, 16], np.array(words, "<u2").tobytes())
    assert table.entries.tolist() == [10, 20, 40, 60, 80, 100, 10, 20]


def test_an_endless_segmented_palette_stops():
    words = [2, 65535, 0, 0] * 8
    with pytest.raises(UnsupportedPixels):
        lookup_table.build_segmented([256, 0, 16], np.array(words, "<u2").tobytes())


def test_palette_indices_become_colours():
    red = LookupTable(0, 16, np.array([0, 65535], "<u2").tobytes())
    dark = LookupTable(0, 16, np.array([0, 0x1234], "<u2").tobytes())
    found = windowing.to_display(
        row(0, 1, 7, dtype=np.uint8), description(photometric_interpretation="PALETTE COLOR", palette=(red, dark, dark))
    )
    assert found[0].tolist() == [[0, 0, 0], [255, 0x12, 0x12], [255, 0x12, 0x12]]


def test_a_palette_image_without_palette_is_unsupported():
    with pytest.raises(UnsupportedPixels):
        windowing.to_display(row(0), description(photometric_interpretation="PALETTE COLOR"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint32, np.int32])
def test_wide_and_float_values_are_shown(dtype):
    values = np.linspace(0, 5, 100).astype(dtype)[None]
    found = windowing.to_display(values, description(columns=100, bits_allocated=32, bits_stored=32, high_bit=31))
    assert found[0, 0] == 0
    assert found[0, -1] == 255


def test_not_a_number_is_black_and_warns_of_nothing():
    values = np.array([[np.nan, -np.inf, 0, 1, np.inf]], dtype=np.float32)
    found = windowing.to_display(
        values, description(sample_type="float", bits_allocated=32, bits_stored=32, high_bit=31)
    )
    assert found[0].tolist()[:3] == [0, 0, 0]
    assert found[0, -1] == 255
    assert not windowing.to_display(np.full((1, 5), np.nan, np.float32), description(sample_type="float")).any()


@pytest.mark.parametrize("value", [0, 77, -5])
def test_a_flat_image_is_shown_without_error(value):
    assert windowing.to_display(np.full((4, 4), value, np.int16), description(rows=4, columns=4)).shape == (4, 4)


def test_masks_are_black_and_white():
    mask = np.array([[0, 1, 1, 0, 1]], np.uint8)
    assert shown(mask, bits_allocated=1, bits_stored=1, high_bit=0) == [0, 255, 255, 0, 255]


def test_a_large_radiograph_is_windowed_in_a_fraction_of_the_preview_budget():
    image = np.random.default_rng(1).integers(0, 4096, (2500, 2000), dtype=np.uint16)
    what = description(rows=2500, columns=2000, bits_stored=12, window=(2000, 3000))
    windowing.to_display(image, what)
    started = time.process_time()
    windowing.to_display(image, what)
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
def test_every_sample_can_be_shown(path):
    parsed = part10.read_part10(path)
    if not parsed.has_pixels:
        return
    try:
        with path.open("rb") as file:
            try:
                what, frames = rendition.native_frames(parsed, file)
                source = next(frames)
            except UnsupportedPixels:
                source, what = samples.frame_bytes(path)
        found = windowing.to_display(decode.decode_frame(source, what), what)
    except DicomError:
        if path.name in samples.UNDECODABLE:
            return
        raise
    assert found.dtype == np.uint8
    assert found.shape[:2] == (what.rows, what.columns)
    assert found.min() < found.max() or parsed.dataset.Rows <= 16
