"""How much of a hostile object is read into memory before it is refused."""

from __future__ import annotations

from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

#: Promised pixels beyond this are taken for an overflow of Rows x Columns x Frames, not for an image.
MAX_PIXEL_BYTES = 2**40

#: One decoded frame beyond this is refused before a decoder sees it.
MAX_FRAME_BYTES = 2 * GIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one parse. Sizes in bytes; ``elements`` counts data elements, ``items`` sequence items."""

    header_bytes: int = 64 * MIB
    element_bytes: int = MIB
    meta_bytes: int = MIB
    inflated_bytes: int = GIB
    elements: int = 1_000_000
    items: int = 200_000
    depth: int = 48


DEFAULT_LIMITS = Limits()
