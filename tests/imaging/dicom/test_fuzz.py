"""Damaged bytes only ever raise DicomError, quickly and in little memory."""

import contextlib
import io
import random
import resource
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from imaging.dicom import conformance, decode, frame_index, header, json_model, part10, rendition
from imaging.dicom.errors import DicomError
from imaging.dicom.frame_description import FrameDescription
from tests.imaging.dicom import samples

BOUNDED = settings(
    max_examples=150, deadline=2000, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
SEEDS = (
    "reportsi.dcm",
    "CT_small.dcm",
    "rtplan.dcm",
    "SC_rgb_rle_2frame.dcm",
    "examples_palette.dcm",
    "image_dfl.dcm",
    "ExplVR_BigEnd.dcm",
    "waveform_ecg.dcm",
    "nested_priv_SQ.dcm",
    "chrH32.dcm",
    "JPEGLSNearLossless_16.dcm",
)
ROUNDS = 60


def exercise(content: bytes, *, with_pixels: bool = True) -> None:
    """Everything that ingest and the decoder pool do with a file; only DicomError may come out."""
    file = io.BytesIO(content)
    try:
        parsed = part10.read_part10(file)
    except DicomError:
        return
    conformance.check(parsed)
    json_model.to_json(parsed, bulk_uri=str)
    with contextlib.suppress(DicomError):
        header.read_header(parsed.dataset)
    with contextlib.suppress(DicomError):
        frame_index.build(file, parsed)
    if not with_pixels or not parsed.has_pixels:
        return
    try:
        description = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid)
        if description.native_bytes > 4_000_000:
            return
        if frame_index.needs_rendition(parsed):
            _, frames = rendition.native_frames(parsed, file)
            next(frames, None)
        else:
            (offset, length), *_ = frame_index.build(file, parsed).ranges(1)
            decode.decode_frame(content[offset : offset + length], description)
    except DicomError:
        pass


def damaged(content: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, removed, doubled or cut off."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        # Most of the damage goes where lengths and tags are.
        at = chance.randrange(128, min(len(changed), 128 + 4000 if chance.random() < 0.8 else len(changed)))
        kind = chance.randrange(6)
        if kind == 0:
            changed[at] = chance.randrange(256)
        elif kind == 1:
            changed[at : at + 4] = b"\xff\xff\xff\xff"
        elif kind == 2:
            del changed[at : at + chance.randrange(1, 9)]
        elif kind == 3:
            changed[at:at] = changed[at : at + chance.randrange(1, 64)]
        elif kind == 4:
            changed[at : at + 2] = chance.choice([b"SQ", b"UN", b"OB", b"\xfe\xff", b"\0\0"])
        else:
            del changed[max(at, 140) :]
    return bytes(changed)


@pytest.mark.parametrize("name", SEEDS)
def test_damaged_samples_raise_nothing_else_and_return_quickly(name):
    content, chance = samples.named(name).read_bytes(), random.Random(name)
    for number in range(ROUNDS):
        started = time.monotonic()
        exercise(damaged(content, chance))
        assert time.monotonic() - started < 5, number


@BOUNDED
@given(
    st.binary(max_size=600),
    st.sampled_from(
        [
            "1.2.840.10008.1.2.1",
            ImplicitVRLittleEndian,
            ExplicitVRBigEndian,
            DeflatedExplicitVRLittleEndian,
            JPEGBaseline8Bit,
        ]
    ),
)
def test_any_bytes_as_a_data_set(elements, syntax):
    exercise(samples.raw_file(elements, syntax))


TAGS = st.sampled_from(
    (
        *(0x00080005, 0x00080016, 0x00080018, 0x00100010, 0x0020000D, 0x0020000E, 0x00280002, 0x00280004, 0x00280008),
        *(0x00280010, 0x00280011, 0x00280100, 0x00280101, 0x00281101, 0x00281201, 0x00283010, 0x00291010, 0x52009230),
        *(0x7FE00001, 0x7FE00010),
    )
)
VRS = st.sampled_from(["UI", "LO", "US", "SQ", "OB", "OW", "UN", "IS", "DS", "CS", "FD", "AT", "PN", "UT"])


@BOUNDED
@given(st.lists(st.tuples(TAGS, VRS, st.binary(max_size=40)), max_size=12))
def test_any_values_in_any_vr(elements):
    exercise(samples.raw_file(b"".join(samples.element(*one) for one in elements)))


@BOUNDED
@given(st.binary(max_size=300))
def test_any_bytes_as_fragments(fragments):
    head = samples.stored(samples.ct_image(PixelData=None))
    content = samples.raw_file(head[samples.parsed(head).dataset_offset :], JPEGBaseline8Bit)
    exercise(content + b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + fragments)


@pytest.mark.parametrize(
    "elements",
    [
        b"\x10\x00\x10\x40UT\0\0\xff\xff\xff\x7f",
        b"\x10\x00\x10\x40SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0" * 400_000,
        (b"\x11\x00\x10\x10UN\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * 20_000,
        b"\x08\x00\x05\x00CS\x02\0A " * 300_000,
        b"".join(b"\x08\x00" + n.to_bytes(2, "little") + b"LO\0\0" for n in range(65536)) * 6,
    ],
    ids=["absurd length", "a million items", "deep unknown", "repeated charset", "many elements"],
)
def test_hostile_structures_cost_little_memory_and_time(elements):
    content = samples.raw_file(elements)
    peak, used = _peak_memory(), time.process_time()
    exercise(content, with_pixels=False)
    assert time.process_time() - used < 10
    assert _peak_memory() - peak < 250_000_000


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
