"""What kind of examination it was, in the words of who was examined: no codes."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: By the code of the modality (PS3.3 C.7.3.1.1.1). What is no examination of its own (reports, presentation states) is left out.
_KINDS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "CR": _("X-ray"),
        "DX": _("X-ray"),
        "RG": _("X-ray"),
        "CT": _("CT scan"),
        "MR": _("MRI scan"),
        "US": _("Ultrasound"),
        "IVUS": _("Ultrasound"),
        "MG": _("Mammography"),
        "NM": _("Nuclear medicine"),
        "PT": _("PET scan"),
        "XA": _("Angiography"),
        "RF": _("Fluoroscopy"),
        "IO": _("Dental X-ray"),
        "PX": _("Dental X-ray"),
        "BMD": _("Bone density"),
        "ES": _("Endoscopy"),
        "XC": _("Photograph"),
        "GM": _("Microscopy"),
        "SM": _("Microscopy"),
        "OP": _("Eye examination"),
        "OPT": _("Eye examination"),
        "ECG": _("Electrocardiogram"),
    }
)


def in_words(modalities: Iterable[str]) -> str:
    """Return the kinds of a study, each once; empty where none of its codes has a word."""
    return ", ".join(dict.fromkeys(str(_KINDS[code]) for code in modalities if code in _KINDS))
