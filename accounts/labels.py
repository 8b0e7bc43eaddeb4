"""Labels that keep readers away from a patient or a study although it lies in their department.

What is labelled is seen by who is cleared for the label there: by the role (``roles.POWERS``) or by the membership. The
labels are in one order of strictness, so that of several the strictest one decides.
"""

from collections.abc import Iterable
from typing import Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Label(TextChoices):
    """Why others are kept away, the least strict first."""

    STAFF = "staff", _("Staff")
    VIP = "vip", _("VIP")
    PROTECTED = "protected", _("Protected")
    #: Restriction of processing (GDPR, article 18): for the privacy desk to set, and nobody's to be cleared for.
    RESTRICTED = "restricted", _("Restricted")


#: Labels that a membership or a role may clear. A restricted record opens in an emergency alone.
CLEARABLE: Final = frozenset(Label) - {Label.RESTRICTED}

_ORDER: Final = tuple(Label.values)


def strictest(labels: Iterable[str]) -> str:
    """Return the strictest of these labels; empty when there is none.

    What is no label is stricter than all: whoever does not know it, is not cleared for it.
    """
    return max((label for label in labels if label), key=strictness, default="")


def strictness(label: str) -> int:
    """Return a number that is the higher the stricter a label is; 0 is no label."""
    if not label:
        return 0
    return _ORDER.index(label) + 1 if label in _ORDER else len(_ORDER) + 1


def name_of(label: str) -> str:
    """Return the word for a label in the reader's language; what is no label shows as it is."""
    return str(Label(label).label) if label in Label.values else label
