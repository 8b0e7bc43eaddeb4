"""Asks the decoder pool to make material ready for wrapping: files are handed over as descriptors, facts come back."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, BinaryIO, Final

from imaging.dicom.wrapping.facts import DocumentFacts, LossyHistory, PictureFacts, VideoFacts
from imaging.rendering.decoder import Client
from imaging.rendering.protocol import Lane, Message

#: Seconds that a person waits for one file: a film of many pages, or half a minute of video that is encoded again.
PATIENCE: Final = 170.0


def picture(socket: Path, source: BinaryIO, target: BinaryIO) -> PictureFacts:
    """Frames of the picture ``source``, written to ``target``. Raises ``DicomError``, ``decoder.Unavailable``."""
    record = _ask(socket, "media.picture", source, target)
    record["icc_profile"] = base64.b64decode(record["icc_profile"])
    record["lossy"] = _history(record["lossy"])
    for name in ("lengths", "notes"):
        record[name] = tuple(record[name])
    for name in ("density", "window"):
        record[name] = tuple(record[name]) if record[name] else None
    return PictureFacts(**record)


def video(socket: Path, source: BinaryIO, target: BinaryIO, *, with_sound: bool) -> VideoFacts:
    """The MP4 stream of the video ``source``, written to ``target``. Raises as ``picture``."""
    record = _ask(socket, "media.video", source, target, with_sound=with_sound)
    record["lossy"] = _history(record["lossy"])
    record["notes"] = tuple(record["notes"])
    return VideoFacts(**record)


def pdf(socket: Path, source: BinaryIO) -> DocumentFacts:
    """What the PDF ``source`` is. Raises as ``picture``."""
    record = _ask(socket, "media.pdf", source, None)
    record["notes"] = tuple(record["notes"])
    return DocumentFacts(**record)


def _ask(socket: Path, operation: str, source: BinaryIO, target: BinaryIO | None, **header: Any) -> dict[str, Any]:
    descriptors = [file.fileno() for file in (source, target) if file is not None]
    client = Client(socket, Lane.CONVERSION, within=PATIENCE)
    answer = client.ask(Message({"operation": operation, **header}, lane=Lane.CONVERSION, descriptors=descriptors))
    if target is not None:
        target.seek(0)
    return {name: value for name, value in answer.header.items() if name != "ok"}


def _history(record: dict[str, Any] | None) -> LossyHistory | None:
    return LossyHistory(**record) if record else None
