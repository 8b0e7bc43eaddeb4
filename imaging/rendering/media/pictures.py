"""A picture file to frames that DICOM can hold: a baseline JPEG as received, all others without loss (JPEG-LS).

Runs in the decoder pool only (DESIGN rule 5).
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import imagecodecs
import numpy as np
import numpy.typing as npt
import PIL.AvifImagePlugin
import PIL.BmpImagePlugin
import PIL.GifImagePlugin
import PIL.Image
import PIL.JpegImagePlugin
import PIL.PngImagePlugin
import PIL.TiffImagePlugin
import PIL.WebPImagePlugin

from imaging.dicom import codestream, uids
from imaging.dicom.errors import DecodeFailed, UnsupportedPixels
from imaging.dicom.wrapping import jpeg
from imaging.dicom.wrapping.facts import LossyHistory, PictureFacts
from imaging.dicom.wrapping.jpeg import JpegFile

Samples = npt.NDArray[Any]

#: Pixels of one picture: a 35 x 43 cm film at 800 dpi has 150 million.
MAX_PIXELS: Final = 200_000_000
#: Pixels of a colour picture: three bytes each, several copies while it is turned.
MAX_COLOUR_PIXELS: Final = 110_000_000
MAX_PAGES: Final = 300
MAX_SIDE: Final = 65535
_FORMATS: Final = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "AVIF")
_BASELINE: Final = 0xC0
_ADOBE_RGB: Final = 0
_JPEG_METHOD: Final = "ISO_10918_1"
#: Software that knows no scanner writes these: they say nothing about a film.
_MEANINGLESS: Final = frozenset({72, 96})
_SENSIBLE: Final = (25.0, 12000.0)
_WHITE_IS_ZERO: Final = 0
_PHOTOMETRIC: Final = 262
_DEEP: Final = frozenset({"I;16", "I;16L", "I;16B"})
_PLAIN_GREY: Final = frozenset({"1", "L", "LA", "La"})


def prepare(source: BinaryIO, target: BinaryIO) -> PictureFacts:
    """Write the frames of the picture file ``source`` to ``target``, one code stream after another.

    Raises ``DicomError``: ``cut_short``, ``too_large``, ``too_many_pages``, ``unsupported_pixels``, ``decode_failed``.
    """
    head = source.read(3)
    source.seek(0)
    if head == b"\xff\xd8\xff":
        found = jpeg.read(source.read())
        kept = _kept(found, target)
        if kept is not None:
            return kept
        source = io.BytesIO(found.stream)
        return _converted(source, target, found)
    return _converted(source, target, None)


def _kept(found: JpegFile, target: BinaryIO) -> PictureFacts | None:
    """A baseline JPEG that stands upright, as received; None when it must be converted."""
    stream = codestream.read_jpeg(found.stream)
    is_plain = stream.frame_marker == _BASELINE and stream.precision == 8 and stream.components in {1, 3}
    if not is_plain or found.orientation != 1:
        return None
    _check_size(stream.columns, stream.rows, stream.components)
    with _opened(io.BytesIO(found.stream)) as image:
        _load(image)
    if stream.components == 1:
        photometric = "MONOCHROME2"
    else:
        is_rgb = stream.adobe_transform == _ADOBE_RGB or (
            stream.adobe_transform is None and not stream.jfif and stream.component_ids == b"RGB"
        )
        photometric = "RGB" if is_rgb else "YBR_FULL_422"
    target.write(found.stream)
    raw = stream.rows * stream.columns * stream.components
    return PictureFacts(
        rows=stream.rows,
        columns=stream.columns,
        lengths=(len(found.stream),),
        transfer_syntax_uid=uids.JPEG_BASELINE,
        photometric_interpretation=photometric,
        samples_per_pixel=stream.components,
        density=sensible(found.density),
        lossy=LossyHistory(method=_JPEG_METHOD, ratio=raw / len(found.stream)),
        icc_profile=found.icc_profile,
        is_untouched=True,
        notes=("details_removed",) if found.dropped else (),
    )


def _converted(source: BinaryIO, target: BinaryIO, received: JpegFile | None) -> PictureFacts:
    with _opened(source) as image:
        pages = int(getattr(image, "n_frames", 1))
        if pages > MAX_PAGES:
            raise UnsupportedPixels(f"{pages} pages", code="too_many_pages")
        facts: PictureFacts | None = None
        lengths: list[int] = []
        windows: list[tuple[float, float]] = []
        for page in _pages(image, received):
            described, samples, window = _page(page)
            if facts is not None and _shape(facts) != _shape(described):
                raise UnsupportedPixels("the pages differ in size or kind", code="pages_differ")
            facts = facts or described
            encoded = imagecodecs.jpegls_encode(np.ascontiguousarray(samples))
            target.write(encoded)
            lengths.append(len(encoded))
            windows.append(window)
        if facts is None:
            raise UnsupportedPixels("no picture")
        return dataclasses.replace(
            facts,
            lengths=tuple(lengths),
            density=sensible(_density(image, received)),
            window=_joined(windows) if facts.bits_allocated > 8 else None,
            lossy=_history(image, source, facts, len(lengths)),
            icc_profile=_profile(image, received, facts),
            notes=_notes(image, received),
        )


def _opened(source: BinaryIO) -> PIL.Image.Image:
    try:
        image = PIL.Image.open(source, formats=_FORMATS)
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        raise _refusal(error) from error
    bands = 1 if image.mode in _PLAIN_GREY or image.mode in _DEEP else 3
    _check_size(image.width, image.height, bands)
    return image


def _check_size(width: int, height: int, samples: int) -> None:
    most = MAX_PIXELS if samples == 1 else MAX_COLOUR_PIXELS
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE) or width * height > most:
        raise UnsupportedPixels(f"{width} x {height} pixels", code="too_large")


def _load(image: PIL.Image.Image) -> None:
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError, PIL.Image.DecompressionBombError) as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> DecodeFailed:
    if isinstance(error, PIL.Image.DecompressionBombError):
        return DecodeFailed("a picture that unpacks without bounds", code="too_large")
    if "truncated" in str(error).lower():
        return DecodeFailed("the picture is cut short", code="cut_short")
    return DecodeFailed(type(error).__name__)


def _pages(image: PIL.Image.Image, received: JpegFile | None) -> Iterator[PIL.Image.Image]:
    # The second picture of a phone's file is a thumbnail or a depth map, and an animation is no study.
    if image.format != "TIFF":
        yield _upright(image, received.orientation if received else None)
        return
    for number in range(int(getattr(image, "n_frames", 1))):
        try:
            image.seek(number)
        except (EOFError, OSError, SyntaxError, ValueError) as error:
            raise _refusal(error) from error
        _check_size(image.width, image.height, 1 if image.mode in _PLAIN_GREY | _DEEP else 3)
        yield _upright(image, None)


def _upright(image: PIL.Image.Image, orientation: int | None) -> PIL.Image.Image:
    """Turn as Exif says: a viewer of DICOM does not read Exif."""
    _load(image)
    if orientation is None:
        orientation = int(image.getexif().get(0x0112, 1) or 1)
    turns = {
        2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
        3: PIL.Image.Transpose.ROTATE_180,
        4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
        5: PIL.Image.Transpose.TRANSPOSE,
        6: PIL.Image.Transpose.ROTATE_270,
        7: PIL.Image.Transpose.TRANSVERSE,
        8: PIL.Image.Transpose.ROTATE_90,
    }
    turn = turns.get(orientation)
    return image.transpose(turn) if turn is not None else image.copy()


def _page(page: PIL.Image.Image) -> tuple[PictureFacts, Samples, tuple[float, float]]:
    """(description without lengths, samples, window) of one upright page."""
    photometric, bits, samples = "MONOCHROME2", 8, None
    if page.mode in _DEEP:
        bits = 16
        samples = np.asarray(page).astype("<u2")
        tags = getattr(page, "tag_v2", {})
        photometric = "MONOCHROME1" if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else photometric
    elif page.mode in _PLAIN_GREY and not _has_holes(page):
        samples = np.asarray(page.convert("L"))
    elif page.mode in {"I", "F"}:
        raise UnsupportedPixels("more than 16 bits", code="too_deep")
    else:
        photometric = "RGB"
        samples = np.asarray(_on_white(page))
    facts = PictureFacts(
        rows=page.height,
        columns=page.width,
        lengths=(),
        transfer_syntax_uid=uids.JPEG_LS_LOSSLESS,
        photometric_interpretation=photometric,
        samples_per_pixel=3 if photometric == "RGB" else 1,
        bits_allocated=bits,
        bits_stored=bits,
    )
    return facts, samples, _window(samples) if bits > 8 else (0.0, 0.0)


def _has_holes(page: PIL.Image.Image) -> bool:
    return page.mode in {"LA", "La"} or "transparency" in page.info


def _on_white(page: PIL.Image.Image) -> PIL.Image.Image:
    """As RGB; what is transparent becomes white, as on paper."""
    if page.mode in {"RGBA", "LA", "La", "PA", "RGBa"} or "transparency" in page.info:
        solid = PIL.Image.new("RGBA", page.size, "white")
        return PIL.Image.alpha_composite(solid, page.convert("RGBA")).convert("RGB")
    return page.convert("RGB")


def _window(samples: Samples) -> tuple[float, float]:
    """(centre, width) that shows what is there; a few stray pixels of the scanner's edge do not count."""
    low, high = np.percentile(samples[:: max(1, samples.shape[0] // 1024)], (0.5, 99.5))
    return float(low + high + 1) / 2, float(max(high - low, 1) + 1)


def _joined(windows: list[tuple[float, float]]) -> tuple[float, float]:
    low = min(centre - width / 2 for centre, width in windows)
    high = max(centre + width / 2 for centre, width in windows)
    return (low + high) / 2, high - low


def _shape(facts: PictureFacts) -> tuple[int, int, int, int, str]:
    return facts.rows, facts.columns, facts.samples_per_pixel, facts.bits_allocated, facts.photometric_interpretation


def _density(image: PIL.Image.Image, received: JpegFile | None) -> tuple[float, float] | None:
    if received is not None:
        density = received.density
        turned = received.orientation >= 5
        return (density[1], density[0]) if density and turned else density
    found = image.info.get("dpi")
    try:
        across, down = (float(value) for value in found or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return down, across


def sensible(density: tuple[float, float] | None) -> tuple[float, float] | None:
    """A density that a scanner has written, or None: screens' 72 and 96 dpi are what software writes that knows none."""
    if density is None or any(not _SENSIBLE[0] <= value <= _SENSIBLE[1] for value in density):
        return None
    return None if {round(value) for value in density} <= _MEANINGLESS else density


def _history(image: PIL.Image.Image, source: BinaryIO, facts: PictureFacts, pages: int) -> LossyHistory | None:
    """Whether the file itself has lost something: by its format, or the compression inside a TIFF."""
    inside = str(image.info.get("compression", ""))
    if image.format in {"JPEG", "AVIF"} or inside in {"jpeg", "tiff_jpeg", "webp"} or _is_lossy_webp(image):
        raw = facts.rows * facts.columns * facts.samples_per_pixel * pages
        size = source.seek(0, io.SEEK_END)
        return LossyHistory(method=_JPEG_METHOD, ratio=max(raw / max(size, 1), 1.0))
    return None


def _is_lossy_webp(image: PIL.Image.Image) -> bool:
    # Pillow does not tell; most are lossy, and to say so of a lossless one harms less than the contrary.
    return image.format == "WEBP"


def _profile(image: PIL.Image.Image, received: JpegFile | None, facts: PictureFacts) -> bytes:
    if facts.samples_per_pixel != 3:
        return b""
    profile = received.icc_profile if received else image.info.get("icc_profile") or b""
    # A profile of inks describes colours that were converted away.
    return profile if len(profile) <= 1024 * 1024 and profile[16:20] == b"RGB " else b""


def _notes(image: PIL.Image.Image, received: JpegFile | None) -> tuple[str, ...]:
    notes = []
    if received is not None and received.orientation != 1:
        notes.append("turned_upright")
    has_details = received.dropped if received else image.format != "TIFF" and bool(image.getexif())
    if has_details or "xmp" in image.info:
        notes.append("details_removed")
    if image.format != "TIFF" and int(getattr(image, "n_frames", 1)) > 1:
        notes.append("first_picture_only")
    return tuple(notes)
