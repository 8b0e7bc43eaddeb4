"""A video file to one MP4 stream that DICOM can hold (PS3.5 8.2.5 to 8.2.9). Runs in the decoder pool only.

A stream that the standard knows is moved into a fresh container as it is; a short one of another kind is encoded again as
H.264. What the phone wrote about place and device stays behind with the old container.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, BinaryIO, Final

import av
import av.filter

from imaging.dicom.errors import DicomError
from imaging.dicom.wrapping.facts import LossyHistory, VideoFacts
from imaging.rendering.media import material

H264_LEVEL_41: Final = "1.2.840.10008.1.2.4.102"
H264_LEVEL_42: Final = "1.2.840.10008.1.2.4.104"
HEVC_MAIN_51: Final = "1.2.840.10008.1.2.4.107"

_H264_PROFILES: Final = frozenset({"Constrained Baseline", "Main", "High"})
_HEVC_LEVEL_51: Final = 153
_METHODS: Final = {"h264": "ISO_14496_10", "hevc": "ISO_23008_2"}
_PLAIN: Final = frozenset({"yuv420p", "yuvj420p"})
#: Sound that PS3.5 8.2.7 lets an MP4 carry.
_SOUND: Final = frozenset({"aac", "mp3", "ac3"})
#: Pixels of the whole video that are encoded while a person waits: about half a minute of full HD.
MAX_TRANSCODED: Final = 2_200_000_000
MAX_FRAMES: Final = 1_000_000
_LARGEST_SIDE: Final = (1920, 1080)
_RATES: Final = (Fraction(1), Fraction(120))


class BadVideo(DicomError):
    """The video cannot be kept."""

    default_code = "bad_video"


@dataclass(frozen=True, slots=True)
class _Found:
    """What the first picture and the container say."""

    codec: str
    syntax: str
    rotation: int
    rate: Fraction
    width: int
    height: int
    frames: int


def prepare(source: BinaryIO, target: BinaryIO, *, with_sound: bool) -> VideoFacts:
    """Write the video of ``source`` as MP4 to ``target`` (seekable). Raises ``BadVideo``: ``too_long``, ``no_video``, ``bad_video``."""
    try:
        found = _probe(source)
        if found.syntax:
            return _moved(source, target, found, with_sound)
        if not found.frames or found.frames * found.width * found.height > MAX_TRANSCODED:
            raise BadVideo("too long to be converted here", code="too_long")
        return _encoded(source, target, found)
    except (av.error.FFmpegError, ValueError, OverflowError, EOFError) as error:
        raise BadVideo(type(error).__name__) from error


def _open(source: BinaryIO) -> Any:
    source.seek(0)
    demuxer = material.demuxer_of(source.read(material.HEAD))
    source.seek(0)
    if not demuxer:
        raise BadVideo("no known container")
    return av.open(source, format=demuxer, metadata_errors="replace", io_open=_nothing_else)


def _nothing_else(*_arguments: Any, **_names: Any) -> Any:
    raise BadVideo("the video names another file")


def _probe(source: BinaryIO) -> _Found:
    with _open(source) as container:
        if not container.streams.video:
            raise BadVideo("no video stream", code="no_video")
        stream = container.streams.video[0]
        picture = next(iter(container.decode(stream)), None)
        if picture is None:
            raise BadVideo("no picture can be read", code="no_video")
        rate = stream.average_rate or stream.guessed_rate
        if rate is None or not _RATES[0] <= rate <= _RATES[1]:
            rate = Fraction(25)
        length = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
        if not length and container.duration:
            length = container.duration / av.time_base
        frames = stream.frames or round(length * rate)
        rotation = round(picture.rotation / 90) * 90 % 360
        plain = picture.format.name in _PLAIN and not rotation and _is_square(stream)
        syntax = _syntax(stream, rate) if plain else ""
        return _Found(stream.codec_context.name, syntax, rotation, rate, picture.width, picture.height, frames)


def _is_square(stream: Any) -> bool:
    return (stream.sample_aspect_ratio or 1) in {0, 1}


def _syntax(stream: Any, rate: Fraction) -> str:
    """The transfer syntax that the stream obeys as it is, or nothing."""
    context = stream.codec_context
    fits = max(context.width, context.height) <= _LARGEST_SIDE[0] and min(context.width, context.height) <= 1088
    if context.name == "h264" and stream.profile in _H264_PROFILES and fits and context.width <= _LARGEST_SIDE[0]:
        if context.level <= 41 and rate <= 60:
            return H264_LEVEL_41
        return H264_LEVEL_42 if context.level <= 42 else ""
    if context.name == "hevc" and stream.profile == "Main" and 0 < context.level <= _HEVC_LEVEL_51:
        return HEVC_MAIN_51
    return ""


def _moved(source: BinaryIO, target: BinaryIO, found: _Found, with_sound: bool) -> VideoFacts:
    """The stream as it is in a fresh container, and the sound where the standard knows its kind."""
    with _open(source) as container, av.open(target, "w", format="mp4") as out:
        stream = container.streams.video[0]
        streams = {stream.index: out.add_stream_from_template(stream)}
        sound = next((one for one in container.streams.audio if one.codec_context.name in _SOUND), None)
        if with_sound and sound is not None:
            streams[sound.index] = out.add_stream_from_template(sound)
        for copied in streams.values():
            copied.metadata.clear()
        frames = octets = 0
        for packet in container.demux([one for one in container.streams if one.index in streams]):
            if packet.dts is None or not packet.size:
                continue
            if packet.stream.index == stream.index:
                frames += 1
                octets += packet.size
                if frames > MAX_FRAMES:
                    raise BadVideo("more frames than one object may have", code="too_long")
            packet.stream = streams[packet.stream.index]
            out.mux(packet)
        channels = sound.codec_context.layout.nb_channels if with_sound and sound is not None else 0
        is_silenced = bool(container.streams.audio) and not channels
    notes = ("details_removed", *(("sound_removed",) if is_silenced else ()))
    return _facts(target, found, frames, octets, channels=min(channels, 2), notes=notes, untouched=True)


def _encoded(source: BinaryIO, target: BinaryIO, found: _Found) -> VideoFacts:
    """Encoded again as H.264 High at level 4.1, upright, at most full HD, without sound."""
    rate = min(found.rate, Fraction(30))
    with _open(source) as container, av.open(target, "w", format="mp4") as out:
        stream = container.streams.video[0]
        stream.thread_count = 2
        shown, graph, frames, octets = None, None, 0, 0
        for picture in container.decode(stream):
            if graph is None:
                graph, width, height = _graph(stream, picture, found, rate)
                shown = out.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
                shown.width, shown.height, shown.pix_fmt = width, height, "yuv420p"
                shown.codec_context.profile = "High"
                shown.codec_context.options = {**shown.codec_context.options, "level": "4.1"}
                shown.codec_context.thread_count = 2
            graph.push(picture)
            frames, octets = _drain(graph, shown, out, frames, octets)
        if graph is None or shown is None:
            raise BadVideo("no picture can be read", code="no_video")
        graph.push(None)
        frames, octets = _drain(graph, shown, out, frames, octets)
        for packet in shown.encode():
            octets += packet.size
            out.mux(packet)
        had_sound = bool(container.streams.audio)
    changed = _Found("h264", H264_LEVEL_41, 0, rate, width, height, frames)
    notes = ("encoded_again", "details_removed", *(("sound_removed",) if had_sound else ()))
    return _facts(target, changed, frames, octets, channels=0, notes=notes, untouched=False)


def _drain(graph: Any, shown: Any, out: Any, frames: int, octets: int) -> tuple[int, int]:
    while True:
        try:
            picture = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return frames, octets
        picture.pts = frames
        picture.time_base = 1 / shown.codec_context.rate
        frames += 1
        if frames * picture.width * picture.height > 2 * MAX_TRANSCODED:
            raise BadVideo("longer than it says", code="too_long")
        for packet in shown.encode(picture):
            octets += packet.size
            out.mux(packet)


def _graph(stream: Any, picture: Any, found: _Found, rate: Fraction) -> tuple[Any, int, int]:
    """(filters, width, height): turned upright, within full HD, even sides, one steady rate."""
    turns = {90: ("transpose", "cclock"), 270: ("transpose", "clock"), 180: ("hflip", "")}
    width, height = picture.width, picture.height
    ratio = stream.sample_aspect_ratio or Fraction(1)
    if 0 < ratio < 8:
        width = round(width * ratio)
    if found.rotation in {90, 270}:
        width, height = height, width
    most = _LARGEST_SIDE if width >= height else _LARGEST_SIDE[::-1]
    scale = min(1.0, most[0] / width, most[1] / height)
    width, height = max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)
    graph = av.filter.Graph()
    chain = [graph.add_buffer(template=stream)]
    if found.rotation:
        name, argument = turns[found.rotation]
        chain.append(graph.add(name, argument or None))
        if name == "hflip":
            chain.append(graph.add("vflip"))
    chain.append(graph.add("scale", f"{width}:{height}"))
    chain.append(graph.add("setsar", "1"))
    chain.append(graph.add("fps", f"{rate.numerator}/{rate.denominator}"))
    chain.append(graph.add("format", "yuv420p"))
    chain.append(graph.add("buffersink"))
    for one, following in pairwise(chain):
        one.link_to(following)
    graph.configure()
    return graph, width, height


def _facts(
    target: BinaryIO,
    found: _Found,
    frames: int,
    octets: int,
    *,
    channels: int,
    notes: tuple[str, ...],
    untouched: bool,
) -> VideoFacts:
    if not frames or not octets:
        raise BadVideo("no picture can be read", code="no_video")
    raw = frames * found.width * found.height * 3 / 2
    return VideoFacts(
        rows=found.height,
        columns=found.width,
        number_of_frames=frames,
        frame_time=float(1000 / found.rate),
        length=target.seek(0, io.SEEK_END),
        transfer_syntax_uid=found.syntax,
        lossy=LossyHistory(method=_METHODS[found.codec], ratio=max(raw / octets, 1.0)),
        audio_channels=channels,
        is_untouched=untouched,
        notes=notes,
    )
