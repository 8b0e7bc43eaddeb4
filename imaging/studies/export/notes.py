"""The texts of an export, in the reader's language: what it is, and what is not in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

#: Lost objects that are named one by one.
_MOST_NAMED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Lost:
    """An object that should be in an export, and of which no copy can be read."""

    series_number: int | None
    instance_number: int | None
    sop_instance_uid: str


def readme_name() -> str:
    """The name under which a reader looks for the words about an archive."""
    return _("README.TXT")


def readme(
    *,
    studies: int,
    objects: int,
    lost: int,
    page: str = "",
    is_deidentified: bool = False,
    further: Sequence[str] = (),
) -> bytes:
    """What the export is and how to open it; no word of it is about a patient.

    ``page`` is the file to begin with, ``further`` are paragraphs about where the images come from.
    """
    objects_text = ngettext("%(count)d DICOM object", "%(count)d DICOM objects", objects) % {"count": objects}
    studies_text = ngettext("%(count)d study", "%(count)d studies", studies) % {"count": studies}
    paragraphs = [
        _("Medical images in DICOM format: %(objects)s of %(studies)s.")
        % {"objects": objects_text, "studies": studies_text}
    ]
    if page:
        paragraphs.append(
            _("Begin with the file %(name)s: it opens in any browser and shows what is here, without the internet.")
            % {"name": page}
        )
    paragraphs += [
        _(
            "To look at them, open this folder, or the file DICOMDIR in it, with a DICOM viewer. "
            "Unpack the archive first: most viewers cannot look inside."
        ),
        _origin(is_deidentified=is_deidentified),
        *further,
    ]
    if lost:
        paragraphs.append(lost_words(lost))
    paragraphs.append(
        _("RECEIPT.TXT holds a digest of every file, by which you can check later that none of them was changed.")
    )
    paragraphs.append(_care(is_deidentified=is_deidentified))
    return _text("\r\n\r\n".join(paragraphs))


def _origin(*, is_deidentified: bool) -> str:
    if is_deidentified:
        return _(
            "What names the patient was taken out of these images: the files are other ones than the hospital keeps, and "
            "carry other numbers."
        )
    return _(
        "The images are the ones the hospital keeps, bit by bit. Names and numbers that were corrected after the images "
        "were made are corrected here too; each object says what it said before."
    )


def _care(*, is_deidentified: bool) -> str:
    if is_deidentified:
        return _(
            "An image of a body can still be recognised by who knows another one of it. Use these files for what they were "
            "given for, do not try to find out who it is, and delete them when they are no longer needed."
        )
    return _(
        "These files name the patient. Keep them where only those who care for the patient can read them, and delete "
        "them when they are no longer needed."
    )


def lost_words(count: int) -> str:
    """How many objects are missing, and where they are named."""
    return ngettext(
        "%(count)d object could not be read and is not here: see MISSING.TXT.",
        "%(count)d objects could not be read and are not here: see MISSING.TXT.",
        count,
    ) % {"count": count}


def missing(lost: Sequence[Lost]) -> bytes:
    """One line for each object that is not in the export."""
    lines = [
        _(
            "These objects belong to the study and could not be read. They are being looked after; ask for them again later."
        ),
        "",
        *(_line(entry) for entry in lost[:_MOST_NAMED]),
    ]
    if len(lost) > _MOST_NAMED:
        lines.append(_("… and %(count)d more.") % {"count": len(lost) - _MOST_NAMED})
    return _text("\r\n".join(lines))


def _line(entry: Lost) -> str:
    return _("Series %(series)s, image %(image)s (SOP Instance UID %(uid)s)") % {
        "series": "?" if entry.series_number is None else entry.series_number,
        "image": "?" if entry.instance_number is None else entry.instance_number,
        "uid": entry.sop_instance_uid,
    }


def _text(words: str) -> bytes:
    # The mark at the start lets every editor of Windows read the accents.
    return b"\xef\xbb\xbf" + words.encode() + b"\r\n"
