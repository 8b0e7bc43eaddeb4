"""Why an object does not go out without identity, or not before a person has looked at it: one sentence for each reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.dicom.deidentification.refusals import Refusal, Review

_REFUSALS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        Refusal.DIRECTORY: _("The table of contents of a disc names all its patients."),
        Refusal.ENCAPSULATED_DOCUMENT: _("A document (PDF, CDA, a model) may name anyone on its pages."),
        Refusal.STRUCTURED_CONTENT: _("A report or a selection of key images holds sentences that may name anyone."),
        Refusal.AUDIO: _("A voice is an identity."),
        Refusal.RAW_DATA: _("Raw data: nobody but its machine knows what is in it."),
        Refusal.PRIVATE_CLASS: _("An object of a manufacturer's own kind: nobody else knows what is in it."),
        Refusal.UNKNOWN_CLASS: _("An object of a kind that is not known here."),
        Refusal.UNREADABLE: _("It cannot be read to its end."),
        Refusal.IDENTIFIERS_LEFT: _("A name or number of the patient was still found after cleaning."),
    }
)
_REVIEWS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        Review.BURNED_IN_DECLARED: _("Its header says that names are burned into the pixels."),
        Review.BURNED_IN_LIKELY: _("Images of this kind often have names burned into their pixels."),
        Review.COMMENT_IN_FRAMES: _("Its compressed frames hold comments."),
        Review.OVERLAY_IN_PIXELS: _("A drawing lies hidden in its pixels."),
        Review.RECOGNIZABLE_FEATURES: _("Its header says that the patient can be recognised in it."),
        Review.STRUCTURED_TEXT: _("It is a report whose sentences were taken out: codes and measures are left."),
        Review.VIDEO: _("A film may have sound, and words that show for a moment only."),
    }
)


def refusal(code: str) -> str:
    """Return why there is no copy; ``code`` is a ``Refusal``."""
    return str(_REFUSALS.get(code, _REFUSALS[Refusal.UNREADABLE]))


def review(code: str) -> str:
    """Return why a person must look at a copy first; ``code`` is a ``Review``."""
    return str(_REVIEWS.get(code, _REVIEWS[Review.BURNED_IN_LIKELY]))


def reason(code: str) -> str:
    """Return why an object does not go out by itself; ``code`` is a ``Refusal`` or a ``Review``."""
    return refusal(code) if code in _REFUSALS else review(code)
