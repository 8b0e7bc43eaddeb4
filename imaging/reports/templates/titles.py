"""What the sections of a report are called, in the report's language whoever writes or reads it."""

from __future__ import annotations

from typing import Final

from django.utils import translation
from django.utils.translation import gettext, gettext_noop, pgettext

#: The sections of a report that begins without a template (RSNA's order), and the ones that most readers need filled.
USUAL: Final = ("indication", "technique", "comparison", "findings", "impression")

_TITLES: Final = {
    "indication": gettext_noop("Indication"),
    "history": "History",
    "clinical": gettext_noop("Clinical information"),
    "request": gettext_noop("Request"),
    "technique": gettext_noop("Technique"),
    "dose": gettext_noop("Radiation exposure"),
    "comparison": gettext_noop("Comparison"),
    "findings": gettext_noop("Findings"),
    "complications": gettext_noop("Complications"),
    "impression": "Impression",
    "conclusion": gettext_noop("Conclusion"),
    "recommendation": gettext_noop("Recommendation"),
    "summary": gettext_noop("Summary"),
    "addendum": gettext_noop("Addendum"),
}


def title_of(code: str, language: str) -> str:
    """The title of a section in a language; one of the hospital's own is called as its code."""
    with translation.override(language):
        if code == "history":
            return pgettext("section of a report", "History")
        if code == "impression":
            return pgettext("section of a report", "Impression")
        return gettext(_TITLES[code]) if code in _TITLES else code.replace("-", " ").capitalize()
