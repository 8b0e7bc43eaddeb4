"""Converted frames for objects whose stored form no browser reads: deflated, big-endian, palette, subsampled, bit-packed."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from django.conf import settings

from imaging.dicom import frame_index
from imaging.dicom.errors import DecodeFailed
from imaging.rendering import decoder, protocol
from imaging.storage import disk
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import services as studies
from imaging.studies.models import InstanceVersion

#: Bytes of an object that is converted while a person waits; a larger one is the background's.
SMALL: Final = 64 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
#: Seconds that a person's request waits for a conversion. It may queue behind others' of an hour: the web's threads are few.
_PATIENCE: Final = 8.0


def convert(version: InstanceVersion, *, within: float | None = None) -> None:
    """Convert the frames of a version and serve them from then on; harmless when done twice.

    Raises ``DicomError``, the errors of ``storage``, and ``decoder.Unavailable``, also when it takes longer than ``within``.
    """
    folder = settings.DATA_DIR / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as plain, tempfile.TemporaryFile(dir=folder) as native:
        with storage.open(version.stored_object) as file:
            shutil.copyfileobj(file, plain, _CHUNK)
        plain.flush()
        plain.seek(0)
        client = decoder.Client(settings.DECODER_SOCKET, within=within)
        made = _made(client, plain.fileno(), native.fileno(), most=_room(folder))
        if os.fstat(native.fileno()).st_size != made.frames * made.frame_length:
            raise DecodeFailed("the converted frames are not complete")
        native.seek(0)
        content = storage.put(
            native, kind=StoredObject.Kind.FRAMES, transfer_syntax_uid=made.description.transfer_syntax_uid
        )
    index = frame_index.contiguous(0, made.frame_length, made.frames)
    studies.attach_frames(version, frames=content, frame_index=index.to_bytes())


def _room(folder: Path) -> int:
    """Bytes that the frames may come to: a small object may hold thousands of times its size, and lies there twice for a while."""
    room = disk.room(folder, settings.SPOOL_RESERVE) // 2
    if room <= 0:
        raise storage.StorageFull
    return room


def _made(client: decoder.Client, source: int, target: int, *, most: int) -> decoder.Converted:
    try:
        return client.convert(source, target, most=most)
    except DecodeFailed as error:
        if error.code == protocol.NO_ROOM:
            raise storage.StorageFull from error
        raise


def convert_now(version: InstanceVersion) -> None:
    """Convert while a person waits. Raises ``decoder.Unavailable`` for what takes too long, which is the background's."""
    if version.stored_object.length > SMALL:
        raise decoder.Unavailable("the frames are being converted")
    convert(version, within=_PATIENCE)
