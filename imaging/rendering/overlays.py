"""Overlays and shutters of a version, with the planes that are too big to lie in the headers."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from imaging.dicom import bulk_value, display_planes
from imaging.dicom.errors import DicomError
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion

#: Bytes of one plane of bits: 65,535 lines would be more than any film has.
_MAX_PLANE: Final = 16 * 1024 * 1024


def planes(version: InstanceVersion, record: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The attributes that ``display_planes.draw`` reads for frame ``number``. Raises the errors of ``storage``."""
    found = display_planes.attributes(record, number)
    elsewhere = [tag for tag, element in found.items() if tag.endswith("3000") and "BulkDataURI" in element]
    if elsewhere:
        with storage.open(version.stored_object) as file:
            for tag in elsewhere:
                found[tag] = _read(file, tag)
    return found


def _read(file: Any, tag: str) -> dict[str, str]:
    try:
        place = bulk_value.locate(file, tag)
        if place is None or place.length > _MAX_PLANE:
            return {}
        data = b"".join(bulk_value.read(file, place, 0, place.length))
    except DicomError:
        return {}
    return {"vr": "OW", "InlineBinary": base64.b64encode(data).decode("ascii")}
