"""The letter as a PDF, by Typst. All in it is short and bounded by the rows it comes from: it is set in this process.

Texts go to the typesetter as JSON that the layout reads as strings: nothing that somebody typed is ever markup. Nothing is
written to disk.
"""

import io
from dataclasses import asdict
from pathlib import Path
from typing import Final

import orjson
import qrcode
import typst
from qrcode.image.svg import SvgPathImage

import imaging
from imaging.sharing.letters.content import Letter

_LAYOUT: Final = Path(__file__).parent / "layout" / "letter.typ"
#: The fonts of every paper of the portal, under the SIL Open Font License.
_FONTS: Final = Path(imaging.__path__[0]) / "reports" / "documents" / "fonts"


class LetterFailed(Exception):
    """No PDF could be made. Holds nothing of what stands in the letter."""


def qr_code(link: str) -> str:
    """Return a link as a QR code (ISO/IEC 18004, level M, with its quiet zone) drawn as SVG."""
    drawn = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=4, image_factory=SvgPathImage)
    drawn.add_data(link)
    written = io.BytesIO()
    drawn.make_image().save(written)
    return written.getvalue().decode()


def pdf(letter: Letter) -> bytes:
    """Return the letter on A4, the second code on a page of its own. Raises ``LetterFailed``."""
    values = {**asdict(letter), "qr_code": qr_code(letter.link)}
    try:
        made = typst.compile(
            _LAYOUT,
            root=_LAYOUT.parent,
            font_paths=[_FONTS],
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"letter": orjson.dumps(values).decode()},
            package_path=_LAYOUT.parent / "none",
            package_cache_path=_LAYOUT.parent / "none",
        )
    except RuntimeError:
        # The typesetter's words quote the text that it could not set.
        raise LetterFailed from None
    if not isinstance(made, bytes):
        raise LetterFailed
    return made
