"""How many frames a second are searched for burned-in words (one core, networks loaded)."""

import time
from pathlib import Path

import pytest

from imaging.dicom import decode, part10, rendition, windowing
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.limits import DEFAULT_LIMITS
from imaging.rendering.burned_in import text_detector
from tests.decoder_pools import DEMO


@pytest.mark.parametrize(
    "path", ["ct-head/07.dcm", "us-lymph-node/examples_rgb_color.dcm", "us-palette/examples_palette.dcm"]
)
def test_frames_searched_in_a_second(path: str) -> None:
    source: Path = DEMO / path
    with source.open("rb") as file:
        parsed = part10.read_part10(file)
        described = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid, pixel_vr=parsed.pixel_vr)
        (frame,) = rendition.stored_frames(parsed, file, described, DEFAULT_LIMITS)
    shown = windowing.to_display(decode.decode_frame(frame, described), described)
    picture = shown if shown.ndim == 3 else shown[..., None].repeat(3, axis=2)
    text_detector.load()
    began = time.perf_counter()
    for _ in range(5):
        text_detector.words(picture)
    print(f"{path}: {5 / (time.perf_counter() - began):.1f} frames/s")
