"""What a decoder child can be asked to do. Runs in the pool only; no Django, no database, no network."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from imaging.dicom import part10, rendition
from imaging.dicom.errors import Malformed, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.rendering import (
    captions,
    layers,
    moving,
    pictures,
    posters,
    printed_pages,
    protocol,
    tile_content,
    tiles,
    waveforms,
    wire,
)
from imaging.rendering.burned_in import operations as burned_in
from imaging.rendering.burned_in import text_detector
from imaging.rendering.media import operations as media
from imaging.rendering.protocol import Message

#: Bytes of converted frames that one object may come to.
MAX_CONVERTED: Final = 16 * 1024**3


def picture(request: Message) -> Message:
    """Draw one frame. Header: ``description``, ``box`` (width, height; 0 = own size), ``aspect``, ``media_type``."""
    header = request.header
    drawn = pictures.draw(
        request.payload,
        wire.description(header["description"]),
        box=(int(header["box"][0]), int(header["box"][1])),
        aspect=float(header.get("aspect") or 1.0),
        planes=header.get("planes") or {},
        frame_number=int(header.get("frame") or 1),
    )
    return _encoded(drawn, header)


def segments(request: Message) -> Message:
    """Draw segments as colours over the image that they were drawn on, where there is one.

    Header: ``parts`` (lengths of the payload's frames), ``ground`` (a description or None; its frame comes first), ``layers``
    (description, colours as [value, red, green, blue], full), ``box``, ``aspect``, ``media_type``.
    """
    header = request.header
    parts = _parts(request)
    ground = None
    if header.get("ground"):
        ground = pictures.display(next(parts), wire.description(header["ground"]))
    drawn = layers.draw([_layer(layer, part) for layer, part in zip(header["layers"], parts, strict=True)], ground)
    box = int(header["box"][0]), int(header["box"][1])
    return _encoded(pictures.fit(drawn, box, float(header.get("aspect") or 1.0)), header)


def _layer(header: Mapping[str, Any], part: bytes) -> layers.Layer:
    colours = {int(value): (int(red), int(green), int(blue)) for value, red, green, blue in header["colours"]}
    return layers.Layer(part, wire.description(header["description"]), colours, int(header["full"]))


def _parts(request: Message) -> Iterator[bytes]:
    at = 0
    for length in request.header["parts"]:
        yield request.payload[at : at + int(length)]
        at += int(length)


def cine(request: Message) -> Message:
    """Draw frames as one animated picture. Header: ``parts``, ``descriptions``, ``box``, ``aspect``, ``milliseconds``."""
    header = request.header
    described = map(wire.description, header["descriptions"])
    box = int(header["box"][0]), int(header["box"][1])
    images = moving.strip(
        list(zip(_parts(request), described, strict=True)), box=box, aspect=float(header.get("aspect") or 1.0)
    )
    payload = moving.encode(images, milliseconds=float(header["milliseconds"]))
    size = {"width": images[0].width, "height": images[0].height}
    return Message({**size, "media_type": "image/webp"}, payload)


def page(request: Message) -> Message:
    """Draw a page of a PDF, the payload. Header: ``number``, ``box``, ``media_type``; the answer names the ``pages`` there are."""
    header = request.header
    image, pages = printed_pages.page(request.payload, int(header["number"]), int(header["box"][0]))
    answer = _encoded(image, header)
    answer.header["pages"] = pages
    return answer


def caption(request: Message) -> Message:
    """Put words below a picture, the payload (PNG). Header: ``words``, ``media_type``, ``quality``."""
    words = str(request.header["words"])
    return _encoded(captions.below(request.payload, words), request.header, xmp=captions.packet(words))


def poster(request: Message) -> Message:
    """Draw a frame of a video stream, the payload. Header: ``box``, ``media_type``."""
    header = request.header
    image = posters.poster(request.payload).image
    image.thumbnail((int(header["box"][0]), int(header["box"][1])))
    return _encoded(posters.with_play_sign(image), header)


def tile(request: Message) -> Message:
    """Draw a card for an object without pixels. The payload is its DICOM JSON, or its file when ``waveform`` is set."""
    header = request.header
    size = int(header["box"][0])
    if header.get("waveform"):
        image = waveforms.draw(io.BytesIO(request.payload), size)
    else:
        words = [(str(label), str(value)) for label, value in header.get("words") or ()]
        image = tiles.draw(tile_content.of(request.payload, str(header["sop_class_uid"]), words), size)
    return _encoded(image, header)


def convert(request: Message) -> Message:
    """Convert the frames of the file behind the first descriptor to native ones, written to the second.

    Header: ``most``, the bytes for which there is room.
    """
    source, target = request.descriptors
    room = int(request.header["most"])
    with os.fdopen(os.dup(source), "rb") as file, os.fdopen(os.dup(target), "wb") as out:
        parsed = part10.read_part10(file)
        description, frames = rendition.native_frames(parsed, file)
        lengths = []
        for frame in frames:
            lengths.append(out.write(frame))
            written = sum(lengths[-1:]) * len(lengths)
            if written > room:
                raise UnsupportedPixels("the converted frames need more room than there is", code=protocol.NO_ROOM)
            if written > MAX_CONVERTED:
                raise UnsupportedPixels("the converted frames are larger than one object may be", code="too_large")
    if len(set(lengths)) != 1:
        raise Malformed("the frames are not of one length")
    return Message({"description": wire.pack(description), "frames": len(lengths), "frame_length": lengths[0]})


def _encoded(image: pictures.Image, header: Mapping[str, Any], *, xmp: bytes = b"") -> Message:
    media_type = str(header["media_type"])
    payload = pictures.encode(image, media_type, quality=int(header.get("quality") or 0), xmp=xmp)
    return Message({"width": image.width, "height": image.height, "media_type": media_type}, payload)


def ping(_request: Message) -> Message:
    """Say that a child is there."""
    return Message({})


OPERATIONS: Final[Mapping[str, Callable[[Message], Message]]] = MappingProxyType(
    {
        "picture": picture,
        "segments": segments,
        "cine": cine,
        "page": page,
        "poster": poster,
        "caption": caption,
        "tile": tile,
        "convert": convert,
        "ping": ping,
        **media.OPERATIONS,
        **burned_in.OPERATIONS,
    }
)


def warm_up() -> None:
    """Load what every child needs, before the first is forked.

    All is shared by the children, and an unprivileged child may not reach the files: PDFium and FFmpeg, loaded by the imports
    above, cost 30 MB once.
    """
    pictures.encode(pictures.fit(np.zeros((8, 8), np.uint8), (4, 4), 1.0), "image/webp")
    tiles.draw(tile_content.Tile(code="SR", title=" "), 64)
    frame = FrameDescription(rows=2, columns=2, bits_allocated=8, bits_stored=8, high_bit=7)
    pictures.draw(bytes(4), frame, box=(2, 2))
    pictures.load_codecs()
    text_detector.load()
