"""Everything that is needed to turn the bytes of one frame into grey levels or colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pydicom.dataset import Dataset


@dataclass(frozen=True, slots=True)
class LookupTable:
    """A modality, VOI or palette table: ``data`` maps ``first_value`` and following to ``bits`` wide entries."""

    first_value: int
    bits: int
    data: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FrameDescription:
    """Image Pixel, LUT and presentation attributes that hold for one frame."""

    rows: int
    columns: int
    samples_per_pixel: int = 1
    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    pixel_representation: int = 0
    planar_configuration: int = 0
    photometric_interpretation: str = "MONOCHROME2"
    transfer_syntax_uid: str = "1.2.840.10008.1.2.1"
    number_of_frames: int = 1

    @classmethod
    def from_dataset(cls, dataset: Dataset, transfer_syntax_uid: str, frame_number: int = 1) -> Self:
        """From a data set."""
        raise NotImplementedError

    @classmethod
    def from_json(cls, instance: dict[str, Any], transfer_syntax_uid: str, frame_number: int = 1) -> Self:
        """From DICOM JSON."""
        raise NotImplementedError
