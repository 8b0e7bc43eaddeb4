"""How people, dates and identifiers are written: the same order and the same words on every page."""

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

from django import template
from django.template.defaultfilters import floatformat
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

register = template.Library()

#: How people are addressed, in English and in French: no part of a name.
_TITLES = frozenset({"dr", "pr", "prof", "pre", "mme", "mlle", "m", "mr", "mrs", "ms"})


class NameParts(NamedTuple):
    """A person's name as it is shown: family name (capitals) and the rest."""

    family: str
    given: str


def name_parts(value: object) -> NameParts:
    """Split a DICOM person name (PS3.5 section 6.2.1) into what a reader sees: alphabetic group, else the first filled one."""
    groups = [group for group in str(value or "").split("=") if group.strip(" ^")]
    components = [part.strip() for part in (groups[0] if groups else "").split("^")]
    components += [""] * (5 - len(components))
    family, given, middle, _prefix, suffix = components[:5]
    return NameParts(family.upper(), " ".join(part for part in (given, middle, suffix) if part))


@register.filter
def person_name(value: object) -> SafeString:
    """Write a DICOM person name as markup: FAMILY in its own element, then the given names."""
    name = name_parts(value)
    if not (name.family or name.given):
        return format_html('<span class="family">{}</span>', _("No name"))
    return format_html('<span class="family">{}</span> <span class="given">{}</span>', name.family, name.given)


@register.filter
def person_other_writing(value: object) -> str:
    """Write what a name has beside the group that is shown: its ideographic and phonetic writing (PS3.5 section 6.2.1.1)."""
    groups = [" ".join(part for part in group.split("^") if part).strip() for group in str(value or "").split("=")]
    return " · ".join([group for group in groups if group][1:3])


@register.filter
def missing_identity(patient: object) -> str:
    """Name the traits of a patient that are not known: what a reader has to look for elsewhere before trusting the rest."""
    known = (
        (_("name"), name_parts(getattr(patient, "patient_name", "")) != NameParts("", "")),
        (_("birth date"), bool(getattr(patient, "birth_date", None))),
        (pgettext("trait", "sex"), bool(getattr(patient, "sex", ""))),
        (_("patient ID"), bool(getattr(patient, "patient_id", ""))),
        (_("issuer of the ID"), bool(getattr(patient, "issuer_of_patient_id", ""))),
    )
    return ", ".join(word for word, is_known in known if not is_known)


@register.filter
def person_text(value: object) -> str:
    """Write a DICOM person name as plain text: `FAMILY Given`."""
    return " ".join(part for part in name_parts(value) if part) or _("No name")


@register.filter
def millisieverts(value: Decimal | None) -> str:
    """Write an effective dose as an estimate bears it: one decimal, and never as none at all."""
    if value is None:
        return ""
    return (
        f"< {formats.number_format(Decimal('0.1'))} mSv"
        if 0 < value < Decimal("0.1")
        else f"{floatformat(value, '-1')} mSv"
    )


@register.filter
def initials(value: object) -> str:
    """Return at most two initials of a plain name without its titles, for the round picture of an account."""
    named = [word for word in str(value or "").replace("-", " ").split() if word[0].isalpha()]
    words = [word for word in named if word.rstrip(".").casefold() not in _TITLES] or named
    return "".join(word[0].upper() for word in ([words[0], words[-1]] if len(words) > 1 else words))


@register.filter
def sex_word(value: object) -> str:
    """Write the patient's sex (PS3.3 C.7.1.1) as a word."""
    words = {"F": _("Female"), "M": _("Male"), "O": pgettext("sex", "Other")}
    return words.get(str(value or ""), pgettext("sex", "Not given"))


@register.filter
def sex_letter(value: object) -> str:
    """Write the patient's sex as one letter of the reader's language; nothing when it is not known."""
    letters = {
        "F": pgettext("sex, one letter", "F"),
        "M": pgettext("sex, one letter", "M"),
        "O": pgettext("sex, one letter", "O"),
    }
    return letters.get(str(value or ""), "")


@register.filter
def sex_icon(value: object) -> str:
    """Return the sprite's shape for the patient's sex."""
    return {"F": "sex-f", "M": "sex-m"}.get(str(value or ""), "sex-o")


@register.filter
def age(born: dt.date | None, on: dt.date | dt.datetime | None = None) -> str:
    """Write the age on a day (today when not given): days under a month, months under two years, then years."""
    if not isinstance(born, dt.date):
        return ""
    day = on.date() if isinstance(on, dt.datetime) else on or timezone.localdate()
    months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    if months < 0 or day < born:
        return ""
    if months < 1:
        days = (day - born).days
        return ngettext("%(count)d d", "%(count)d d", days) % {"count": days}
    if months < 24:
        return ngettext("%(count)d mo", "%(count)d mo", months) % {"count": months}
    return ngettext("%(count)d y", "%(count)d y", months // 12) % {"count": months // 12}


@register.filter
def day(value: dt.date | dt.datetime | None) -> str:
    """Write a date for a table or banner: `20 Nov 2026`, in French `20/11/2026`; a time is first brought to the reader's zone."""
    if value is None or value == "":
        return ""
    local = timezone.localtime(value) if isinstance(value, dt.datetime) and timezone.is_aware(value) else value
    return formats.date_format(local, "d/m/Y" if (get_language() or "").startswith("fr") else "d M Y")


@register.filter
def clock(value: dt.time | dt.datetime | None) -> str:
    """Write a time of day on the 24-hour clock, in the reader's zone."""
    if value is None or value == "":
        return ""
    local = timezone.localtime(value) if isinstance(value, dt.datetime) and timezone.is_aware(value) else value
    return f"{local:%H:%M}"
