"""Photographs as Visible Light objects (PS3.3 A.32), scanned films, papers and screens as Secondary Capture (A.8)."""

from __future__ import annotations

from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from imaging.dicom.wrapping import modules, regions, writing
from imaging.dicom.wrapping.facts import CAMERAS, Origin, PictureFacts, Place
from imaging.dicom.wrapping.modules import put

_ROOT: Final = "1.2.840.10008.5.1.4.1.1"
VL_CLASSES: Final = {
    Origin.ENDOSCOPY: f"{_ROOT}.77.1.1",
    Origin.MICROSCOPY: f"{_ROOT}.77.1.2",
    Origin.PHOTO: f"{_ROOT}.77.1.4",
}
SECONDARY_CAPTURE: Final = f"{_ROOT}.7"
MULTIFRAME_GREY_BYTE: Final = f"{_ROOT}.7.2"
MULTIFRAME_GREY_WORD: Final = f"{_ROOT}.7.3"
MULTIFRAME_COLOUR: Final = f"{_ROOT}.7.4"

#: Conversion Type (0008,0064): digitised film, digital interface, scanned document, workstation.
_CONVERSIONS: Final = {Origin.FILM: "DF", Origin.PAPER: "SD", Origin.SCREEN: "WSD"}
_MILLIMETRES_PER_INCH: Final = 25.4


def sop_class(facts: PictureFacts, origin: Origin) -> str:
    """The storage class: Visible Light where a camera made one 8-bit picture, else a secondary capture that can hold it."""
    if len(facts.lengths) == 1:
        is_photograph = origin in CAMERAS and facts.bits_allocated == 8
        return VL_CLASSES[origin] if is_photograph else SECONDARY_CAPTURE
    if facts.samples_per_pixel == 3:
        return MULTIFRAME_COLOUR
    return MULTIFRAME_GREY_BYTE if facts.bits_allocated == 8 else MULTIFRAME_GREY_WORD


def write_picture(
    out: BinaryIO, place: Place, facts: PictureFacts, stream: BinaryIO, *, origin: Origin, dpi: float | None = None
) -> None:
    """Write the object to ``out``; ``dpi`` is the scanner's resolution that a person has given. Raises ``Truncated``."""
    chosen = sop_class(facts, origin)
    made = modules.common(place, sop_class_uid=chosen)
    put(made, "ImageType", ["ORIGINAL" if origin in CAMERAS else "DERIVED", "PRIMARY"])
    put(made, "PatientOrientation", "")
    is_visible_light = chosen in VL_CLASSES.values()
    regions.locate(made, place.series.body_part_examined, place.series.laterality, is_coded=is_visible_light)
    modules.acquired(made, place)
    modules.lossy(made, facts.lossy)
    pixels(made, facts)
    if is_visible_light:
        put(made, "AcquisitionContextSequence", [])
    else:
        _secondary_capture(made, place, facts, origin, dpi)
    if facts.icc_profile:
        put(made, "ICCProfile", facts.icc_profile + bytes(len(facts.icc_profile) % 2))
    writing.write_fragments(
        out, made, transfer_syntax_uid=facts.transfer_syntax_uid, stream=stream, lengths=facts.lengths
    )


def pixels(made: Dataset, facts: PictureFacts) -> None:
    """Image Pixel module (C.7.6.3)."""
    put(made, "SamplesPerPixel", facts.samples_per_pixel)
    put(made, "PhotometricInterpretation", facts.photometric_interpretation)
    if facts.samples_per_pixel == 3:
        put(made, "PlanarConfiguration", 0)
    put(made, "Rows", facts.rows)
    put(made, "Columns", facts.columns)
    put(made, "BitsAllocated", facts.bits_allocated)
    put(made, "BitsStored", facts.bits_stored)
    put(made, "HighBit", facts.bits_stored - 1)
    put(made, "PixelRepresentation", 0)


def spacing_of(density: tuple[float, float] | None) -> tuple[float, float] | None:
    """Millimetres between rows and between columns for dots per inch."""
    if density is None:
        return None
    return _MILLIMETRES_PER_INCH / density[0], _MILLIMETRES_PER_INCH / density[1]


def _secondary_capture(made: Dataset, place: Place, facts: PictureFacts, origin: Origin, dpi: float | None) -> None:
    """SC Equipment (C.8.6.1), SC Image (C.8.6.2), SC Multi-frame Image (C.8.6.3) and what shows grey values (C.11.2)."""
    put(made, "ConversionType", _CONVERSIONS.get(origin, "DI"))
    put(made, "DateOfSecondaryCapture", made.ContentDate)
    put(made, "TimeOfSecondaryCapture", made.ContentTime)
    spacing = spacing_of((dpi, dpi) if dpi else facts.density) if origin in {Origin.FILM, Origin.PAPER} else None
    if spacing is not None:
        put(made, "NominalScannedPixelSpacing", [f"{value:.6g}" for value in spacing])
    is_grey = facts.samples_per_pixel == 1
    if is_grey and facts.window is not None:
        put(made, "WindowCenter", f"{facts.window[0]:.6g}")
        put(made, "WindowWidth", f"{facts.window[1]:.6g}")
    if len(facts.lengths) > 1:
        put(made, "NumberOfFrames", str(len(facts.lengths)))
        put(made, "FrameIncrementPointer", 0x00182001)
        put(made, "PageNumberVector", [str(page) for page in range(1, len(facts.lengths) + 1)])
        if is_grey:
            put(made, "PresentationLUTShape", "IDENTITY")
            put(made, "RescaleIntercept", "0")
            put(made, "RescaleSlope", "1")
            put(made, "RescaleType", "US")
