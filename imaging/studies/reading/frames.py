"""Frames by range: one frame is read where the index says that it lies, without parsing DICOM (DESIGN 4.3)."""

from dataclasses import dataclass

from imaging.dicom import frame_index
from imaging.dicom.frame_description import FrameDescription
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import metadata


class NoSuchFrame(LookupError):
    """The instance has no frame of that number, or no pixels at all."""


class FramesNotReady(Exception):
    """The frames are still being converted for reading; try again shortly."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes of one frame as they are encoded."""

    data: bytes
    transfer_syntax_uid: str
    media_type: str


def frame(version: InstanceVersion, number: int) -> Frame:
    """Frame ``number``, counted from 1, of a version opened with ``access.open_instance``.

    Raises ``NoSuchFrame``, ``FramesNotReady``, and the errors of ``storage``.
    """
    content, index = located(version)
    if not 1 <= number <= index.number_of_frames:
        raise NoSuchFrame(number)
    data = b"".join(storage.read_ranges(content, index.ranges(number)))
    syntax = content.transfer_syntax_uid
    return Frame(data=data, transfer_syntax_uid=syntax, media_type=frame_index.frame_media_type(syntax))


def located(version: InstanceVersion) -> tuple[StoredObject, frame_index.FrameIndex]:
    """The content that holds the readable frames of a version, and where they lie in it."""
    content = version.stored_object
    if version.needs_rendition:
        if version.frames_object is None:
            raise FramesNotReady(version.pk)
        content = version.frames_object
    if not version.frame_index:
        raise NoSuchFrame(version.pk)
    return content, frame_index.FrameIndex.from_bytes(bytes(version.frame_index))


def described(version: InstanceVersion, number: int = 1) -> FrameDescription:
    """How the bytes of a frame become pixels, from the stored metadata, for ``dicom.decode``."""
    located(version)
    record = metadata.instance_record(version)
    stored = FrameDescription.from_json(record, version.stored_object.transfer_syntax_uid, number)
    return stored.as_rendition() if version.needs_rendition else stored
