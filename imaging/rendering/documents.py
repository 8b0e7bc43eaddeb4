"""The document inside an instance (PS3.3 A.45): its bytes, and pages of it drawn by the decoder pool."""

from typing import Final

from imaging.dicom import bulk_value
from imaging.dicom.errors import DicomError
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion

#: Bytes of a document that is read whole.
MAX_DOCUMENT: Final = 64 * 1024 * 1024
_DOCUMENT: Final = "00420011"
_LENGTH: Final = "00420015"


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
