"""The decoder pool's client, for web and workers alike. Nothing outside the pool decodes pixels (DESIGN rule 5)."""

from __future__ import annotations

import contextlib
import math
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imaging.dicom.errors import DecodeFailed
from imaging.dicom.frame_description import FrameDescription
from imaging.rendering import protocol, wire
from imaging.rendering.protocol import Lane, Message

#: Seconds that a person's request waits for a pool that is being restarted, and that the background does.
_PATIENCE: Final = {Lane.PERSON: 3.0, Lane.BACKGROUND: 30.0, Lane.CONVERSION: 30.0}
#: Seconds for an answer: longer than the pool's own wall-clock limit, which ends a picture first.
_ANSWER: Final = {Lane.PERSON: 60.0, Lane.BACKGROUND: 90.0, Lane.CONVERSION: 2 * 3600.0}
_PAUSE: Final = 0.1
_AGAIN: Final = frozenset({"busy", "restarting"})


#: The bytes of a frame and what they are.
Encoded = tuple[bytes, FrameDescription]


class Unavailable(Exception):
    """The pool cannot be asked now: 503 with ``Retry-After: retry_after`` (seconds)."""

    retry_after = 2


class Busy(Unavailable):
    """The pool's queue is full."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture; width and height in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a document, and how many it has."""

    picture: Picture
    pages: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One frame of a segmentation, as ``layers.Layer``, which is of the pool's side."""

    source: bytes
    description: FrameDescription
    colours: Mapping[int, tuple[int, int, int]]
    full: int = 0


@dataclass(frozen=True, slots=True)
class Converted:
    """Native frames that were written one after another: what they are, how many, and the bytes of each."""

    description: FrameDescription
    frames: int
    frame_length: int


@dataclass(frozen=True, slots=True)
class Client:
    """Asks the pool that listens at ``path``. ``lane`` says who waits for the answer.

    ``within`` are the seconds after which no answer means ``Unavailable``, for who cannot wait as long as the lane may take.
    """

    path: Path
    lane: Lane = Lane.PERSON
    within: float | None = None

    def picture(
        self,
        source: bytes,
        description: FrameDescription,
        *,
        box: tuple[int, int],
        aspect: float = 1.0,
        media_type: str = "image/webp",
        quality: int = 0,
        planes: Mapping[str, Any] | None = None,
        frame_number: int = 1,
    ) -> Picture:
        """Draw one encoded frame; see ``pictures.draw``. Raises ``DicomError`` (never shown), ``Unavailable``."""
        header = {
            "operation": "picture",
            "description": wire.pack(description),
            "box": box,
            "aspect": aspect,
            "media_type": media_type,
            "quality": quality,
        }
        if planes:
            header |= {"planes": planes, "frame": frame_number}
        return _picture(self.ask(Message(header, source, self.lane)))

    def segments(
        self, layers: Sequence[Layer], ground: Encoded | None, *, box: tuple[int, int], aspect: float, media_type: str
    ) -> Picture:
        """Draw segments over the image that they belong to, or alone; see ``layers.draw``."""
        header = {
            "operation": "segments",
            "ground": wire.pack(ground[1]) if ground else None,
            "layers": [
                {
                    "description": wire.pack(layer.description),
                    "colours": [[value, *colour] for value, colour in layer.colours.items()],
                    "full": layer.full,
                }
                for layer in layers
            ],
            "box": box,
            "aspect": aspect,
            "media_type": media_type,
        }
        parts = [*([ground[0]] if ground else []), *(layer.source for layer in layers)]
        return _picture(self._ask_of_parts(header, parts))

    def cine(self, frames: Sequence[Encoded], *, box: tuple[int, int], aspect: float, milliseconds: float) -> Picture:
        """Draw frames as one animated WebP, each shown for so long."""
        header = {
            "operation": "cine",
            "descriptions": [wire.pack(description) for _source, description in frames],
            "box": box,
            "aspect": aspect,
            "milliseconds": milliseconds,
        }
        return _picture(self._ask_of_parts(header, [source for source, _description in frames]))

    def _ask_of_parts(self, header: dict[str, Any], parts: Sequence[bytes]) -> Message:
        header["parts"] = [len(part) for part in parts]
        return self.ask(Message(header, b"".join(parts), self.lane))

    def page(self, document: bytes, *, number: int, size: int, media_type: str = "image/webp") -> Page:
        """Draw a page of a PDF, counted from 1."""
        header = {"operation": "page", "number": number, "box": [size, size], "media_type": media_type}
        answer = self.ask(Message(header, document, self.lane))
        return Page(_picture(answer), int(answer.header["pages"]))

    def poster(self, stream: bytes, *, box: tuple[int, int], media_type: str = "image/webp") -> Picture:
        """Draw a frame of a video stream."""
        header = {"operation": "poster", "box": box, "media_type": media_type}
        return _picture(self.ask(Message(header, stream, self.lane)))

    def caption(self, picture: bytes, words: str, *, media_type: str, quality: int = 0) -> Picture:
        """Put a line of words below a picture (PNG)."""
        header = {"operation": "caption", "words": words, "media_type": media_type, "quality": quality}
        return _picture(self.ask(Message(header, picture, self.lane)))

    def tile(
        self,
        record: bytes,
        *,
        sop_class_uid: str,
        size: int,
        media_type: str = "image/webp",
        words: Sequence[tuple[str, str]] = (),
    ) -> Picture:
        """Draw the card of an object without pixels from its DICOM JSON; ``words`` are further lines: label, value."""
        header = {
            "operation": "tile",
            "sop_class_uid": sop_class_uid,
            "box": [size, size],
            "media_type": media_type,
            "words": words,
        }
        return _picture(self.ask(Message(header, record, self.lane)))

    def waveform(self, file: bytes, *, size: int, media_type: str = "image/webp") -> Picture:
        """Draw the curves of a waveform object from its file."""
        header = {"operation": "tile", "waveform": True, "box": [size, size], "media_type": media_type}
        return _picture(self.ask(Message(header, file, self.lane)))

    def convert(self, source: int, target: int, *, most: int) -> Converted:
        """Convert the frames of the file open as ``source`` to native ones, appended to ``target`` (descriptors).

        Beyond ``most`` bytes it is refused with the code ``protocol.NO_ROOM``.
        """
        header = {"operation": "convert", "most": most}
        answer = self.ask(Message(header, lane=Lane.CONVERSION, descriptors=[source, target])).header
        return Converted(wire.description(answer["description"]), answer["frames"], answer["frame_length"])

    def ping(self) -> bool:
        """Whether a decoder answers."""
        try:
            self._ask_once(Message({"operation": "ping"}, lane=Lane.PERSON))
        except (OSError, Unavailable):
            return False
        return True

    def ask(self, request: Message) -> Message:
        """Send a request until it is answered; a lost answer is asked for once more, as the pool may have restarted.

        A person's request finds a full queue at once; the background waits for a place.
        """
        until = time.monotonic() + min(_PATIENCE[request.lane], self.within or math.inf)
        lost = 0
        while True:
            try:
                return self._ask_once(request)
            except Busy:
                if request.lane is Lane.PERSON or time.monotonic() > until:
                    raise
            except (FileNotFoundError, ConnectionRefusedError, Unavailable) as error:
                if time.monotonic() > until:
                    raise Unavailable("the decoder pool cannot be reached") from error
            except TimeoutError as error:
                if self.within is not None:
                    raise Unavailable("the decoder pool needs longer") from error
                raise DecodeFailed("the decoder did not answer in time") from error
            except OSError as error:
                lost += 1
                if lost > 1:
                    raise DecodeFailed("the decoder went away twice") from error
            time.sleep(_PAUSE)

    def _ask_once(self, request: Message) -> Message:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(self.within or _ANSWER[request.lane])
            connection.connect(str(self.path))
            # A full pool answers without reading, so a broken pipe here has its reason waiting on the other side.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                protocol.send(connection, request)
            answer = protocol.receive(connection)
        if answer.header.get("ok"):
            return answer
        _raise(answer.header)
        raise AssertionError


def _raise(header: Mapping[str, Any]) -> None:
    code, detail = str(header.get("code", ""))[:40], str(header.get("detail", ""))[:500]
    if code in _AGAIN:
        raise (Busy if code == "busy" else Unavailable)(detail)
    raise DecodeFailed(detail, code=code or None)


def _picture(answer: Message) -> Picture:
    header = answer.header
    return Picture(answer.payload, str(header["media_type"]), int(header["width"]), int(header["height"]))
