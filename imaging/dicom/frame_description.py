"""Everything that is needed to turn the bytes of one frame into grey levels or colours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

from pydicom.dataset import Dataset

from imaging.dicom import frame_attributes, uids
from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.limits import MAX_FRAME_BYTES
from imaging.dicom.lookup_table import LookupTable

__all__ = ["FrameDescription", "LookupTable"]

_SUBSAMPLED = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})


@dataclass(frozen=True, slots=True)
class FrameDescription:
    """Image Pixel, LUT and presentation attributes that hold for one frame.

    ``window`` is (centre, width) in modality units, ``voi_function`` one of LINEAR, LINEAR_EXACT, SIGMOID;
    ``sample_type`` is ``integer``, ``float`` (32 bits) or ``double``; ``padding`` is an inclusive range of stored values.
    """

    rows: int
    columns: int
    samples_per_pixel: int = 1
    bits_allocated: int = 16
    bits_stored: int = 16
    high_bit: int = 15
    pixel_representation: int = 0
    planar_configuration: int = 0
    photometric_interpretation: str = "MONOCHROME2"
    transfer_syntax_uid: str = uids.EXPLICIT_VR_LITTLE_ENDIAN
    number_of_frames: int = 1
    sample_type: str = "integer"
    pixel_vr: str = ""
    palette: tuple[LookupTable, LookupTable, LookupTable] | None = None
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0
    modality_lut: LookupTable | None = None
    voi_lut: LookupTable | None = None
    window: tuple[float, float] | None = None
    voi_function: str = "LINEAR"
    presentation_lut_shape: str = ""
    padding: tuple[int, int] | None = None

    @classmethod
    def from_dataset(
        cls, dataset: Dataset, transfer_syntax_uid: str, frame_number: int = 1, *, pixel_vr: str = ""
    ) -> Self:
        """From a data set (with or without its pixels), functional groups of the frame included.

        Raises ``UnsupportedPixels`` when rows, columns or bits make no image.
        """
        values = frame_attributes.read(dataset, frame_number)
        description = cls(transfer_syntax_uid=transfer_syntax_uid, pixel_vr=pixel_vr, **values)
        description.validate()
        return description

    @classmethod
    def from_json(cls, instance: dict[str, Any], transfer_syntax_uid: str, frame_number: int = 1) -> Self:
        """From one instance's DICOM JSON (PS3.18 annex F), as ``json_model.to_json`` writes it."""
        return cls.from_dataset(frame_attributes.from_json(instance, frame_number), transfer_syntax_uid)

    @property
    def subsampled(self) -> bool:
        """Whether two neighbouring pixels share their chroma in native frames."""
        return self.samples_per_pixel == 3 and self.photometric_interpretation in _SUBSAMPLED

    @property
    def native_bits(self) -> int:
        """Bits of one native frame."""
        samples = 2 if self.subsampled else self.samples_per_pixel
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def native_bytes(self) -> int:
        """Bytes of one native frame, rounded up."""
        return (self.native_bits + 7) // 8

    @property
    def is_colour(self) -> bool:
        """Whether decoded frames have three samples."""
        return self.samples_per_pixel == 3

    def replaced(self, **changes: Any) -> Self:
        """A copy with other values."""
        return dataclasses.replace(self, **changes)

    def as_rendition(self) -> Self:
        """What ``rendition.native_frames`` makes of frames described by this: 8-bit RGB, or the same samples in native form."""
        if self.photometric_interpretation not in {"PALETTE COLOR", "XYB"} and not self.subsampled:
            return self.replaced(transfer_syntax_uid=uids.EXPLICIT_VR_LITTLE_ENDIAN, pixel_vr="")
        return type(self)(
            rows=self.rows,
            columns=self.columns,
            samples_per_pixel=3,
            bits_allocated=8,
            bits_stored=8,
            high_bit=7,
            photometric_interpretation="RGB",
            number_of_frames=self.number_of_frames,
        )

    def validate(self) -> None:
        """Raise ``UnsupportedPixels`` unless this describes an image of a decodable size."""
        if not (0 < self.rows <= 65535 and 0 < self.columns <= 65535):
            raise UnsupportedPixels("rows or columns are missing", code="no_pixel_description")
        if self.samples_per_pixel not in {1, 3}:
            raise UnsupportedPixels(f"{self.samples_per_pixel} samples per pixel", code="unsupported_samples")
        if self.bits_allocated not in {1, 8, 16, 32, 64}:
            raise UnsupportedPixels(f"{self.bits_allocated} bits allocated", code="unsupported_bits")
        if not 0 < self.bits_stored <= self.bits_allocated:
            raise UnsupportedPixels(f"{self.bits_stored} bits stored", code="unsupported_bits")
        if self.rows * self.columns * self.samples_per_pixel * max(self.bits_allocated, 8) > MAX_FRAME_BYTES * 8:
            raise UnsupportedPixels("a frame is too large", code="frame_too_large")

    def to_attributes(self) -> dict[str, dict[str, Any]]:
        """The Image Pixel attributes as DICOM JSON: replaces those of the metadata where a rendition is served."""
        numbers = {
            "00280002": self.samples_per_pixel,
            "00280010": self.rows,
            "00280011": self.columns,
            "00280100": self.bits_allocated,
            "00280101": self.bits_stored,
            "00280102": self.high_bit,
            "00280103": self.pixel_representation,
        }
        if self.samples_per_pixel > 1:
            numbers["00280006"] = self.planar_configuration
        attributes: dict[str, dict[str, Any]] = {tag: {"vr": "US", "Value": [n]} for tag, n in numbers.items()}
        attributes["00280004"] = {"vr": "CS", "Value": [self.photometric_interpretation]}
        return dict(sorted(attributes.items()))
