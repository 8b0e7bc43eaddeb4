"""What cannot be cleaned surely, and what a person must look at before it goes out. Words for people are made from the keys."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydicom.dataset import Dataset

from imaging.dicom import uids
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.element_text import ElementText
from imaging.dicom.errors import DicomError


class Refusal(StrEnum):
    """Why no de-identified copy is made of an object."""

    DIRECTORY = "directory"
    ENCAPSULATED_DOCUMENT = "encapsulated_document"
    STRUCTURED_CONTENT = "structured_content"
    AUDIO = "audio"
    RAW_DATA = "raw_data"
    PRIVATE_CLASS = "private_class"
    UNKNOWN_CLASS = "unknown_class"
    UNREADABLE = "unreadable"
    IDENTIFIERS_LEFT = "identifiers_left"


class Review(StrEnum):
    """Why a person must look at a copy before it goes out."""

    BURNED_IN_DECLARED = "burned_in_declared"
    BURNED_IN_LIKELY = "burned_in_likely"
    COMMENT_IN_FRAMES = "comment_in_frames"
    OVERLAY_IN_PIXELS = "overlay_in_pixels"
    RECOGNIZABLE_FEATURES = "recognizable_features"
    STRUCTURED_TEXT = "structured_text"
    VIDEO = "video"


#: Those that speak of what can be seen in the pixels.
OF_PIXELS: Final = frozenset(Review) - {Review.STRUCTURED_TEXT}


class Refused(DicomError):
    """No copy is made; ``refusal`` says why. Holds no patient data."""

    default_code = "not_deidentified"

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        """Keep the reason."""
        super().__init__(detail or refusal.value, code=refusal.value)
        self.refusal = refusal


_ROOT: Final = "1.2.840.10008.5.1.4.1.1."
_RAW: Final = frozenset({f"{_ROOT}66"})
_AUDIO: Final = (f"{_ROOT}9.4.",)
_LIKELY: Final = (
    f"{_ROOT}3.",  # ultrasound multi-frame
    f"{_ROOT}6.",  # ultrasound
    f"{_ROOT}7",  # secondary capture, all of them
    f"{_ROOT}12.",  # angiography and fluoroscopy
    f"{_ROOT}77.",  # photographs and films by visible light, labels of slides among them
)
_LIKELY_MODALITIES: Final = frozenset(
    ["US", "IVUS", "XA", "RF", "OT", "SC", "XC", "GM", "ES", "EC", "HC", "DOC", "DS", "FID"]
)
_CAPTURED: Final = frozenset({"SCREEN", "SCREEN SAVE", "SCREENSAVE", "LABEL"})


def refusal_of(sop_class_uid: str, profile: Profile) -> Refusal | None:
    """Why objects of this class are refused under this profile, or None."""
    if sop_class_uid == uids.MEDIA_STORAGE_DIRECTORY:
        return Refusal.DIRECTORY
    if not sop_class_uid.startswith("1.2.840.10008."):
        return Refusal.PRIVATE_CLASS
    if not uids.is_registered_storage_class(sop_class_uid):
        return Refusal.UNKNOWN_CLASS
    if sop_class_uid in _RAW:
        return Refusal.RAW_DATA
    if sop_class_uid.startswith(_AUDIO):
        return Refusal.AUDIO
    kind = uids.kind_of(sop_class_uid)
    if kind == "document":
        return Refusal.ENCAPSULATED_DOCUMENT
    if kind in {"structured_report", "key_objects"} and not profile.clean_structured_content:
        return Refusal.STRUCTURED_CONTENT
    return None


def reviews_of(dataset: Dataset, transfer_syntax_uid: str, profile: Profile) -> frozenset[Review]:
    """What a person must look at, by the header alone. What the caller promises to have cleaned is not asked for again."""
    read = ElementText(dataset)
    found = set()
    if not profile.clean_pixel_data:
        if read.text(0x00280301, 16).upper() == "YES":
            found.add(Review.BURNED_IN_DECLARED)
        if _is_likely(read):
            found.add(Review.BURNED_IN_LIKELY)
        if uids.is_video(transfer_syntax_uid):
            found.add(Review.VIDEO)
        if _has_overlay_in_pixels(dataset, read):
            found.add(Review.OVERLAY_IN_PIXELS)
    if not profile.clean_recognizable_visual_features and read.text(0x00280302, 16).upper() == "YES":
        found.add(Review.RECOGNIZABLE_FEATURES)
    return frozenset(found)


def _is_likely(read: ElementText) -> bool:
    """Ultrasound, captures, fluoroscopy, photographs, digitised films, and colour where an image of its kind has none."""
    sop_class = read.text(0x00080016, 64)
    if not uids.is_image(sop_class) or uids.kind_of(sop_class) == "segmentation":
        return False
    if sop_class.startswith(_LIKELY) or read.text(0x00080060, 16).upper() in _LIKELY_MODALITIES:
        return True
    if read.text(0x00080064, 16) or _CAPTURED & {
        part.strip().upper() for part in read.whole(0x00080008, 256).split("\\")
    }:
        return True
    return (read.integer(0x00280002) or 1) > 1


def _has_overlay_in_pixels(dataset: Dataset, read: ElementText) -> bool:
    """Retired overlays lie in unused bits of the pixels (PS3.5 section 8.1.2): bits above those stored, without data of their own."""
    groups = {int(tag) >> 16 for tag in dataset.keys() if 0x6000 <= int(tag) >> 16 <= 0x60FF}  # noqa: SIM118
    return any((read.integer(group << 16 | 0x0102) or 0) > 0 for group in groups)
