"""What a download without identity says of itself: by which rules, what lies not in it, and why."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.dicom.deidentification.profile import CODING_SCHEME, Profile
from imaging.dicom.deidentification.refusals import Refusal
from imaging.studies.export import deidentification_words as words
from imaging.studies.export.cleaning import Cleaned, LeftOut

#: Lines that name what was left out.
_MOST_LINES = 200


def around() -> list[str]:
    """What does not lie beside the images, and what nobody looked for."""
    return [
        _(
            "There is no page to begin with, no preview and no report in here: those name the patient. Files and folders are "
            "numbered."
        ),
        _(
            "The pixels are those of the hospital, bit by bit. They were not searched for words: images of kinds that often "
            "have names in their pixels were left out."
        ),
    ]


def profile(used: Profile) -> list[str]:
    """By which rules identity was taken out."""
    methods = "; ".join(f"{code.meaning} ({CODING_SCHEME} {code.value})" for code in used.methods)
    return [_("It was taken out by the rules of DICOM PS3.15 annex E: %(methods)s.") % {"methods": methods}]


def left_out(cleaned: Cleaned) -> list[str]:
    """What does not go out, series by series, and why; says so too when all of it goes."""
    if not cleaned.missing:
        return [_("Nothing was left out.")]
    count = cleaned.missing
    lines = [ngettext("%(count)d object was left out:", "%(count)d objects were left out:", count) % {"count": count}]
    entries = [line(entry) for entry in cleaned.left_out]
    if cleaned.lost:
        entries.append(_counted(cleaned.lost) + " " + words.refusal(Refusal.UNREADABLE))
    lines += [f"- {entry}" for entry in entries[:_MOST_LINES]]
    if len(entries) > _MOST_LINES:
        lines.append(_("… and %(count)d more.") % {"count": len(entries) - _MOST_LINES})
    return lines


def line(entry: LeftOut) -> str:
    """One line: which series, how many objects, why."""
    number = entry.series.series_number
    series = _("Series %(number)s") % {"number": "?" if number is None else number}
    return f"{series}, {_counted(entry.count)} {reasons(entry)}"


def reasons(entry: LeftOut) -> str:
    """Why, one sentence for each reason."""
    return " ".join(words.reason(code) for code in entry.reasons)


def _counted(count: int) -> str:
    return ngettext("%(count)d object:", "%(count)d objects:", count) % {"count": count}
