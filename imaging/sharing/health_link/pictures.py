"""The QR code of a health link, as the path of a drawing that stands in the page itself: its address would be a secret too."""

from dataclasses import dataclass
from typing import Final

import qrcode

#: Light modules around the code (ISO/IEC 18004).
_MARGIN: Final = 4


@dataclass(frozen=True, slots=True)
class Drawing:
    """A square of ``size`` modules, the dark ones as an SVG path: each run of a row is one rectangle."""

    size: int
    path: str


def drawing_of(text: str) -> Drawing:
    """Return the QR code of a text, at the level of correction M, as the standard asks for health links."""
    code = qrcode.QRCode(border=_MARGIN, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows = code.get_matrix()
    return Drawing(len(rows), "".join(_row(y, row) for y, row in enumerate(rows)))


def _row(y: int, row: list[bool]) -> str:
    found, x = [], 0
    while x < len(row):
        length = 0
        while x + length < len(row) and row[x + length]:
            length += 1
        if length:
            found.append(f"M{x} {y}h{length}v1h-{length}z")
        x += length or 1
    return "".join(found)
