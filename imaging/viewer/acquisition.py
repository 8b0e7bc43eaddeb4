"""How a series was acquired, in words: equipment, protocol, geometry and contrast, out of one header. All of it is hostile text."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from imaging.dicom import header_values
from imaging.templatetags.people import day
from imaging.viewer.study_facts import Fact

Record = Mapping[str, Any]
#: Modalities in which it matters that no contrast agent is said.
_WITH_OR_WITHOUT: Final = frozenset({"CT", "MR", "XA", "RF"})


def facts(record: Record, modality: str) -> list[Fact]:
    """Return what is known of an acquisition; what the header does not say is left out, but whether contrast was given."""
    read: Iterable[tuple[str | Promise, str]] = ((label, read(record)) for label, read in _READ)
    found = [Fact(str(label), value) for label, value in read if value]
    if modality in _WITH_OR_WITHOUT and not _contrast(record):
        found.append(Fact(_("Contrast agent"), _("none named in the header")))
    return found


def place_of(record: Record) -> str:
    """Return where an image lies along its series: its slice location, else nothing."""
    location = header_values.number(record, "00201041")
    if location is None:
        position = header_values.numbers(record, "00200032")
        location = position[2] if len(position) == 3 else None
    return _amount(location, "mm")


def _amount(value: float | None, unit: str, digits: int = 1) -> str:
    """A number with its unit, as the reader's language writes it."""
    if value is None or abs(value) >= 1e9:
        return ""
    shortest = f"{value:.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"
    places = len(shortest.partition(".")[2])
    text = formats.number_format(shortest, decimal_pos=places, use_l10n=True).replace("-", "\N{MINUS SIGN}")
    return f"{text}\N{NO-BREAK SPACE}{unit}"


def _text(*tags: str) -> Callable[[Record], str]:
    return lambda record: " · ".join(
        dict.fromkeys(part for part in (header_values.text(record, tag, 64) for tag in tags) if part)
    )


def _number(tag: str, unit: str, digits: int = 1) -> Callable[[Record], str]:
    return lambda record: _amount(header_values.number(record, tag), unit, digits)


def _contrast(record: Record) -> str:
    return _text("00180010", "00181040")(record)


def _acquired(record: Record) -> str:
    """Date and time of the acquisition, as the modality's own clock said."""
    whole = header_values.text(record, "0008002A", 26) or (
        header_values.text(record, "00080022", 8) + header_values.text(record, "00080032", 16)
    )
    try:
        moment = dt.datetime.strptime(whole[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007  # it names no zone
    except ValueError:
        return ""
    return f"{day(moment.date())}, {moment:%H:%M:%S}"


def _part(record: Record) -> str:
    sides = {"L": pgettext("side", "left"), "R": pgettext("side", "right"), "B": pgettext("side", "both sides")}
    side = header_values.text(record, "00200062", 2) or header_values.text(record, "00200060", 2)
    part = header_values.text(record, "00180015", 64)
    return ", ".join(word for word in (part, sides.get(side, "")) if word)


def _matrix(record: Record) -> str:
    rows, columns = header_values.number(record, "00280010"), header_values.number(record, "00280011")
    spacing = header_values.numbers(record, "00280030") or header_values.numbers(record, "00181164")
    size = f"{columns:.0f} × {rows:.0f}" if rows and columns else ""
    each = _amount(spacing[0], _("mm a pixel"), 3) if spacing and spacing[0] > 0 else ""
    return ", ".join(part for part in (size, each) if part)


def _slices(record: Record) -> str:
    thickness, apart = header_values.number(record, "00180050"), header_values.number(record, "00180088")
    text = _amount(thickness, "mm", 2)
    if apart is not None and apart != thickness:
        return ", ".join(
            part for part in (text, _("%(distance)s apart") % {"distance": _amount(apart, "mm", 2)}) if part
        )
    return text


_READ: Final[tuple[tuple[str | Promise, Callable[[Record], str]], ...]] = (
    (gettext_lazy("Equipment"), _text("00080070", "00081090")),
    (gettext_lazy("Station"), _text("00081010")),
    (gettext_lazy("Institution"), _text("00080080")),
    (gettext_lazy("Acquired"), _acquired),
    (gettext_lazy("Protocol"), _text("00181030")),
    (gettext_lazy("Body part"), _part),
    (pgettext_lazy("projection", "View"), _text("00185101")),
    (gettext_lazy("Patient position"), _text("00185100")),
    (gettext_lazy("Contrast agent"), _contrast),
    (gettext_lazy("Tube voltage"), _number("00180060", "kV")),
    (gettext_lazy("Tube current"), _number("00181151", "mA")),
    (gettext_lazy("Exposure"), _number("00181152", "mAs")),
    (gettext_lazy("Slice thickness"), _slices),
    (gettext_lazy("Kernel"), _text("00181210")),
    (gettext_lazy("Field strength"), _number("00180087", "T", 2)),
    (gettext_lazy("Pulse sequence"), _text("00180024")),
    (gettext_lazy("Repetition time"), _number("00180080", "ms")),
    (gettext_lazy("Echo time"), _number("00180081", "ms")),
    (gettext_lazy("Inversion time"), _number("00180082", "ms")),
    (gettext_lazy("Flip angle"), _number("00181314", "°")),
    (gettext_lazy("Radiopharmaceutical"), _text("00180031")),
    (gettext_lazy("Probe"), _text("00186031")),
    (gettext_lazy("Compression"), _number("001811A2", "N")),
    (gettext_lazy("Breast thickness"), _number("001811A0", "mm")),
    (gettext_lazy("Matrix"), _matrix),
)
