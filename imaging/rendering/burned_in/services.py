"""Burned-in words of an object: found, blanked, looked for again. Files are handed to the decoder pool as descriptors.

Raises throughout ``DicomError`` for what cannot be decoded (to be held for a person's review, never passed),
``decoder.Unavailable`` where the pool cannot be asked, and ``storage.StorageFull`` without room.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from django.conf import settings

from imaging.dicom.blanking import Area
from imaging.rendering.decoder import Client
from imaging.rendering.protocol import Lane, Message
from imaging.storage import disk
from imaging.storage import services as storage

#: How often words are looked for and blanked: a word may be seen only when its neighbour is gone.
_ROUNDS: Final = 3
#: Pixels around a word: the edges of letters are soft, and lossy compression smears them.
_MARGIN: Final = 3


@dataclass(frozen=True, slots=True)
class Region:
    """A word in a frame (from 1): its rectangle in pixels, what it seems to say (personal data!), how sure (0 to 1)."""

    frame: int
    x: int
    y: int
    w: int
    h: int
    text: str
    text_score: float

    def area(self) -> Area:
        """The rectangle to blank, with a margin: in every frame, for a word that stays is not read equally well in each."""
        side = 2 * _MARGIN
        return Area(self.x - _MARGIN, self.y - _MARGIN, self.w + side, self.h + side)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned object: its Part 10 file, what was blanked, and the words that are seen in it still."""

    file: BinaryIO
    blanked: tuple[Region, ...]
    left: tuple[Region, ...]


def detect(file: BinaryIO) -> list[Region]:
    """The words in the frames of a Part 10 file that has a descriptor."""
    client = Client(settings.DECODER_SOCKET, lane=Lane.CONVERSION)
    request = Message({"operation": "burned_in.find"}, lane=Lane.CONVERSION, descriptors=[file.fileno()])
    return [Region(*word) for word in client.ask(request).header["words"]]


def is_text_left(file: BinaryIO) -> bool:
    """Whether a reader would still recognise words in a file."""
    return bool(detect(file))


@contextmanager
def blanked(file: BinaryIO, areas: Iterable[Area], *, outside_regions: bool = True) -> Iterator[BinaryIO]:
    """The file with its areas black, and with all outside its ultrasound regions, as a file that goes when it is closed."""
    folder = settings.DATA_DIR / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    room = disk.room(folder, settings.SPOOL_RESERVE)
    if room <= 0:
        raise storage.StorageFull
    with tempfile.TemporaryFile(dir=folder) as target:
        header = {
            "operation": "burned_in.blank",
            "areas": [[area.left, area.top, area.width, area.height, area.first, area.last] for area in areas],
            "outside_regions": outside_regions,
            "most": room,
        }
        request = Message(header, lane=Lane.CONVERSION, descriptors=[file.fileno(), target.fileno()])
        Client(settings.DECODER_SOCKET, lane=Lane.CONVERSION).ask(request)
        target.seek(0)
        yield target


@contextmanager
def cleaned(file: BinaryIO) -> Iterator[Cleaned]:
    """A copy of a Part 10 file without its burned-in words; each round blanks what the one before made visible."""
    with ExitStack() as copies:
        current = copies.enter_context(blanked(file, ()))
        gone: list[Region] = []
        left = detect(current)
        for _ in range(_ROUNDS):
            if not left:
                break
            gone += left
            current = copies.enter_context(blanked(current, [word.area() for word in left]))
            left = detect(current)
        current.seek(0)
        yield Cleaned(current, tuple(gone), tuple(left))
