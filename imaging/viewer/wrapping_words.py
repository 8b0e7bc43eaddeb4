"""What became of a wrapped file, in words: what happened, what was kept, what to do next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.dicom.wrapping.facts import Origin
from imaging.ingest.wrapping.services import Outcome, Wrapped

ORIGINS: Final[Mapping[Origin, str | Promise]] = {
    Origin.PHOTO: _("Photo or video"),
    Origin.FILM: _("Scanned film"),
    Origin.PAPER: _("Scanned paper"),
    Origin.SCREEN: _("Screenshot"),
    Origin.ENDOSCOPY: _("Endoscopy"),
    Origin.MICROSCOPY: _("Microscopy"),
}

REGIONS: Final[Mapping[str, str | Promise]] = {
    "HEAD": _("Head"),
    "FACE": _("Face"),
    "EYE": _("Eye"),
    "NECK": _("Neck"),
    "CHEST": _("Chest"),
    "BREAST": _("Breast"),
    "ABDOMEN": _("Abdomen"),
    "PELVIS": _("Pelvis"),
    "SPINE": _("Spine"),
    "SHOULDER": _("Shoulder"),
    "ARM": _("Upper arm"),
    "ELBOW": _("Elbow"),
    "FOREARM": _("Forearm"),
    "WRIST": _("Wrist"),
    "HAND": _("Hand"),
    "HIP": _("Hip"),
    "THIGH": _("Thigh"),
    "KNEE": _("Knee"),
    "LEG": _("Lower leg"),
    "ANKLE": _("Ankle"),
    "FOOT": _("Foot"),
    "WHOLEBODY": _("Whole body"),
}

_DAMAGED: Final = _("The file is damaged or cut short. Nothing was kept of it. Take or export it again.")
_TOO_BIG: Final = _("The picture has too many pixels. Nothing was kept. Scan or export it smaller.")
_VIDEO_HELP: Final = _("Nothing was kept. Record or export it as MP4 (H.264), at most 1920 × 1080.")
REFUSALS: Final[Mapping[str, str | Promise]] = {
    "empty": _("The file is empty. Nothing was kept."),
    "unknown_kind": _("This kind of file cannot be added. Photos, PDF, CDA documents and videos can."),
    "is_dicom": _("This is a DICOM file already. Bring it in on the page “Bring images in”."),
    "heic": _(
        "Photos in Apple's HEIC format cannot be read. Nothing was kept. Choose “Most compatible” in the settings of "
        "the camera, or share the photo as JPEG."
    ),
    "too_large_picture": _("Pictures may have at most 200 MB. Nothing was kept. Scan or export it smaller."),
    "too_large_pdf": _("PDF documents may have at most 50 MB. Nothing was kept. Split it, or export it smaller."),
    "too_large_cda": _("CDA documents may have at most 20 MB. Nothing was kept."),
    "too_large_video": _("Videos may have at most 500 MB. Nothing was kept. Cut it, or record it smaller."),
    "too_large": _TOO_BIG,
    "too_deep": _("The picture has more than 16 bits of grey. Nothing was kept. Export it with 16 bits."),
    "too_many_pages": _("There are too many pages in one file. Nothing was kept. Split it."),
    "pages_differ": _("The pages differ in size or colour. Nothing was kept. Save each page as a file of its own."),
    "cut_short": _DAMAGED,
    "protected": _("The PDF is protected by a password. Nothing was kept. Save it without one and add it again."),
    "no_pages": _("The PDF has no page. Nothing was kept."),
    "bad_document": _("The PDF cannot be read. Nothing was kept. Export it again."),
    "not_cda": _("This XML file is no CDA document. Nothing was kept."),
    "no_video": _("No picture could be found in the video. Nothing was kept. Export it again as MP4."),
    "bad_video": _VIDEO_HELP,
    "too_long": _VIDEO_HELP,
    "busy": _("The picture service was busy. Nothing was kept. Try again in a minute."),
    "quota": _("The share of images for today is used up. Nothing was kept. Ask the administrator."),
    "disk_full": _("The portal's disk is nearly full. Nothing was kept. Tell the administrator."),
    "not_kept": _("The file could not be kept. Try again; if it happens again, tell the administrator."),
    "form_too_large": _("Together the files are too large. Nothing was kept. Add them in several goes."),
    "too_many_files": _("These are more than 30 files. Nothing was kept. Add them in several goes."),
}

OUTCOMES: Final[Mapping[Outcome, str | Promise]] = {
    Outcome.NEW: _("Added to the study."),
    Outcome.DUPLICATE: _("It was in the study already. Nothing was changed."),
    Outcome.CONFLICT: _("Kept as a second version, for a person to choose."),
    Outcome.QUARANTINED: _("Kept, and set aside for a check. Nothing else to do for you."),
    Outcome.WAITING: _("Kept safely. It appears in the study as soon as the archive is back."),
}
_SHAPES: Final = {Outcome.QUARANTINED: "preliminary", Outcome.WAITING: "acquiring"}

NOTES: Final[Mapping[str, str | Promise]] = {
    "details_removed": _("Position, device and other details that the camera had written were left out."),
    "turned_upright": _("Turned upright, without loss."),
    "first_picture_only": _("Only its first picture was kept."),
    "encoded_again": _("Encoded again as H.264."),
    "sound_removed": _("Without its sound."),
    "has_scripts": _("The PDF has scripts in it. They are kept and never run here."),
    "has_attachments": _("The PDF has other files attached. They are kept in it and not shown here."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one file."""

    name: str
    shape: str
    sentence: str
    notes: tuple[str, ...] = ()


def refusal(name: str, code: str) -> Line:
    """A file of which nothing was kept."""
    return Line(name, "rejected", str(REFUSALS.get(code, _DAMAGED)))


def line(wrapped: Wrapped) -> Line:
    """A file that was made ready, whatever became of it then."""
    if wrapped.outcome is None:
        return refusal(wrapped.piece.name, wrapped.refusal)
    notes = tuple(str(NOTES[code]) for code in wrapped.piece.facts.notes if code in NOTES)
    shape = _SHAPES.get(wrapped.outcome, "final")
    return Line(wrapped.piece.name, shape, str(OUTCOMES[wrapped.outcome]), notes)
