"""Videos as Video Photographic, Endoscopic or Microscopic objects (PS3.3 A.32.5 to A.32.7; PS3.5 8.2.5 to 8.2.9)."""

from __future__ import annotations

from typing import BinaryIO, Final

from pydicom.dataset import Dataset

from imaging.dicom.wrapping import modules, regions, writing
from imaging.dicom.wrapping.facts import Concept, Origin, Place, VideoFacts
from imaging.dicom.wrapping.modules import put

_ROOT: Final = "1.2.840.10008.5.1.4.1.1"
VIDEO_CLASSES: Final = {
    Origin.ENDOSCOPY: f"{_ROOT}.77.1.1.1",
    Origin.MICROSCOPY: f"{_ROOT}.77.1.2.1",
    Origin.PHOTO: f"{_ROOT}.77.1.4.1",
}
_FRAME_TIME: Final = 0x00181063


def write_video(out: BinaryIO, place: Place, facts: VideoFacts, stream: BinaryIO, *, origin: Origin) -> None:
    """Write the object to ``out``: the MP4 stream is one fragment. Raises ``Truncated``."""
    made = modules.common(place, sop_class_uid=VIDEO_CLASSES.get(origin, VIDEO_CLASSES[Origin.PHOTO]))
    put(made, "ImageType", ["ORIGINAL", "PRIMARY"])
    put(made, "PatientOrientation", "")
    put(made, "AcquisitionContextSequence", [])
    # A video has to say where (C.8.12.1): the whole body is true of any part.
    region = place.series.body_part_examined or regions.WHOLE_BODY
    regions.locate(made, region, place.series.laterality, is_coded=True)
    modules.acquired(made, place)
    modules.lossy(made, facts.lossy)
    put(made, "SamplesPerPixel", 3)
    put(made, "PhotometricInterpretation", "YBR_PARTIAL_420")
    put(made, "PlanarConfiguration", 0)
    put(made, "Rows", facts.rows)
    put(made, "Columns", facts.columns)
    put(made, "BitsAllocated", 8)
    put(made, "BitsStored", 8)
    put(made, "HighBit", 7)
    put(made, "PixelRepresentation", 0)
    _cine(made, facts)
    writing.write_fragments(
        out, made, transfer_syntax_uid=facts.transfer_syntax_uid, stream=stream, lengths=(facts.length,)
    )


def _cine(made: Dataset, facts: VideoFacts) -> None:
    """Cine (C.7.6.5) and Multi-frame (C.7.6.6) modules; sound is described because it is in the stream."""
    put(made, "NumberOfFrames", str(facts.number_of_frames))
    put(made, "FrameIncrementPointer", _FRAME_TIME)
    put(made, "FrameTime", f"{facts.frame_time:.6g}")
    put(made, "CineRate", str(max(1, round(1000 / facts.frame_time))))
    if facts.audio_channels:
        put(made, "MultiplexedAudioChannelsDescriptionCodeSequence", [_channel(facts.audio_channels)])


def _channel(channels: int) -> Dataset:
    source = modules.code(Concept(value="109112", scheme="DCM", meaning="Ambient room environment"))
    channel = Dataset()
    put(channel, "ChannelIdentificationCode", 1)
    put(channel, "ChannelMode", "STEREO" if channels == 2 else "MONO")
    put(channel, "ChannelSourceSequence", [source])
    return channel
