"""The one way in: every door begins an object here, feeds it bytes as they come, and commits it (DESIGN 4.1, 4.2).

What cannot be identified (no DICOM, a broken header, no UIDs, another object than announced) is refused: the sender is told
why and keeps its copy. Everything else is kept: what then cannot join the archive goes to quarantine, with its reason.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from django import db
from django.conf import settings
from django.db import transaction

from imaging.dicom import conformance, header, part10
from imaging.dicom.errors import DicomError
from imaging.ingest import receipts
from imaging.ingest.quotas import allowance
from imaging.ingest.receipts import Handed
from imaging.ingest.source import Source
from imaging.ingest.spool import Claim, Spool, SpoolError, SpoolFull, SpoolWriter

__all__ = [
    "Held",
    "QuotaReached",
    "Received",
    "Reception",
    "Refused",
    "SpoolError",
    "SpoolFull",
    "begin",
    "hold",
    "hold_together",
    "receive",
    "spool",
]

logger = logging.getLogger(__name__)

_CHUNK: Final = 1024 * 1024


class QuotaReached(SpoolError):
    """The sender has handed over as much as it may today; nothing was kept of this object, the sender keeps its copy."""

    def __init__(self) -> None:
        """Say so in the words that go into the protocol's answer."""
        super().__init__("the quota of this sender is used up for today")


class Refused(Exception):
    """The object cannot be identified: nothing was kept. ``code`` is a stable slug, ``detail`` has no patient data.

    ``found`` is its header where that could be read.
    """

    def __init__(self, code: str, detail: str, found: header.Header | None = None) -> None:
        """Keep them for the protocol's answer."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.found = found


@dataclass(frozen=True, slots=True)
class Received:
    """One whole object whose bytes may still be lost: nothing is said of it before ``hold_together``."""

    writer: SpoolWriter
    dataset_sha256: str
    source: Source
    header: header.Header

    def discard(self) -> None:
        """Forget it."""
        self.writer.abort()


@dataclass(frozen=True, slots=True)
class Held:
    """One durable object that waits for ``intake.register``, with the header as received."""

    claim: Claim
    source: Source
    header: header.Header


def spool() -> Spool:
    """The spool of this process."""
    return _spool(Path(settings.SPOOL_DIR), settings.SPOOL_RESERVE)


@functools.lru_cache(maxsize=4)
def _spool(folder: Path, reserve: Callable[[int], int]) -> Spool:
    return Spool(folder, reserve)


class Reception:
    """One object that comes in chunks, as a data set without file meta group: what C-STORE gives."""

    def __init__(self, writer: SpoolWriter, announced: tuple[str, str] | None) -> None:
        """Write on with ``writer``; ``announced`` is (SOP class UID, SOP instance UID) of the sender's command."""
        self._writer = writer
        self._announced = announced

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add bytes as received. Raises ``SpoolFull`` or ``SpoolError``."""
        self._writer.write(chunk)

    def commit(self) -> None:
        """Check who the object is and make it durable. Raises ``Refused`` or ``SpoolError``; then nothing was kept."""
        try:
            _identify(self._writer.path, self._announced)
            self._writer.commit()
        finally:
            self._writer.abort()

    def abort(self) -> None:
        """Forget what came so far."""
        self._writer.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


def begin(*, source: Source, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> Reception:
    """Start an object whose data set will come in chunks. Raises ``SpoolFull`` or ``SpoolError``."""
    digest = part10.DatasetDigest(transfer_syntax_uid)
    writer = spool().begin(source, digest=digest)
    try:
        writer.write_head(
            part10.write_file_meta(
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
                transfer_syntax_uid=transfer_syntax_uid,
                source_ae_title=source.sender,
            )
        )
    except SpoolError:
        writer.abort()
        raise
    return Reception(writer, (sop_class_uid, sop_instance_uid))


def hold(
    stream: BinaryIO, *, source: Source, received_at: datetime | None = None, study_instance_uid: str = ""
) -> Held:
    """Take in a whole DICOM file (PS3.10) for a sender who waits for the result: durable, and claimed by this process.

    ``received_at`` is when bytes came that were set aside since: what a person lets out of quarantine counts to no quota.
    Raises as ``receive`` and ``hold_together``.
    """
    received = receive(stream, source=source, study_instance_uid=study_instance_uid)
    (held,) = hold_together([received], received_at=received_at)
    return held


def receive(stream: BinaryIO, *, source: Source, study_instance_uid: str = "") -> Received:
    """Take in a whole DICOM file (PS3.10) up to where it only has to be made durable, by ``hold_together``.

    With ``study_instance_uid`` an object of another study is refused (``study_mismatch``). Safe to call from several
    threads. Raises ``Refused``, ``SpoolFull``, ``QuotaReached`` or ``SpoolError``; then nothing was kept, and what was
    refused stands on the sender's receipt.
    """
    if not source.decider_id and allowance.is_used_up(source):
        raise QuotaReached
    writer = spool().begin(source)
    try:
        digest = _receive(stream, writer)
        found = _identify(writer.path, None)
        if study_instance_uid not in {"", found.study.study_instance_uid}:
            raise Refused("study_mismatch", "the object is of another study than the request", found)
    except BaseException as error:
        writer.abort()
        if isinstance(error, Refused):
            _write_receipt(source, error)
        raise
    return Received(writer, digest, source, found)


def hold_together(received: Sequence[Received], *, received_at: datetime | None = None) -> list[Held]:
    """Make received objects durable, and claim them: many small ones take a fraction of the time that each would.

    The registrar leaves them alone until ``intake.register`` is done with them, and takes over when this process dies.
    Raises ``SpoolError``; then none of them was kept.
    """
    received_ns = int(received_at.timestamp() * 1_000_000) * 1000 if received_at else 0
    written = [(item.writer, item.dataset_sha256) for item in received]
    claims = spool().commit_together(written, received_ns=received_ns)
    return [Held(claim, item.source, item.header) for claim, item in zip(claims, received, strict=True)]


def _write_receipt(source: Source, refusal: Refused) -> None:
    handed = Handed(
        door=source.door, sender=source.sender, address=source.address, outcome="refused", refusal=str(refusal)
    )
    try:
        with transaction.atomic():
            receipts.record([handed])
    except db.Error as error:
        # A count is not worth an object.
        logger.warning("A receipt cannot be written (%s).", type(error).__name__)


def _receive(stream: BinaryIO, writer: SpoolWriter) -> str:
    """Write the whole stream; the digest of its data set."""
    while chunk := stream.read(_CHUNK):
        writer.write(chunk)
    try:
        with writer.path.open("rb") as file:
            meta, offset = part10.read_file_meta(file, writer.length)
            file.seek(offset)
            return part10.dataset_digest(file, meta.transfer_syntax_uid)
    except DicomError as error:
        raise Refused(error.code, error.detail) from error


def _identify(path: Path, announced: tuple[str, str] | None) -> header.Header:
    """Read the header up to the pixels: which object is this? Raises ``Refused``."""
    try:
        parsed = part10.read_part10(path)
        found = header.read_header(
            parsed.dataset, transfer_syntax_uid=parsed.transfer_syntax_uid, has_pixels=parsed.has_pixels
        )
    except DicomError as error:
        raise Refused(error.code, error.detail) from error
    problem = conformance.check_sop_instance(parsed, *announced) if announced else None
    if problem is not None:
        raise Refused(problem.code, problem.detail)
    return found
