"""Codes of the model in words that a ward nurse would use. Texts of other packages are chosen here, where pages are made."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from imaging.studies.models import Series, Study
from imaging.templatetags.people import age

#: Modalities offered as a filter, the frequent ones first (PS3.3 section C.7.3.1.1.1).
MODALITIES: Final[Mapping[str, str | Promise]] = {
    "CR": _("computed radiography"),
    "DX": _("digital radiography"),
    "CT": _("computed tomography"),
    "MR": _("magnetic resonance"),
    "US": _("ultrasound"),
    "MG": _("mammography"),
    "XA": _("angiography"),
    "RF": _("fluoroscopy"),
    "NM": _("nuclear medicine"),
    "PT": _("PET"),
    "IO": _("intra-oral radiography"),
    "PX": _("panoramic radiography"),
    "ES": _("endoscopy"),
    "XC": _("photographs"),
    "RG": _("scanned films"),
    "ECG": _("electrocardiogram"),
    "SM": _("slide microscopy"),
    "OT": _("other images"),
    "SC": _("captured images"),
    "SR": _("structured reports"),
    "DOC": _("documents"),
}

#: What a reader may expect of a study.
STATUSES: Final[Mapping[str, str | Promise]] = {
    Study.Status.ARRIVING: _("Arriving"),
    Study.Status.COMPLETE: pgettext_lazy("study", "Complete"),
    Study.Status.ATTENTION: _("Needs attention"),
}

DAYS: Final[Mapping[str, str | Promise]] = {
    "24h": _("last 24 hours"),
    "today": _("today"),
    "yesterday": _("since yesterday"),
    "7d": _("last 7 days"),
    "30d": _("last 30 days"),
    "365d": _("last 12 months"),
}

#: What an object without ordinary pixels is (`imaging.dicom.uids.kind_of`).
KINDS: Final[Mapping[str, str | Promise]] = {
    "image": _("Image"),
    "document": _("Document"),
    "structured_report": _("Structured report"),
    "presentation_state": _("Presentation state"),
    "key_objects": _("Key images"),
    "waveform": _("Curves"),
    "radiotherapy": _("Radiotherapy object"),
    "segmentation": _("Segmentation"),
    "video": _("Video"),
    "directory": _("List of a disc"),
    "other": pgettext_lazy("object", "Other object"),
}

DOORS: Final[Mapping[str, str | Promise]] = {
    "dimse": _("DICOM network"),
    "dicomweb": _("DICOMweb"),
    "page": _("Upload"),
    "upload": _("Upload"),
    "api": _("REST API"),
    "command": _("Import on the server"),
    "report": _("Signed report"),
}

#: Why a study was placed (`imaging.ingest.routing`).
REASONS: Final[Mapping[str, str | Promise]] = {
    "rule": _("The rule “%(detail)s” was the first that fitted."),
    "default": _("No rule fitted: the default “%(detail)s” decides."),
    "sender": _("No rule fitted: it is a department of the sender %(detail)s."),
    "quarantine": _("A person decided: %(detail)s."),
    "person": _("A person decided: %(detail)s."),
    "request": _("Access was asked for and granted."),
    "emergency": _("It was opened in an emergency."),
    "order": _("The department asked for the exam."),
    "referrer": _("The images name the referring physician."),
}

#: What went wrong, in words; codes of `imaging.dicom.errors`, `imaging.storage.errors` and of the steps.
_CUT_SHORT = _("Part of the image is missing. Send the object again from the modality.")
_UNSUPPORTED = _("This way of encoding images cannot be shown here. The object itself is kept and can be retrieved.")
_TOO_LARGE = _("The image is larger than can be drawn. The object itself is kept and can be retrieved.")
_LATER = _("The picture service was busy or was restarted. Trying again usually helps.")
_BYTES = _("The stored bytes cannot be read at the moment. Tell the administrator.")
_UNKNOWN_PICTURE = _("Its picture could not be made. The object itself is kept as it was received.")
_UNKNOWN_STEP = _("Trying again may help; if not, tell the administrator. The images are kept as they were received.")
PROBLEMS: Final[Mapping[str, str | Promise]] = {
    **dict.fromkeys(
        ("truncated", "pixels_too_short", "frame_too_short", "size_mismatch", "damaged_deflate"), _CUT_SHORT
    ),
    **dict.fromkeys(
        (
            "unsupported_pixels",
            "unsupported_transfer_syntax",
            "unsupported_bits",
            "unsupported_samples",
            "unsupported_subsampling",
            "unsupported_byte_order",
            "no_rendition",
        ),
        _UNSUPPORTED,
    ),
    **dict.fromkeys(("too_large", "frame_too_large", "inflated_too_large"), _TOO_LARGE),
    **dict.fromkeys(("decoder_unavailable", "worker_lost", "took_too_long", "busy", "restarting"), _LATER),
    **dict.fromkeys(("object_missing", "object_damaged", "storage_error", "storage_full"), _BYTES),
}

_NO_PICTURE = _("An image cannot be shown.")
#: What was tried: kinds of pictures and steps of the pipeline.
TRIED: Final[Mapping[str, str | Promise]] = {
    "thumbnail": _NO_PICTURE,
    "preview": _NO_PICTURE,
    "cine": _NO_PICTURE,
    "show the series": _("The picture of a new series could not be made."),
    "thumbnails": _("The small pictures of the series could not be made."),
    "first previews": _("The first large pictures could not be made."),
    "previews": _("The large pictures of the series could not be made."),
    "moving pictures": _("The moving pictures of the series could not be made."),
    "convert frames": _("Images could not be converted for reading."),
    "compact headers": _("The headers of the images could not be put in order."),
    "settle": _("The study could not be marked as complete."),
    "typed patients": _("It could not be found out whether a request that was typed is for this patient."),
    "tell the requester": _("Who asked for an exam could not be told of it."),
    "match the request": _("It could not be found out which exam request the study answers."),
    "all that the machine made": _("It could not be checked whether all that the machine made has arrived."),
    "images complete": _("The study could not be given to those who read it."),
    "request changed": _("What follows from a change of an exam request could not be done."),
    "report read": _("It could not be noted that the report was read by who asked for the exam."),
    "report changed": _("What follows from a change of a report could not be done."),
    "release from quarantine": _("Objects could not be released from quarantine."),
    "reports that came before": _("Reports that came before the images could not be given to the study."),
    "owe HL7 of images": _("Other systems could not be told that the images are there."),
    "owe HL7 of a request": _("Other systems could not be told of a change of an exam request."),
    "owe HL7 of a report": _("Other systems could not be told of a report."),
    "send HL7": _("HL7 messages could not be sent to another system."),
    "tell webhooks": _("Another system could not be told what changed."),
    "merged patients": _("The study could not be given to the patient into whom its own was merged."),
    "rejection notes": _("Images that another system rejected could not be hidden."),
    "write rejection note": _("The note that tells other systems of a rejection could not be written."),
    "access granted before": _("The study could not be opened to those who were granted its patient."),
    "referring physicians": _("The study could not be opened to the physician who asked for it."),
    "write report documents": _("The documents of a signed report could not be made."),
    "send to a partner archive": _("Images could not be sent to a partner archive."),
    "copies without identity": _("A copy without identity could not be made. Nothing was given out."),
    "write the copy of a patient's data": _("The copy of a patient's data could not be written."),
}


def problem_title(what: str) -> str:
    """Return what could not be done, as one sentence."""
    return str(TRIED.get(what) or gettext("A step of the processing failed."))


def problem_text(what: str, code: str) -> str:
    """Return why, and what to do."""
    unknown = _UNKNOWN_PICTURE if what in {"thumbnail", "preview"} else _UNKNOWN_STEP
    return str(PROBLEMS.get(code, unknown))


def placement_reason(code: str, detail: str) -> str:
    """Return why a study was placed in a department."""
    reason = REASONS.get(code)
    return str(reason) % {"detail": detail} if reason else detail


def ago(moment: dt.datetime, now: dt.datetime | None = None) -> str:
    """Return how long ago in the shortest words: minutes under an hour, hours under two days, then days; empty after a month."""
    minutes = int(((now or timezone.now()) - moment).total_seconds() // 60)
    if minutes < 0:
        return ""
    if minutes < 60:
        return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}
    if minutes < 48 * 60:
        return ngettext("%(count)d h", "%(count)d h", minutes // 60) % {"count": minutes // 60}
    if minutes < 31 * 24 * 60:
        days = minutes // (24 * 60)
        return ngettext("%(count)d d", "%(count)d d", days) % {"count": days}
    return ""


def frames(count: int) -> str:
    """Return how many frames an object has."""
    return ngettext("%(count)d frame", "%(count)d frames", count) % {"count": count}


def series_label(series: Series) -> str:
    """Return what a series is called: its description, else its protocol, else its number."""
    if series.description or series.protocol_name:
        return series.description or series.protocol_name
    if series.series_number is not None:
        return gettext("Series %(number)s") % {"number": series.series_number}
    return series.modality or gettext("Series without a name")


def study_title(study: Study) -> str:
    """Return what a study is called: its description, else what was done where."""
    return (
        study.description
        or " ".join([*study.modalities, study.body_part_examined]).strip()
        or gettext("Study without a name")
    )


def distance(at: dt.datetime, of: dt.datetime) -> str:
    """Write how far a study lies from the one that is read: `2 y before`, `3 d after`, on the reader's days."""
    day, other = timezone.localtime(at).date(), timezone.localtime(of).date()
    if day == other:
        return gettext("the same day")
    if day < other:
        return gettext("%(time)s before") % {"time": age(day, other)}
    return gettext("%(time)s after") % {"time": age(other, day)}
