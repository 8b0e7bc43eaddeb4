"""Keeping bytes and giving them back. Names, tiers and paths never leave this package.

Bytes are durable in a tier before a row speaks of them: a crash in between leaves an orphan that the retry takes up.
They are always written to the landing tier, which is local; where else they are to lie is ordered in the same
transaction, and done by the copier.
"""

import errno
import hashlib
import io
import logging
import tempfile
from collections.abc import Callable, Sequence
from typing import BinaryIO, cast

from django.db import transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from accounts import audit
from accounts.actor import SYSTEM
from imaging.storage import copying, naming, selectors, tiers
from imaging.storage.errors import ObjectDamaged, ObjectMissing, StorageAway, StorageError, StorageFull
from imaging.storage.models import ObjectCopy, StoredObject
from imaging.storage.reading import VerifyingReader
from imaging.storage.spooled import SpooledFile

__all__ = [
    "ObjectDamaged",
    "ObjectMissing",
    "SpooledFile",
    "StorageAway",
    "StorageError",
    "StorageFull",
    "adopt",
    "open",
    "put",
    "put_many",
    "read",
    "read_range",
    "read_ranges",
    "restore",
    "verify",
]

logger = logging.getLogger(__name__)

_CHUNK = 1024 * 1024
_BATCH = 1000
# Up to here a content is read and checked as a whole before its first byte is given, so that a damaged copy is never
# noticed too late to take another.
_CHECKED_AT_ONCE = 4 * 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024


def put(
    content: bytes | BinaryIO, *, kind: str, dataset_sha256: str = "", transfer_syntax_uid: str = ""
) -> StoredObject:
    """Keep bytes that we made or read; the same bytes of the same kind are kept once. Raises ``StorageFull``."""
    file = _at_hand(content)
    with file:
        digest = hashlib.file_digest(cast("io.BufferedReader", file), "sha256").hexdigest()
        length = file.seek(0, io.SEEK_END)
        made = _new(kind, digest, length, dataset_sha256, transfer_syntax_uid)

        def write() -> None:
            name = naming.location(kind, digest)
            tier = tiers.write_tier()
            if tiers.size(tier, name) != length:
                file.seek(0)
                tiers.write(tier, name, file)
            tiers.sync(tier, [name])

        return _kept([made], write)[0]


def put_many(contents: Sequence[bytes], *, kind: str) -> list[StoredObject]:
    """Keep several small contents with one round of fsync and two inserts, in the order given."""
    tier = tiers.write_tier()
    made = [_new(kind, hashlib.sha256(content).hexdigest(), len(content), "", "") for content in contents]
    names = [naming.location(kind, row.file_sha256) for row in made]

    def write() -> None:
        for name, content in zip(names, contents, strict=True):
            if tiers.size(tier, name) != len(content):
                tiers.write(tier, name, io.BytesIO(content))
        tiers.sync(tier, names)

    return _kept(made, write)


def adopt(files: Sequence[SpooledFile], *, kind: str) -> list[StoredObject]:
    """Take files of the spool into the write tier, by link where possible, and record them; one answer per file.

    The spool's own name is left alone: its owner releases it once the transaction that calls this has committed.
    Raises ``StorageFull``, and ``ObjectDamaged`` when a file that had to be copied is not what its digest says.
    """
    tier = tiers.write_tier()
    unique = {file.file_sha256: file for file in files}

    def write() -> None:
        for digest, file in unique.items():
            name = naming.location(kind, digest)
            linked = tiers.link(tier, file.path, name)
            if not linked or tiers.size(tier, name) != file.length:
                _copy_in(tier, name, file)
        tiers.sync(tier, [naming.location(kind, digest) for digest in unique])

    made = [_new(kind, file.file_sha256, file.length, file.dataset_sha256, file.transfer_syntax_uid) for file in files]
    return _kept(made, write)


def restore(files: Sequence[SpooledFile], *, kind: str) -> None:
    """Put files of the spool in the place of known contents that lie here no more; others are left alone.

    A sender who sends again what was lost is told that it is kept: so it has to be. Stores on the network are not asked,
    so that receiving never waits for one; what only they hold lies here again. Only the very same file can take the
    place. Raises ``StorageFull``, and ``ObjectDamaged`` when a file is not what its digest says.
    """
    unique = {file.file_sha256: file for file in files}
    tier = tiers.write_tier()
    known = selectors.contents_by_digest(kind, unique)
    prefetch_related_objects(list(known.values()), "copies")
    for digest, content in known.items():
        copies = selectors.readable_copies(content)
        if any(copy.tier not in tiers.copy_tiers() and _lies_there(copy, content.length) for copy in copies):
            continue
        name = naming.location(kind, digest)
        _copy_in(tier, name, unique[digest])
        tiers.sync(tier, [name])
        now = timezone.now()
        elsewhere = any(copy.tier != tier and copy.state == ObjectCopy.State.VERIFIED for copy in copies)
        values = {"state": ObjectCopy.State.WRITTEN, "verified_at": None, "spare_since": now if elsewhere else None}
        ObjectCopy.objects.update_or_create(stored_object=content, tier=tier, defaults={"location": name, **values})
        copying.order([content])
        logger.warning("A copy in %s of %s was restored: the same bytes came again.", tier, digest)


def open(content: StoredObject) -> BinaryIO:  # noqa: A001
    """A seekable stream of the plain bytes, checked against the digest when it is read from beginning to end.

    Raises ``ObjectMissing`` or ``ObjectDamaged`` when no copy is left that can be read, ``StorageAway`` when one is out
    of reach for now; a reader of a big content may get ``ObjectDamaged`` at its end, and another copy when it opens it
    again.
    """
    failures: list[OSError | ObjectDamaged] = []
    for copy in selectors.readable_copies(content):
        try:
            if content.length <= _CHECKED_AT_ONCE:
                return io.BytesIO(_checked(content, copy))
            return _stream(content, copy)
        except ObjectDamaged as error:
            failures.append(error)
        except OSError as error:
            _unreachable(copy, error)
            failures.append(error)
    raise _unreadable(content, failures)


def read(content: StoredObject) -> bytes:
    """All bytes of a small content (a segment, a picture), checked; errors as ``open``."""
    with open(content) as file:
        return file.read()


def read_range(content: StoredObject, start: int, length: int) -> bytes:
    """Exactly ``length`` bytes from ``start``. A range is not checked against the digest; whole reads are.

    Raises ``ValueError`` for a range that is not inside the content, ``ObjectMissing``, ``ObjectDamaged`` or
    ``StorageAway``.
    """
    return read_ranges(content, [(start, length)])[0]


def read_ranges(content: StoredObject, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Several (start, length) ranges of one content, each exact; errors as ``read_range``."""
    for start, length in ranges:
        if start < 0 or length < 0 or start + length > content.length:
            raise ValueError(f"range {start}+{length} is outside a content of {content.length} bytes")
    failures: list[OSError | ObjectDamaged] = []
    for copy in selectors.readable_copies(content):
        try:
            parts = [tiers.read_range(copy.tier, copy.location, start, length) for start, length in ranges]
        except OSError as error:
            _unreachable(copy, error)
            failures.append(error)
            continue
        if all(len(part) == length for part, (_start, length) in zip(parts, ranges, strict=True)):
            return parts
        _mark(copy, ObjectCopy.State.DAMAGED)
        failures.append(ObjectDamaged(content.file_sha256))
    raise _unreadable(content, failures)


def verify(copy: ObjectCopy) -> bool:
    """Read one copy back, record what was found, and say whether it is what was kept."""
    content = copy.stored_object
    digest = hashlib.sha256()
    length = 0
    try:
        with tiers.open_for_reading(copy.tier, copy.location) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                length += len(chunk)
    except OSError as error:
        _unreachable(copy, error)
        return False
    if (length, digest.hexdigest()) != (content.length, content.file_sha256):
        _mark(copy, ObjectCopy.State.DAMAGED)
        return False
    copy.state = ObjectCopy.State.VERIFIED
    copy.verified_at = timezone.now()
    copy.save(update_fields=["state", "verified_at"])
    return True


def _at_hand(content: bytes | BinaryIO) -> BinaryIO:
    """A seekable file with the content: a stream's length and digest are known only at its end."""
    if isinstance(content, bytes | bytearray | memoryview):
        return io.BytesIO(content)
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115
    while chunk := content.read(_CHUNK):
        file.write(chunk)
    file.seek(0)
    return file


def _copy_in(tier: str, name: str, file: SpooledFile) -> None:
    with file.path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        if digest != file.file_sha256:
            raise ObjectDamaged(file.file_sha256)
        source.seek(0)
        tiers.write(tier, name, source)


def _lies_there(copy: ObjectCopy, length: int) -> bool:
    try:
        return tiers.size(copy.tier, copy.location) == length
    except ObjectMissing:
        return False  # in a tier that is not configured any more


def _new(kind: str, digest: str, length: int, dataset_sha256: str, transfer_syntax_uid: str) -> StoredObject:
    return StoredObject(
        kind=StoredObject.Kind(kind),
        file_sha256=digest,
        dataset_sha256=dataset_sha256,
        length=length,
        transfer_syntax_uid=transfer_syntax_uid,
    )


def _kept(made: Sequence[StoredObject], write: Callable[[], None]) -> list[StoredObject]:
    """Write bytes, then the rows that speak of them and the orders for other tiers; in the order given.

    A content that was known may have been leaving this tier meanwhile: once its row is there again nobody takes it away,
    so what is gone by then is written once more.
    """
    if not made:
        return []
    write()
    with transaction.atomic(savepoint=False):
        rows = _rows(made)
        if tiers.copy_tiers():
            tier = tiers.write_tier()
            if any(tiers.size(tier, naming.location(row.kind, row.file_sha256)) is None for row in rows):
                write()
            copying.order({row.pk: row for row in rows}.values())
    return rows


def _rows(made: Sequence[StoredObject]) -> list[StoredObject]:
    """Insert contents (all of one kind) and their copy in the write tier, unless they are there; in the order given."""
    kind = made[0].kind
    # Sorted by digest, so that two writers of the same contents wait for each other in the same order.
    unique = sorted({row.file_sha256: row for row in made}.values(), key=lambda row: row.file_sha256)
    StoredObject.objects.bulk_create(unique, batch_size=_BATCH, ignore_conflicts=True)
    rows = selectors.contents_by_digest(kind, (row.file_sha256 for row in unique))
    tier = tiers.write_tier()
    ObjectCopy.objects.bulk_create(
        [
            ObjectCopy(stored_object=rows[row.file_sha256], tier=tier, location=naming.location(kind, row.file_sha256))
            for row in unique
        ],
        batch_size=_BATCH,
        ignore_conflicts=True,
    )
    return [rows[row.file_sha256] for row in made]


def _checked(content: StoredObject, copy: ObjectCopy) -> bytes:
    with tiers.open_for_reading(copy.tier, copy.location) as file:
        data = file.read(content.length + 1)
    if len(data) != content.length or hashlib.sha256(data).hexdigest() != content.file_sha256:
        _mark(copy, ObjectCopy.State.DAMAGED)
        raise ObjectDamaged(content.file_sha256)
    return data


def _stream(content: StoredObject, copy: ObjectCopy) -> BinaryIO:
    length = tiers.size(copy.tier, copy.location)
    if length is None:
        raise FileNotFoundError(errno.ENOENT, "no such name in the tier")
    if length != content.length:
        _mark(copy, ObjectCopy.State.DAMAGED)
        raise ObjectDamaged(content.file_sha256)
    raw = VerifyingReader(
        tiers.open_for_reading(copy.tier, copy.location),
        digest=content.file_sha256,
        length=content.length,
        on_damage=lambda: _mark(copy, ObjectCopy.State.DAMAGED),
    )
    return io.BufferedReader(raw, buffer_size=_CHUNK)


def _unreadable(content: StoredObject, failures: Sequence[OSError | ObjectDamaged]) -> StorageError:
    """Why a content cannot be read, of several reasons the one that passes by itself."""
    if any(isinstance(error, OSError) and not isinstance(error, FileNotFoundError) for error in failures):
        return StorageAway(content.file_sha256)
    if any(isinstance(error, ObjectDamaged) for error in failures):
        return ObjectDamaged(content.file_sha256)
    return ObjectMissing(content.file_sha256)


def _unreachable(copy: ObjectCopy, error: OSError) -> None:
    """A name that is gone is remembered; any other trouble (a disk away, no descriptors left) may pass."""
    if isinstance(error, FileNotFoundError):
        _mark(copy, ObjectCopy.State.MISSING)
    else:
        logger.warning(
            "Copy in %s of %s cannot be read: %s.", copy.tier, copy.stored_object.file_sha256, error.strerror
        )


def _mark(copy: ObjectCopy, state: ObjectCopy.State) -> None:
    """Remember what is wrong with a copy, with an alarm; a reader goes on with another one."""
    if copy.state == state:
        return
    # A copy that is leaving, or has left since the reader looked, is not lost: another one was sound when it began to.
    if not ObjectCopy.objects.filter(pk=copy.pk).exclude(state=ObjectCopy.State.LEAVING).update(state=state):
        return
    copy.state = state
    if copy.tier in tiers.copy_tiers():
        copying.order([copy.stored_object])
    digest = copy.stored_object.file_sha256
    logger.error("Copy in %s of %s is %s.", copy.tier, digest, state.value)
    audit.record(
        audit.Action.COPY_DAMAGED,
        actor=SYSTEM,
        subject_type="stored_object",
        subject_uid=digest,
        outcome=audit.Outcome.FAILED,
        detail={"tier": copy.tier, "state": state.value},
    )
