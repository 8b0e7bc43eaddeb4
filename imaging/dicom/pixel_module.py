"""How many bytes the pixel attributes promise (PS3.3 C.7.6.3, PS3.5 section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from imaging.dicom import uids
from imaging.dicom.element_text import ElementText, stored
from imaging.dicom.part10 import BulkValue, ParsedFile

SUBSAMPLED: Final = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})

_EXTENDED_OFFSET_TABLE = 0x7FE00001
_FLOAT_BITS = {0x7FE00008: 32, 0x7FE00009: 64}


@dataclass(frozen=True, slots=True)
class Layout:
    """Dimensions of the frames as the header states them; zero where it does not."""

    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    frames: int
    photometric_interpretation: str
    encapsulated: bool
    extended_offsets: BulkValue | bytes | None

    @classmethod
    def of(cls, parsed: ParsedFile) -> Self:
        """Layout of a parsed file."""
        read = ElementText(parsed.dataset)
        frames = read.integer(0x00280008)
        return cls(
            rows=max(read.integer(0x00280010) or 0, 0),
            columns=max(read.integer(0x00280011) or 0, 0),
            samples_per_pixel=max(read.integer(0x00280002) or 1, 1),
            bits_allocated=_FLOAT_BITS.get(parsed.pixel_tag or 0, max(read.integer(0x00280100) or 0, 0)),
            frames=frames if frames is not None and frames > 0 else 1,
            photometric_interpretation=read.text(0x00280004, 16),
            encapsulated=parsed.has_pixels and parsed.pixel_data_length is None,
            extended_offsets=_extended_offsets(parsed),
        )

    @property
    def frame_bits(self) -> int:
        """Bits of one native frame; subsampled chroma has two samples for each pixel (PS3.3 C.7.6.3.1.2)."""
        samples = (
            2
            if self.photometric_interpretation in SUBSAMPLED and self.samples_per_pixel == 3
            else self.samples_per_pixel
        )
        return self.rows * self.columns * samples * self.bits_allocated

    @property
    def frame_bytes(self) -> int:
        """Bytes of one native frame, rounded up."""
        return (self.frame_bits + 7) // 8

    @property
    def total_bytes(self) -> int:
        """Bytes of all native frames, rounded up; without the padding byte."""
        return (self.frame_bits * self.frames + 7) // 8


def _extended_offsets(parsed: ParsedFile) -> BulkValue | bytes | None:
    bulk = parsed.bulk.get(f"{_EXTENDED_OFFSET_TABLE:08X}")
    if bulk is not None:
        return bulk
    element = stored(parsed.dataset, _EXTENDED_OFFSET_TABLE)
    if element is None or not uids.is_encapsulated(parsed.transfer_syntax_uid):
        return None
    return bytes(element.value) if isinstance(element.value, bytes) and element.value else None
