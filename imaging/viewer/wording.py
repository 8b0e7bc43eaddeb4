"""Codes of the model in words that a ward nurse would use. Texts of other packages are chosen here, where pages are made."""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

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
    "ECG": _("electrocardiogram"),
    "SM": _("slide microscopy"),
    "OT": _("other images"),
    "SC": _("captured images"),
    "SR": _("structured reports"),
    "DOC": _("documents"),
}

DAYS: Final[Mapping[str, str | Promise]] = {
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
    "api": _("REST API"),
    "command": _("Import on the server"),
}


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
