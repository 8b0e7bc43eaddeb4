"""DICOM JSON is what pydicom writes, faster, and for everything."""

import base64
import json

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian

from imaging.dicom import json_model, part10
from tests.imaging.dicom import samples

#: Files that pydicom itself cannot turn into JSON.
BEYOND_PYDICOM = {"badVR.dcm"}


def comparable(instance: dict) -> dict:
    """Without pixels and character set, padding and empty groups of names."""
    kept = {}
    for tag, element in instance.items():
        if tag in {"7FE00010", "00080005"} or (tag.endswith("0000") and int(tag[3], 16) % 2):
            continue
        values = element.get("Value")
        if values is not None:
            values = [_comparable_value(value, element["vr"]) for value in values]
            values = None if all(value is None for value in values) else values
        kept[tag] = (element["vr"], values or None, element.get("InlineBinary") or None)
    return kept


def _comparable_value(value, vr):
    if vr == "SQ":
        return comparable(value)
    if isinstance(value, dict):
        return {group: text.rstrip() for group, text in value.items() if text.strip()} or None
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if vr in {"UV", "SV"} else value


def write(dataset: Dataset, syntax: str = "1.2.840.10008.1.2.1", **options) -> dict:
    return json.loads(json_model.to_json(samples.parsed(samples.stored(dataset, syntax)), **options))


@pytest.mark.parametrize(
    "path", [path for path in samples.readable_files() if path.name not in BEYOND_PYDICOM], ids=lambda path: path.name
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_sample_is_written_like_pydicom_writes_it(path):
    mine = json.loads(json_model.to_json(part10.read_part10(path), inline_limit=10**8))
    reference = json.loads(json.dumps(samples.by_pydicom(path, stop_before_pixels=True).to_json_dict()))
    left, right = comparable(mine), comparable(reference)
    if "00110010" in left and left["00110010"][0] == "UV":
        right["00110010"] = ("UV", [str(value) for value in right["00110010"][1]], None)
    assert left == right
    assert list(mine) == sorted(mine)


def test_a_pydicom_data_set_gives_the_same():
    path = samples.named("reportsi.dcm")
    assert json_model.to_json(samples.by_pydicom(path)) == json_model.to_json(part10.read_part10(path))


def test_what_badly_written_files_hold_is_still_json():
    assert json.loads(json_model.to_json(part10.read_part10(samples.named("badVR.dcm"))))


@pytest.mark.parametrize(
    ("tag", "vr", "value", "expected"),
    [
        (0x00281050, "DS", b"40\\abc\\\\1e3", [40, "abc", None, 1000.0]),
        (0x00281050, "DS", b"NaN\\inf\\1_0", ["NaN", "inf", "1_0"]),
        (0x00200013, "IS", b"12 ", [12]),
        (0x00200013, "IS", b"9" * 40, ["9" * 40]),
        (0x00200013, "IS", b"4.0", [4]),
        (0x00189328, "FD", np.array([1.5, np.nan, np.inf]).tobytes(), [1.5, None, None]),
        (0x00080060, "CS", b"CT\\\\MR", ["CT", None, "MR"]),
        (0x00080018, "UI", b"1.2.3\0", ["1.2.3"]),
        (0x00280009, "AT", b"\x18\x00\x63\x10", ["00181063"]),
        (0x00104000, "LT", b"a\\b ", ["a\\b"]),
        (0x00100010, "PN", b"A^B==C", [{"Alphabetic": "A^B", "Phonetic": "C"}]),
        (0x00080060, "CS", b"  ", None),
        (0x00081190, "UR", b"http://x/\\y", ["http://x/\\y"]),
    ],
)
def test_odd_values_have_a_form(tag, vr, value, expected):
    content = samples.raw_file(samples.element(tag, vr, value))
    written = json.loads(json_model.to_json(samples.parsed(content)))[f"{tag:08X}"]
    assert written.get("Value") == expected
    assert written["vr"] == vr


def test_a_length_that_does_not_fit_the_vr_gives_bytes():
    written = json.loads(
        json_model.to_json(samples.parsed(samples.raw_file(samples.element(0x00280010, "US", b"abc"))))
    )
    assert written["00280010"] == {"vr": "UN", "InlineBinary": base64.b64encode(b"abc").decode()}


def test_big_binaries_get_an_address_or_stay_away():
    dataset = samples.ct_image()
    dataset.EncapsulatedDocument = b"%PDF" * 500_000
    inner = Dataset()
    inner.WaveformData, inner.WaveformBitsAllocated = b"ab" * 50_000, 16
    inner["WaveformData"].VR = "OW"
    dataset.WaveformSequence = [Dataset(), inner]
    addressed = write(dataset, bulk_uri=lambda path: f"bulkdata/{path}")
    assert addressed["00420011"] == {"vr": "OB", "BulkDataURI": "bulkdata/00420011"}
    assert addressed["54000100"]["Value"][1]["54001010"]["BulkDataURI"] == "bulkdata/54000100/1/54001010"
    assert write(dataset)["00420011"] == {"vr": "OB"}


def test_palettes_are_always_inline():
    written = json.loads(
        json_model.to_json(part10.read_part10(samples.named("examples_palette.dcm")), bulk_uri=str, inline_limit=10)
    )
    assert len(base64.b64decode(written["00281201"]["InlineBinary"])) >= 256


def test_binaries_of_big_endian_files_are_little_endian():
    dataset = samples.ct_image()
    dataset.add_new(0x00281201, "OW", b"\x12\x34\x56\x78")  # pydicom writes the bytes of OW as they are
    written = write(dataset, ExplicitVRBigEndian)
    assert base64.b64decode(written["00281201"]["InlineBinary"]) == b"\x34\x12\x78\x56"


def test_private_elements_keep_their_creator_and_pixels_go():
    dataset = samples.ct_image()
    dataset.private_block(0x0099, "ACME 1", create=True).add_new(0x01, "LO", "secret sauce")
    written = write(dataset)
    assert written["00990010"]["Value"] == ["ACME 1"]
    assert written["00991001"]["Value"] == ["secret sauce"]
    assert "7FE00010" not in written


def test_texts_of_any_character_set_are_unicode_and_say_so():
    written = json.loads(json_model.to_json(part10.read_part10(samples.named("chrH32.dcm"))))
    assert written["00080005"]["Value"] == ["ISO_IR 192"]
    assert written["00100010"]["Value"][0]["Ideographic"] == "山田^太郎"
