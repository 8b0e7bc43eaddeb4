"""What can be wrong with a file of a delivery, in words: what happened, and what to do next."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Trouble(TextChoices):
    """Why a file was not taken in. The value is a stable slug; the label has no patient data."""

    NOT_DICOM = "not_dicom", _("Not a DICOM object; left out.")
    SYMLINK = "symlink", _("A link to another place. Links are not followed: copy the file itself.")
    SPECIAL = "special_file", _("Not a file (a device, pipe or socket). It was not opened.")
    UNREADABLE = (
        "unreadable",
        _("It cannot be read. The disc or folder may be damaged: copy it again, then try once more."),
    )
    UNSAFE_PATH = "unsafe_path", _("Its name points outside the archive. It was left out.")
    ENCRYPTED = "encrypted", _("It is protected by a password. Unpack it with the password, then bring the folder.")
    METHOD = "unknown_packing", _("It is packed in a way that is not supported. Unpack it, then bring the folder.")
    TOO_LARGE = "too_large", _("It is larger than one file may be. It was left out.")
    DAMAGED = "damaged_archive", _("The archive is damaged here. Copy it from its source again.")
    NESTED = "nested_too_deep", _("An archive in an archive in an archive. Unpack it, then bring the folder.")
    BOMB = (
        "unpacks_too_large",
        _("It would unpack to far more than its size. Unpack it yourself, then bring the folder."),
    )
    UNPACKS_TOO_LARGE = "delivery_too_large", _("The delivery unpacks to more than is allowed. Bring it in parts.")
    TOO_MANY = "too_many_files", _("The delivery has more files than are allowed at once. Bring it in parts.")
    TOO_LONG = "took_too_long", _("Reading took too long and was stopped. Bring the delivery in parts.")
    DISC_IMAGE = (
        "disc_image",
        _("An image of a disc (ISO) is not supported. Open it on your computer, then bring the folder that appears."),
    )
    OTHER_ARCHIVE = (
        "other_archive",
        _("This kind of archive is not supported. Unpack it, then bring the folder, or pack it as a zip."),
    )
    MISSING = "not_found", _("There is nothing under this name.")


#: Refusals of the door (`ingest.services.Refused`, `dicom.errors`) that differ from the ones above.
REFUSALS = {
    "not_dicom": _("Not a DICOM object."),
    "missing_transfer_syntax": _("The file does not say how it is encoded. Export it again from where it came from."),
    "truncated": _("The file is cut short. Copy it from its source again."),
    "missing_identifier": _("The file does not say which image it is. Export it again from where it came from."),
    "malformed": _("The header is broken. Export it again from where it came from."),
    "infected": _("The virus scanner found something in it. It is not taken: do not open it, and tell who made it."),
    "too_large_to_scan": _("It is larger than the virus scanner takes. Ask IT to bring it in another way."),
    "broken_file_meta": _("The header is broken. Export it again from where it came from."),
    "header_too_large": _("The header is larger than any real one."),
    "media_directory": _("The index of a disc; it holds no image."),
    "unreadable_index": _("The index of the disc cannot be read. The files were looked at one by one all the same."),
    "index_leaves_disc": _("The index of the disc names a place outside the disc. It was not looked at."),
}

_OTHERWISE = _("The file cannot be read as a DICOM object. Export it again from where it came from.")


class MediaError(Exception):
    """A file or a whole delivery that cannot be read."""

    def __init__(self, trouble: Trouble) -> None:
        """Keep the reason."""
        super().__init__(trouble.value)
        self.trouble = trouble


class NoRoom(Exception):
    """What is unpacked would touch the disk's reserve: nothing is wrong with the delivery."""

    code = "disk_full"


def in_words(code: str) -> str:
    """What a code of a refusal means, in the reader's language."""
    if code in REFUSALS:
        return str(REFUSALS[code])
    return str(Trouble(code).label) if code in Trouble.values else str(_OTHERWISE)
