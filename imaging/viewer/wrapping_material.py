"""A file that a person handed in, made ready by the decoder pool, or the code of why it cannot be."""

import hashlib
import io
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from imaging.dicom.errors import DicomError
from imaging.dicom.wrapping import cda
from imaging.dicom.wrapping.facts import DocumentFacts, PictureFacts, VideoFacts
from imaging.ingest.wrapping.services import Piece
from imaging.rendering import decoder
from imaging.rendering.media import client, material
from imaging.rendering.media.material import Kind

_MEGABYTE: Final = 1024 * 1024
#: Bytes of one file by kind: a film of 35 x 43 cm at 600 dpi and 16 bits has 170 MB.
LARGEST: Final = {
    Kind.PICTURE: 200 * _MEGABYTE,
    Kind.PDF: 50 * _MEGABYTE,
    Kind.CDA: cda.LARGEST,
    Kind.VIDEO: 500 * _MEGABYTE,
}
_NAME: Final = 120


class CannotUse(Exception):
    """The file was not kept; ``code`` says why."""

    def __init__(self, code: str) -> None:
        """Keep the code."""
        super().__init__(code)
        self.code = code


def ready(file: "UploadedFile[Any]", *, with_sound: bool, title: str, opened: ExitStack) -> Piece:
    """The file made ready; its stream is closed with ``opened``. Raises ``CannotUse``."""
    staged = cast(BinaryIO, file.file)
    if staged is None or not file.size:
        raise CannotUse("empty")
    kind = _kind(staged)
    if file.size > LARGEST[kind]:
        raise CannotUse(f"too_large_{kind}")
    digest = hashlib.file_digest(cast(io.BufferedReader, staged), "sha256").hexdigest()
    staging = tempfile.TemporaryFile(dir=settings.UPLOAD_DIR)  # noqa: SIM115 -- closed with `opened`
    target = cast(BinaryIO, opened.enter_context(staging))
    try:
        facts = _facts(kind, staged, target, with_sound=with_sound, title=title)
    except DicomError as error:
        raise CannotUse(error.code) from error
    except decoder.Unavailable as error:
        raise CannotUse("busy") from error
    return Piece(
        name=shown_name(file),
        sha256=digest,
        facts=facts,
        stream=target,
        is_cda=kind is Kind.CDA,
    )


def shown_name(file: "UploadedFile[Any]") -> str:
    """The file's name as a word to show: never a path, never more than a line."""
    name = Path((file.name or "").replace("\\", "/")).name
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)[:_NAME]


def _kind(staged: BinaryIO) -> Kind:
    staged.seek(0)
    head = staged.read(material.HEAD)
    staged.seek(0)
    kind = material.kind_of(head)
    if kind is not None:
        return kind
    if head[128:132] == b"DICM":
        raise CannotUse("is_dicom")
    raise CannotUse("heic" if material.is_heic(head) else "unknown_kind")


def _facts(
    kind: Kind, staged: BinaryIO, target: BinaryIO, *, with_sound: bool, title: str
) -> PictureFacts | VideoFacts | DocumentFacts:
    pool = settings.DECODER_SOCKET
    if kind is Kind.PICTURE:
        return client.picture(pool, staged, target)
    if kind is Kind.VIDEO:
        return client.video(pool, staged, target, with_sound=with_sound)
    staged.seek(0)
    if kind is Kind.CDA:
        found = cda.read(staged.read())
    else:
        found = client.pdf(pool, staged)
    staged.seek(0)
    shutil.copyfileobj(staged, target, _MEGABYTE)
    target.seek(0)
    return DocumentFacts(
        length=found.length,
        title=title or found.title,
        pages=found.pages,
        hl7_identifier=found.hl7_identifier,
        notes=found.notes,
    )
