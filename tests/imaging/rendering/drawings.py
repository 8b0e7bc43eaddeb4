"""Objects that are drawn in these tests, and how their pictures are looked at."""

import io
from typing import Any

import av
import numpy as np
import PIL.Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from imaging.dicom import uids
from imaging.rendering.models import Rendition
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion
from tests.factories import arrivals


def made(version: InstanceVersion, kind: str = "preview") -> Rendition:
    """The ready-made picture's row."""
    return Rendition.objects.get(version=version, kind=kind)


def seen(version: InstanceVersion, kind: str = "preview") -> np.ndarray[Any, Any]:
    """The ready-made picture as (rows, columns, 3)."""
    content = made(version, kind).stored_object
    assert content is not None
    return np.array(PIL.Image.open(io.BytesIO(storage.read(content))).convert("RGB"))


def grey(level: int = 1000, **changes: Any) -> Dataset:
    """A CT slice of 64 x 64 pixels of one grey level in the middle of its window."""
    pixels = np.full((64, 64), level, dtype="<u2")
    values = {"Rows": 64, "Columns": 64, "WindowCenter": level, "WindowWidth": 1000, "PixelData": pixels.tobytes()}
    return arrivals.dataset(**{**values, **changes})


def with_overlay(bits: np.ndarray[Any, Any], *, origin: tuple[int, int] = (1, 1), **changes: Any) -> Dataset:
    """A grey slice with one overlay plane."""
    made_of = grey(**changes)
    made_of.add_new(0x60000010, "US", bits.shape[0])
    made_of.add_new(0x60000011, "US", bits.shape[1])
    made_of.add_new(0x60000040, "CS", "G")
    made_of.add_new(0x60000050, "SS", list(origin))
    made_of.add_new(0x60000100, "US", 1)
    made_of.add_new(0x60000102, "US", 0)
    packed = np.packbits(bits.astype(np.uint8).reshape(-1), bitorder="little").tobytes()
    made_of.add_new(0x60003000, "OW", packed + b"\0" * (len(packed) % 2))
    return made_of


def segmentation(masks: list[np.ndarray[Any, Any]], *, of: Dataset | None, **changes: Any) -> Dataset:
    """A binary segmentation, a segment for each mask, all of one plane, made from the image ``of``."""
    rows, columns = masks[0].shape
    source = of or arrivals.dataset()
    frames, segments = [], []
    for number, _mask in enumerate(masks, 1):
        image, derivation, frame, identity, place, segment = (Dataset() for _ in range(6))
        image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
        derivation.SourceImageSequence = Sequence([image])
        frame.DerivationImageSequence = Sequence([derivation])
        identity.ReferencedSegmentNumber = number
        frame.SegmentIdentificationSequence = Sequence([identity])
        place.ImagePositionPatient = [0, 0, 0]
        frame.PlanePositionSequence = Sequence([place])
        frames.append(frame)
        segment.SegmentNumber, segment.SegmentLabel = number, f"Segment {number}"
        segments.append(segment)
    bits = np.concatenate([mask.reshape(-1) for mask in masks]).astype(np.uint8)
    values: dict[str, Any] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4",
        "Modality": "SEG",
        "StudyInstanceUID": source.StudyInstanceUID,
        "SeriesInstanceUID": arrivals.uid(),
        "SeriesNumber": 9,
        "PatientID": source.PatientID,
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 1,
        "BitsStored": 1,
        "HighBit": 0,
        "NumberOfFrames": len(masks),
        "SegmentationType": "BINARY",
        "SegmentSequence": Sequence(segments),
        "PerFrameFunctionalGroupsSequence": Sequence(frames),
        "PixelData": np.packbits(bits, bitorder="little").tobytes() + b"\0",
    }
    return arrivals.dataset(**{**values, **changes})


def encapsulated(
    document: bytes, media_type: str, sop_class_uid: str = uids.ENCAPSULATED_PDF, **changes: Any
) -> Dataset:
    """A document in DICOM."""
    none = dict.fromkeys(
        (
            "SamplesPerPixel",
            "PhotometricInterpretation",
            "Rows",
            "Columns",
            "BitsAllocated",
            "BitsStored",
            "HighBit",
            "PixelRepresentation",
            "PixelData",
        )
    )
    values = {
        "SOPClassUID": sop_class_uid,
        "Modality": "DOC",
        "MIMETypeOfEncapsulatedDocument": media_type,
        "EncapsulatedDocument": document + b"\0" * (len(document) % 2),
    }
    return arrivals.dataset(**{**none, **values, **changes})


def video_of(pixel: tuple[int, int, int], frames: int = 12) -> bytes:
    """An MP4 of one colour after three black frames."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(frames):
            picture = PIL.Image.new("RGB", (160, 120), pixel if number > 2 else (0, 0, 0))
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


def video_object(stream: bytes) -> bytes:
    """A file of a video endoscopy with this stream."""
    made = arrivals.dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.1.1",
        Modality="ES",
        Rows=120,
        Columns=160,
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_PARTIAL_420",
        PlanarConfiguration=0,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        NumberOfFrames=12,
        PixelData=encapsulate([stream], has_bot=False),
    )
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return arrivals.encoded(made, "1.2.840.10008.1.2.4.102")
