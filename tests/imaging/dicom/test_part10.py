"""Part 10 files are read up to their pixels, whatever they contain."""

import hashlib
import io
import time
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from imaging.dicom import part10
from imaging.dicom.errors import DicomError, Malformed, NotDicom, Truncated
from imaging.dicom.limits import Limits
from tests.imaging.dicom import samples

ITEM = b"\xfe\xff\x00\xe0"
UNDEFINED = b"\xff\xff\xff\xff"
ITEM_END = b"\xfe\xff\x0d\xe0\0\0\0\0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
SEQUENCE_HEAD = b"\x40\x00\x30\xa7SQ\0\0"


def nested(depth: int, *, defined: bool) -> bytes:
    """Content sequences inside one another."""
    inner = b""
    for _ in range(depth):
        if defined:
            item = ITEM + len(inner).to_bytes(4, "little") + inner
            inner = SEQUENCE_HEAD + len(item).to_bytes(4, "little") + item
        else:
            inner = SEQUENCE_HEAD + UNDEFINED + ITEM + UNDEFINED + inner + ITEM_END + SEQUENCE_END
    return inner


@pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
def test_every_sample_is_read_like_pydicom_reads_it(path):
    parsed = part10.read_part10(path)
    reference = samples.by_pydicom(path, stop_before_pixels=True)
    assert list(parsed.dataset.keys()) == list(reference.keys())
    assert parsed.transfer_syntax_uid == reference.file_meta.TransferSyntaxUID
    whole = samples.by_pydicom(path)
    assert parsed.has_pixels == ("PixelData" in whole)
    if parsed.has_pixels and parsed.pixel_data_length is not None and not parsed.deflated:
        with path.open("rb") as file:
            file.seek(parsed.pixel_data_offset)
            assert file.read(parsed.pixel_data_length) == whole.PixelData


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, pydicom.uid.ExplicitVRLittleEndian],
)
def test_each_native_encoding_gives_the_same_values(syntax):
    dataset = samples.ct_image()
    item = pydicom.Dataset()
    item.CodeValue = "T-11"
    dataset.ProcedureCodeSequence = [item]
    parsed = samples.parsed(samples.stored(dataset, syntax))
    assert parsed.dataset.PatientName == "Dupont^Marie"
    assert parsed.dataset.Rows == 6
    assert parsed.dataset.ProcedureCodeSequence[0].CodeValue == "T-11"
    assert parsed.pixel_data_length == 96


@pytest.mark.alone
@pytest.mark.parametrize("defined", [True, False])
def test_ten_thousand_nested_sequences_are_malformed_and_quickly_so(defined):
    content = samples.raw_file(nested(10_000, defined=defined))
    started = time.monotonic()
    with pytest.raises(Malformed) as caught:
        samples.parsed(content)
    assert caught.value.code == "too_deep"
    assert time.monotonic() - started < 2


def test_nesting_of_real_reports_is_read():
    assert samples.parsed(samples.raw_file(nested(30, defined=False))).dataset


def test_nesting_hidden_in_an_unknown_vr_is_bounded_too():
    inner = nested(200, defined=True)
    hidden = samples.element(0x0040A730, "UN", inner[12:])
    with pytest.raises(DicomError):
        samples.parsed(samples.raw_file(hidden))


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFE, 5000])
def test_a_length_beyond_the_end_is_truncated(length):
    element = b"\x10\x00\x10\x40UT\0\0" + length.to_bytes(4, "little") + b"short"
    with pytest.raises(Truncated):
        samples.parsed(samples.raw_file(element))


def test_an_item_that_runs_over_its_sequence_is_malformed():
    item = ITEM + (100).to_bytes(4, "little") + samples.element(0x00080100, "SH", b"ABCD")
    content = samples.raw_file(samples.element(0x00081032, "SQ", item) + samples.element(0x00100010, "PN", b"A" * 200))
    with pytest.raises(Malformed):
        samples.parsed(content)


def test_a_header_larger_than_the_limit_is_malformed():
    content = samples.raw_file(b"".join(samples.element(0x00091000 + n, "UN", b"x" * 60_000) for n in range(40)))
    with pytest.raises(Malformed) as caught:
        part10.read_part10(io.BytesIO(content), limits=Limits(header_bytes=1_000_000))
    assert caught.value.code == "header_too_large"


def test_a_big_value_is_left_where_it_lies():
    document = b"%PDF-1.7 " + b"x" * 2_000_001
    dataset = samples.ct_image(PixelData=None)
    dataset.EncapsulatedDocument = document
    content = samples.stored(dataset)
    parsed = samples.parsed(content)
    value = parsed.bulk["00420011"]
    assert content[value.offset : value.offset + value.length].rstrip(b"\0") == document
    assert not parsed.dataset.EncapsulatedDocument


@pytest.mark.alone
def test_a_deflated_bomb_stops_at_the_limit():
    squeezer = zlib.compressobj(9, wbits=-15)
    head = samples.element(0x00080018, "UI", b"1.2\0") + b"\x10\x00\x10\x40UN\0\0\xfe\xff\xff\xff"
    packed = squeezer.compress(head)
    for _ in range(64):
        packed += squeezer.compress(bytes(1 << 20))
    packed += squeezer.flush()
    started = time.monotonic()
    with pytest.raises(Malformed):
        part10.read_part10(
            io.BytesIO(samples.raw_file(packed, DeflatedExplicitVRLittleEndian)), limits=Limits(inflated_bytes=8 << 20)
        )
    assert time.monotonic() - started < 2


def test_a_deflated_data_set_cut_short_is_truncated():
    content = samples.stored(samples.ct_image(), DeflatedExplicitVRLittleEndian)
    with pytest.raises(Truncated):
        samples.parsed(content[:-20])


def test_damaged_deflate_is_malformed():
    with pytest.raises(Malformed):
        samples.parsed(samples.raw_file(b"\xff" * 50, DeflatedExplicitVRLittleEndian))


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 132, b"<html>" * 50, b"\0" * 128 + b"DICOM"])
def test_other_files_are_not_dicom(content):
    with pytest.raises(NotDicom):
        samples.parsed(content)


def test_a_polyglot_preamble_makes_no_difference():
    content = samples.stored(samples.ct_image())
    polyglot = b"MZ<script>alert(1)</script>".ljust(128, b"\x90") + content[128:]
    assert samples.parsed(polyglot).dataset.PatientID == "4711"


def test_a_file_without_transfer_syntax_is_refused():
    with pytest.raises(NotDicom) as caught:
        part10.read_part10(samples.named("meta_missing_tsyntax.dcm"))
    assert caught.value.code == "missing_transfer_syntax"


def test_a_wrong_group_length_is_ignored():
    content = bytearray(samples.stored(samples.ct_image()))
    at = content.index(b"\x02\x00\x00\x00UL")
    content[at + 8 : at + 12] = b"\xff\xff\xff\x7f"
    assert samples.parsed(bytes(content)).dataset.PatientID == "4711"


def test_file_meta_is_what_pydicom_understands_and_bytes_follow_untouched():
    dataset_bytes = samples.stored(samples.ct_image())
    offset = samples.parsed(dataset_bytes).dataset_offset
    meta = part10.write_file_meta(
        sop_class_uid=samples.CT_IMAGE,
        sop_instance_uid=samples.INSTANCE,
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        source_ae_title="CT-SCANNER-1",
    )
    rebuilt = meta + dataset_bytes[offset:]
    read = pydicom.dcmread(io.BytesIO(rebuilt))
    assert read.file_meta.SourceApplicationEntityTitle == "CT-SCANNER-1"
    assert read.file_meta.ImplementationVersionName == part10.IMPLEMENTATION_VERSION_NAME
    assert read.file_meta.FileMetaInformationGroupLength == len(meta) - 144
    assert samples.parsed(rebuilt).meta.media_storage_sop_instance_uid == samples.INSTANCE


def test_the_digest_is_of_the_data_set_and_its_transfer_syntax_only():
    content = samples.stored(samples.ct_image())
    offset = samples.parsed(content).dataset_offset
    digest = part10.DatasetDigest("1.2.840.10008.1.2.1")
    for start in range(offset, len(content), 7):
        digest.update(content[start : start + 7])
    expected = hashlib.sha256(content[offset:] + b"\x001.2.840.10008.1.2.1").hexdigest()
    assert digest.hexdigest() == expected
    assert part10.dataset_digest(io.BytesIO(content[offset:]), "1.2.840.10008.1.2.1") == expected
    assert digest.hexdigest("1.2.840.10008.1.2") != expected


def test_pixels_are_not_read(tmp_path):
    path = tmp_path / "large.dcm"
    head = samples.stored(samples.ct_image(Rows=8192, Columns=8192, PixelData=None))
    with path.open("wb") as file:
        file.write(head + b"\xe0\x7f\x10\x00OW\0\0" + (8192 * 8192 * 2).to_bytes(4, "little"))
        file.truncate(file.tell() + 8192 * 8192 * 2)
    with path.open("rb", buffering=0) as file:
        parsed = part10.read_part10(file)
        assert file.tell() < 100_000
    assert parsed.pixel_data_length == 8192 * 8192 * 2


def test_an_icon_inside_a_sequence_does_not_end_the_header():
    icon = samples.ct_image()
    dataset = samples.ct_image(PatientComments="after")
    dataset.IconImageSequence = [icon]
    parsed = samples.parsed(samples.stored(dataset))
    assert np.frombuffer(parsed.dataset.IconImageSequence[0].PixelData, "<u2")[5] == 5
    assert parsed.dataset.PatientComments == "after"


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, pydicom.uid.ExplicitVRLittleEndian])
def test_a_sequence_that_was_un_is_read_in_either_encoding(syntax):
    """The standard has its items implicit; some machines leave them explicit."""
    inner = samples.stored(samples.ct_image(PixelData=None), syntax)
    inner = inner[samples.parsed(inner).dataset_offset :]
    hidden = b"\x08\x00\x40\x11UN\0\0" + UNDEFINED + ITEM + UNDEFINED + inner + ITEM_END + SEQUENCE_END
    parsed = samples.parsed(samples.raw_file(hidden + samples.element(0x00100020, "LO", b"4711")))
    assert parsed.dataset.ReferencedImageSequence[0].PatientID == "4711"
    assert parsed.dataset.PatientID == "4711"
