"""The document inside an instance (PS3.3 A.45): its bytes, and pages of it drawn by the decoder pool."""

from typing import Final

from imaging.dicom import bulk_value, clinical_document
from imaging.dicom.clinical_document import Block
from imaging.dicom.errors import DicomError
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion

#: Bytes of a document that is read whole.
MAX_DOCUMENT: Final = 64 * 1024 * 1024
_DOCUMENT: Final = "00420011"
_MAX_LINES: Final = 20


def content(version: InstanceVersion, *, most: int = MAX_DOCUMENT) -> bytes | None:
    """The bytes of the encapsulated document; None when there is none, or more than ``most``. Raises the errors of ``storage``."""
    with storage.open(version.stored_object) as file:
        try:
            place = bulk_value.locate(file, _DOCUMENT)
            if place is None or place.length > most:
                return None
            return b"".join(bulk_value.read(file, place, 0, place.length))
        except DicomError:
            return None


def words(version: InstanceVersion) -> list[tuple[str, str]]:
    """Headings and first words of a CDA document, for its card; none of what is no CDA document."""
    data = content(version, most=clinical_document.MAX_BYTES)
    if data is None:
        return []
    try:
        found = clinical_document.read(data)
    except DicomError:
        return []
    return [line for section in found.sections for line in _lines(section)][:_MAX_LINES]


def _lines(section: Block) -> list[tuple[str, str]]:
    """The heading of a section, and its words in one line."""
    inner = [part for part in section.parts if isinstance(part, Block) and part.name == "section"]
    heading = next((_plain(part) for part in section.parts if isinstance(part, Block) and part.name == "h"), "")
    own = " ".join(_plain(part) for part in section.parts if part not in inner and not _is_heading(part))
    lines = [(heading, "")] if heading else []
    lines += [("", own.strip())] if own.strip() else []
    return lines + [line for part in inner for line in _lines(part)]


def _is_heading(part: str | Block) -> bool:
    return isinstance(part, Block) and part.name == "h"


def _plain(part: str | Block) -> str:
    return part if isinstance(part, str) else " ".join(_plain(inner) for inner in part.parts)
