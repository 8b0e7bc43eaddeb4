"""Why an image of a copy is held, or not in it: one sentence for each reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.sharing.copies.reasons import IDENTIFIER_SEEN, NOT_SEARCHED, WORDS_SEEN
from imaging.sharing.models import HeldObject
from imaging.studies.export import deidentification_words as withheld

_SEEN: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        WORDS_SEEN: _("Words were read in the pixels."),
        NOT_SEARCHED: _("The pixels could not be searched for words: look at every frame."),
        IDENTIFIER_SEEN: _(
            "After what was made black, a name or number of this patient is still read. It does not go out like that: "
            "make it black, or leave the image out."
        ),
    }
)


def reasons(row: HeldObject) -> list[str]:
    """Return why an image must be looked at, one sentence for each reason."""
    return [str(_SEEN[code]) if code in _SEEN else withheld.review(code) for code in row.reviews]


def refusal(row: HeldObject) -> str:
    """Return why there is no copy of an image."""
    if row.state == HeldObject.State.LEFT_OUT:
        return str(_("A person has left it out."))
    return withheld.refusal(row.refusal)
