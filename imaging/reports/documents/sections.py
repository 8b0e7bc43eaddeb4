"""The headings of a diagnostic imaging report and the codes of their texts (PS3.16 CID 7000, 7001, 7002; TID 2000)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from imaging.reports.documents.content import Code, Section


@dataclass(frozen=True, slots=True)
class Heading:
    """The code of a section's container, and of the texts in it."""

    heading: Code
    element: Code


def _loinc(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="LN", meaning=meaning)


def _dcm(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="DCM", meaning=meaning)


_DESCRIPTION: Final = _dcm("121065", "Procedure Description")
_FINDING: Final = _dcm("121071", "Finding")
_HISTORY: Final = _loinc("11329-0", "History")
_CONCLUSION: Final = _dcm("121077", "Conclusion")
KEY_IMAGES: Final = _loinc("55113-5", "Key Images")
FINDINGS: Final = _loinc("59776-5", "Findings")

#: By the word that templates use. Each heading is of CID 7001, each text of CID 7002.
HEADINGS: Final = MappingProxyType(
    {
        "indication": Heading(_loinc("18785-6", "Indications for Procedure"), _HISTORY),
        "history": Heading(_HISTORY, _HISTORY),
        "clinical": Heading(_loinc("55752-0", "Clinical Information"), _HISTORY),
        "request": Heading(_loinc("55115-0", "Request"), _loinc("55115-0", "Request")),
        "technique": Heading(_loinc("55111-9", "Current Procedure Descriptions"), _DESCRIPTION),
        "dose": Heading(_loinc("73569-6", "Radiation Exposure and Protection Information"), _DESCRIPTION),
        "comparison": Heading(_loinc("18834-2", "Previous Findings"), _dcm("121069", "Previous Finding")),
        "findings": Heading(FINDINGS, _FINDING),
        "complications": Heading(_loinc("55109-3", "Complications"), _FINDING),
        "impression": Heading(_loinc("19005-8", "Impressions"), _dcm("121073", "Impression")),
        "conclusion": Heading(_loinc("55110-1", "Conclusions"), _CONCLUSION),
        "recommendation": Heading(_loinc("18783-1", "Recommendations"), _dcm("121075", "Recommendation")),
        "summary": Heading(_loinc("55112-7", "Summary"), _loinc("55112-7", "Summary")),
        "addendum": Heading(_loinc("55107-7", "Addendum"), _FINDING),
        "critical": Heading(_loinc("73568-8", "Communication of Critical Results"), _CONCLUSION),
    }
)
_COUNTED: Final = re.compile(r"-\d{1,3}\Z")
#: What the reader looks for first.
ANSWERS: Final = frozenset({"impression", "conclusion", "addendum"})

REPORT: Final = _loinc("18748-4", "Diagnostic Imaging Report")
#: Of a study's modalities, those that nothing was acquired with: words, marks and papers beside the images.
NOT_ACQUIRED: Final = frozenset({"AU", "DOC", "KO", "PR", "SR"})
_BY_MODALITY: Final = MappingProxyType(
    {
        "CT": _loinc("25045-6", "CT Report"),
        "MR": _loinc("25056-3", "MRI Report"),
        "US": _loinc("25061-3", "Ultrasound Report"),
        "CR": _loinc("43468-8", "X-Ray Report"),
        "DX": _loinc("43468-8", "X-Ray Report"),
        "NM": _loinc("49118-3", "Nuclear Medicine Report"),
        "PT": _loinc("44136-0", "PET Scan Report"),
    }
)


def word(code: str) -> str:
    """The word of a section's code: a second addendum is ``addendum-2``."""
    return _COUNTED.sub("", code)


def heading(section: Section) -> Heading:
    """The codes of a section; one of the hospital's own keeps its title, under a scheme of ours."""
    known = HEADINGS.get(word(section.code))
    if known is not None:
        return known
    own = Code(
        value=section.code[:16] or "section", scheme="99NEGATOSCOPE", meaning=section.title[:64] or section.code[:64]
    )
    return Heading(own, _FINDING)


def document_title(modalities: Iterable[str]) -> Code:
    """The title of CID 7000: that of the one modality, or of diagnostic imaging in general."""
    found = {_BY_MODALITY.get(each, REPORT) for each in modalities if each not in NOT_ACQUIRED}
    return found.pop() if len(found) == 1 else REPORT
