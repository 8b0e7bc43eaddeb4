"""Window presets of drawn pictures: the same names and numbers as on the keys 1 to 5 of the viewer (`static/viewer/presets.ts`)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import pgettext

from imaging.dicom import header_values
from imaging.studies.models import Series

_CT_HEAD: Final = (
    ("brain", 80, 40),
    ("subdural", 200, 75),
    ("stroke", 40, 40),
    ("bone", 2800, 600),
    ("soft_tissue", 400, 40),
)
_CT_BODY: Final = (
    ("soft_tissue", 400, 40),
    ("lung", 1500, -600),
    ("bone", 1800, 400),
    ("liver", 150, 60),
    ("angiography", 600, 170),
)
_HEAD: Final = re.compile(r"head|brain|skull|cran|crân|face|sinus|orbit|petrous|rocher|encephal", re.IGNORECASE)
_CENTER, _WIDTH = "00281050", "00281051"
#: Of other modalities, relative to the window that the image brings along.
_STEPS: Final = (("contrast", 0.6), ("soft", 1.6))


@dataclass(frozen=True, slots=True)
class Preset:
    """A window by name. ``window`` is what the drawing is asked for (`window=center,width`), empty as the image says."""

    key: str
    label: str
    window: str


def presets_of(series: Series, record: Mapping[str, Any]) -> Sequence[Preset]:
    """Return the presets of a series; none for colours and for what brings no window. ``record`` is one of its headers."""
    if (header_values.number(record, "00280002") or 1) > 1:
        return ()
    stored = Preset("", _label("stored"), "")
    if series.modality == "CT":
        described = f"{series.body_part_examined} {series.description} {series.study.description}"
        named = _CT_HEAD if _HEAD.search(described) else _CT_BODY
        return (stored, *(Preset(key, _label(key), f"{center},{width}") for key, width, center in named))
    center, width = header_values.number(record, _CENTER), header_values.number(record, _WIDTH)
    if center is None or width is None or not 2 <= width < 1e8 or abs(center) > 1e8:
        return ()
    return (stored, *(Preset(key, _label(key), f"{center:g},{max(1.0, width * by):g}") for key, by in _STEPS))


def _label(key: str) -> str:
    labels = {
        "stored": pgettext("window preset", "As stored"),
        "contrast": pgettext("window preset", "More contrast"),
        "soft": pgettext("window preset", "Less contrast"),
        "brain": pgettext("window preset", "Brain"),
        "subdural": pgettext("window preset", "Subdural"),
        "stroke": pgettext("window preset", "Stroke"),
        "bone": pgettext("window preset", "Bone"),
        "soft_tissue": pgettext("window preset", "Soft tissue"),
        "lung": pgettext("window preset", "Lung"),
        "liver": pgettext("window preset", "Liver"),
        "angiography": pgettext("window preset", "Angiography"),
    }
    return labels[key]
