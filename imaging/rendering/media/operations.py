"""What the decoder pool is asked to do with material: each reads the first descriptor and writes to the second."""

from __future__ import annotations

import base64
import dataclasses
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from imaging.dicom.wrapping.facts import PictureFacts, VideoFacts
from imaging.rendering.media import documents, pictures, videos
from imaging.rendering.protocol import Message

__all__ = ["OPERATIONS"]


def picture(request: Message) -> Message:
    """Make frames of a picture file."""
    source, target = request.descriptors
    with os.fdopen(os.dup(source), "rb") as file, os.fdopen(os.dup(target), "wb") as out:
        file.seek(0)
        return Message(_packed(pictures.prepare(file, out)))


def video(request: Message) -> Message:
    """Make an MP4 stream of a video file. Header: ``with_sound``."""
    source, target = request.descriptors
    with os.fdopen(os.dup(source), "rb") as file, os.fdopen(os.dup(target), "w+b") as out:
        return Message(_packed(videos.prepare(file, out, with_sound=bool(request.header.get("with_sound")))))


def pdf(request: Message) -> Message:
    """Look into a PDF; nothing is written."""
    with os.fdopen(os.dup(request.descriptors[0]), "rb") as file:
        file.seek(0)
        return Message(dataclasses.asdict(documents.inspect(file)))


def _packed(facts: PictureFacts | VideoFacts) -> dict[str, Any]:
    packed = dataclasses.asdict(facts)
    if isinstance(facts, PictureFacts):
        packed["icc_profile"] = base64.b64encode(facts.icc_profile).decode("ascii")
    return packed


OPERATIONS: Final[Mapping[str, Callable[[Message], Message]]] = MappingProxyType(
    {"media.picture": picture, "media.video": video, "media.pdf": pdf}
)
