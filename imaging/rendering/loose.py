"""Pictures of contents that are no part of the archive: what waits in quarantine is looked at before it is let in.

Drawn when somebody looks, and kept nowhere. Decoded in the pool like everything else (DESIGN rule 5).
"""

import os
import shutil
import tempfile
from contextlib import closing
from typing import Any, BinaryIO, Final

import orjson
from django.conf import settings

from imaging.dicom import frame_index, json_model, part10, uids
from imaging.dicom.errors import DicomError, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.part10 import ParsedFile
from imaging.rendering import sources
from imaging.rendering.decoder import Client, Picture
from imaging.rendering.protocol import Lane
from imaging.storage import services as storage
from imaging.storage.models import StoredObject

MEDIA_TYPE: Final = "image/webp"
#: Bytes of one frame, and of a file that is converted whole while somebody waits.
_LARGEST: Final = 64 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_PATIENCE: Final = 8.0


def draw(content: StoredObject, *, size: int = 1024) -> Picture:
    """Draw the middle frame of a stored object, or a card that says what it is; ``size`` is the longest edge in pixels.

    Raises ``DicomError`` for what cannot be read or drawn, the errors of ``storage``, and ``decoder.Unavailable``.
    """
    client = Client(settings.DECODER_SOCKET, Lane.PERSON, _PATIENCE)
    with closing(storage.open(content)) as file:
        parsed = part10.read_part10(file)
        if not parsed.has_pixels or uids.is_video(parsed.transfer_syntax_uid):
            return _card(client, parsed, size)
        if frame_index.needs_rendition(parsed) in {"deflated", "big_endian", "bit_packed"}:
            data, description, number = _converted(client, file, content)
        else:
            data, description, number = _stored(file, parsed)
    ratio = sources.aspect(_record(parsed), number)
    return client.picture(data, description, box=(size, size), aspect=ratio, media_type=MEDIA_TYPE)


def _stored(file: BinaryIO, parsed: ParsedFile) -> tuple[bytes, FrameDescription, int]:
    index = frame_index.build(file, parsed)
    number = (index.number_of_frames + 1) // 2
    description = FrameDescription.from_dataset(
        parsed.dataset, parsed.transfer_syntax_uid, number, pixel_vr=getattr(parsed, "pixel_vr", "") or ""
    )
    ranges = index.ranges(number)
    # Together: how many fragments a frame has is the sender's choice.
    if sum(length for _offset, length in ranges) > _LARGEST:
        raise UnsupportedPixels("a frame is too large to be looked at here", code="frame_too_large")
    parts = []
    for offset, length in ranges:
        file.seek(offset)
        parts.append(file.read(length))
    return b"".join(parts), description, number


def _converted(client: Client, file: BinaryIO, content: StoredObject) -> tuple[bytes, FrameDescription, int]:
    """Frames that do not lie in the file as they are: converted in the pool, and the middle one taken."""
    if content.length > _LARGEST:
        raise UnsupportedPixels("the object is too large to be looked at here", code="too_large")
    folder = settings.DATA_DIR / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as plain, tempfile.TemporaryFile(dir=folder) as native:
        file.seek(0)
        shutil.copyfileobj(file, plain, _CHUNK)
        plain.flush()
        plain.seek(0)
        made = client.convert(plain.fileno(), native.fileno(), most=4 * _LARGEST)
        number = (made.frames + 1) // 2
        data = os.pread(native.fileno(), made.frame_length, (number - 1) * made.frame_length)
    return data, made.description, number


def _card(client: Client, parsed: ParsedFile, size: int) -> Picture:
    return client.tile(
        json_model.to_json(parsed), sop_class_uid=str(_sop_class(parsed)), size=size, media_type=MEDIA_TYPE
    )


def _sop_class(parsed: ParsedFile) -> str:
    values = _record(parsed).get("00080016", {}).get("Value") or [""]
    return str(values[0])


def _record(parsed: ParsedFile) -> dict[str, dict[str, Any]]:
    record: dict[str, dict[str, Any]] = orjson.loads(json_model.to_json(parsed, inline_limit=0))
    return record


__all__ = ["DicomError", "draw"]
