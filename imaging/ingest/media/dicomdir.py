"""The index of a disc (PS3.3 annex F): says what should be there. It is not trusted, and opens no file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from imaging.dicom import element_text, part10
from imaging.dicom.element_text import ElementText
from imaging.dicom.errors import DicomError
from imaging.ingest.media import names
from imaging.ingest.media.trouble import MediaError, Trouble

_RECORDS: Final = 0x00041220
_FILE_ID: Final = 0x00041500
_SOP_INSTANCE_UID: Final = 0x00041511
#: PS3.10 section 8.2: eight components; discs with more exist.
_MOST_PARTS: Final = 32


@dataclass(frozen=True, slots=True)
class Reference:
    """One file that the index names: its path below the index, to be compared and shown, and which object it should be."""

    path: str
    sop_instance_uid: str


@dataclass(frozen=True, slots=True)
class Index:
    """What a DICOMDIR says. ``refused`` are the references that would leave the disc, to be shown."""

    references: tuple[Reference, ...]
    refused: tuple[str, ...] = ()

    def missing(self, paths: Iterable[str], sop_instance_uids: Iterable[str]) -> list[Reference]:
        """The references to files that are not there, neither by name (below the index) nor by object."""
        there, objects = {comparable(path) for path in paths}, set(sop_instance_uids)
        return [
            reference
            for reference in self.references
            if comparable(reference.path) not in there and reference.sop_instance_uid not in objects
        ]


def comparable(path: str) -> str:
    """A path as file systems of discs tell it apart: no case, no version number, no dot at the end (ECMA-119 section 7.5)."""
    return path.replace("\\", "/").casefold().partition(";")[0].rstrip(".")


def read_index(file: BinaryIO) -> Index:
    """Read a DICOMDIR. Its offsets are ignored: every record is looked at once. Raises ``MediaError``."""
    try:
        parsed = part10.read_part10(file)
    except DicomError as error:
        raise MediaError(Trouble.UNREADABLE) from error
    references: list[Reference] = []
    refused: list[str] = []
    element = parsed.dataset.get(_RECORDS)
    for record in element.value if element is not None and element.VR == "SQ" else ():
        parts = _parts(record)
        if not parts:
            continue
        path = "/".join(parts)
        if len(parts) > _MOST_PARTS or any(_leaves(part) for part in parts):
            refused.append(names.shown(path))
        else:
            uid = ElementText(record).text(_SOP_INSTANCE_UID, 64)
            references.append(Reference(names.shown(path), uid))
    return Index(tuple(references), tuple(refused))


def _parts(record: Dataset) -> list[str]:
    """The components of the file ID (PS3.10 section 8.5), unconverted: they may be anything."""
    element = element_text.stored(record, _FILE_ID)
    value = element.value if element is not None else None
    if not value:
        return []
    if isinstance(value, bytes):
        return [part.strip(" \0") for part in value.decode("ascii", "replace").split("\\")]
    return [value] if isinstance(value, str) else [str(part) for part in value]


def _leaves(part: str) -> bool:
    return part in {"", ".", ".."} or any(char in part for char in "/\\:\x00")
