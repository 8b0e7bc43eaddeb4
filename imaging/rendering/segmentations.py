"""What is drawn of a segmentation: its frames of one plane, over the image of the study that they were made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from imaging.dicom import segmentation
from imaging.dicom.errors import DicomError
from imaging.dicom.segmentation import Reference
from imaging.rendering.decoder import Encoded, Layer
from imaging.storage.errors import StorageError
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import frames

_MAX_GROUND: Final = 128 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Drawing:
    """Frames and colours, and the image under them with its UID; nothing is under them where it is not at hand."""

    layers: tuple[Layer, ...]
    ground: Encoded | None
    shown_with: str


def of(version: InstanceVersion, record: Mapping[str, Any], number: int, *, with_image: bool) -> Drawing:
    """The drawing of the plane of frame ``number``. Raises as ``frames.frame`` and ``frames.described``."""
    plane = segmentation.plane(record, version.instance.sop_class_uid, number)
    layers = tuple(
        Layer(frames.frame(version, at).data, frames.described(version, at), colours, plane.full)
        for at, colours in zip(plane.frames, plane.colours, strict=True)
    )
    ground = image_of(version, plane.image) if with_image and plane.image else None
    if ground and (ground[1].rows, ground[1].columns) != (layers[0].description.rows, layers[0].description.columns):
        ground = None
    return Drawing(layers, ground, plane.image.sop_instance_uid if ground and plane.image else "")


def image_of(version: InstanceVersion, wanted: Reference) -> Encoded | None:
    """A frame of another image of the same study; None when it is not there, or not ready to be read."""
    found = (
        InstanceVersion.objects.filter(
            state=InstanceVersion.State.CURRENT,
            instance__is_rejected=False,
            instance__study_id=version.instance.study_id,
            instance__sop_instance_uid=wanted.sop_instance_uid,
        )
        .select_related("instance__series__study", "stored_object", "frames_object")
        .first()
    )
    if found is None:
        return None
    try:
        described = frames.described(found, wanted.frame_number)
        if described.native_bytes > _MAX_GROUND:
            return None
        return frames.frame(found, wanted.frame_number).data, described
    except (frames.FramesNotReady, frames.NoSuchFrame, DicomError, StorageError, ValueError):
        return None
