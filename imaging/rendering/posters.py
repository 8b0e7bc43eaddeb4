"""Frames of a video stream (MPEG-2, H.264, HEVC), by FFmpeg. Runs in the decoder pool only."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from typing import Any

import av
from av.error import FFmpegError
from PIL import ImageDraw

from imaging.dicom.errors import DecodeFailed, UnsupportedPixels
from imaging.rendering import tiles
from imaging.rendering.pictures import Image

#: Frames that are looked through for one that is not black.
_LOOKED_THROUGH = 60
_MAX_PIXELS = 8192 * 8192
_DARK = 12


@dataclass(frozen=True, slots=True)
class Poster:
    """One frame, and how many the stream says that it has (0: it does not say)."""

    image: Image
    frames: int


def poster(stream: bytes) -> Poster:
    """The first frame with something on it. Raises ``DicomError``."""
    try:
        with av.open(io.BytesIO(stream), mode="r", format=_container(stream), io_open=_nothing_else) as container:
            video = next(iter(container.streams.video), None)
            if video is None:
                raise UnsupportedPixels("a video without pictures", code="broken_video")
            if not 0 < video.width * video.height <= _MAX_PIXELS:
                raise UnsupportedPixels(f"{video.width} x {video.height} pixels", code="too_large")
            video.thread_type = "NONE"
            image = None
            for frame in itertools.islice(container.decode(video), _LOOKED_THROUGH):
                image = frame.to_image()  # type: ignore[no-untyped-call]
                if image.convert("L").resize((16, 16)).getextrema()[1] > _DARK:
                    break
            if image is None:
                raise DecodeFailed("a video without a frame that can be decoded", code="broken_video")
            return Poster(image, int(video.frames or 0))
    except FFmpegError as error:
        raise DecodeFailed("the video stream cannot be read", code="broken_video") from error


def _nothing_else(*_arguments: Any, **_names: Any) -> Any:
    raise DecodeFailed("the video names another file", code="broken_video")


def _container(stream: bytes) -> str:
    """The container by its first bytes. FFmpeg never guesses: its playlists and scripts name other files."""
    head = stream[:400]
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:1] == b"G" and head[188:189] == b"G":
        return "mpegts"
    if head[:4] == b"\0\0\1\xba":
        return "mpeg"
    if head[:4] == b"\0\0\1\xb3":
        return "mpegvideo"
    start = head.find(b"\0\0\1")
    if 0 <= start <= 1 and len(head) > start + 3:
        # H.264 begins with a sequence parameter set or a delimiter (types 7, 9), HEVC with types of 32 and more.
        return "h264" if head[start + 3] & 0x1F in {7, 9} else "hevc"
    raise UnsupportedPixels("an unknown video container", code="broken_video")


def with_play_sign(image: Image) -> Image:
    """The picture with the sign of a film in its middle, so that nobody takes it for a still image."""
    pen = ImageDraw.Draw(image, "RGBA")
    radius = max(8.0, min(image.size) * 0.11)
    x, y = image.width / 2, image.height / 2
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(0, 0, 0, 150))
    side = radius * 0.5
    pen.polygon([(x - side * 0.7, y - side), (x - side * 0.7, y + side), (x + side, y)], fill=tiles.ACCENT)
    return image
