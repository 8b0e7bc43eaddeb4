"""What happens to uploads: begun, added to, finished, cancelled, expired.

Bytes first, then the row: what a row calls received lies on disk. Where a process dies in between, the disk is right,
and finishing an import counts what is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actor import SYSTEM, Actor
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import admission, bringers, names, refusals, selectors, staging
from imaging.ingest.uploads.bringers import Bringer, Outsider
from imaging.ingest.uploads.protocol import Checksum
from imaging.ingest.uploads.staging import Read

#: Unfinished uploads are kept so long after their last file began or piece came.
KEPT: Final = timedelta(hours=24)
#: Unfinished imports of one person at a time.
MOST_OPEN: Final = 50
#: The moment is written anew when it is this much nearer.
_RENEWED: Final = timedelta(minutes=10)
_STRAY_SECONDS: Final = 3600.0
_State = ImportedFile.State


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes that came with a request: up to ``length`` of them, by ``read``, and the digest they must have."""

    read: Read
    length: int
    checksum: Checksum | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A file as its sender announces it: name and length, and what the browser knows it by."""

    path: str
    length: int
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way: how much of it has arrived, and until when it is kept."""

    file: ImportedFile
    offset: int
    expires_at: datetime


def begin(*, actor: Actor, user: Bringer, department_id: int, title: str = "") -> Import:
    """Begin an import, for files to come. Raises ``NotAllowed`` or ``ShareUsed``."""
    bringers.check(user, department_id)
    if len(selectors.open_imports(user)) >= MOST_OPEN:
        raise refusals.ShareUsed
    with transaction.atomic():
        delivery = Import.objects.create(
            **_whose(user),
            department_id=department_id,
            title=names.title(title),
            expires_at=timezone.now() + KEPT,
        )
        _record(audit.Action.IMPORT_BEGUN, actor, delivery)
        staging.make_folder(delivery.pk)
    return delivery


def _whose(user: Bringer) -> dict[str, Any]:
    if isinstance(user, Outsider):
        return {"channel": user.channel, "visitor": user.visitor, "sender_name": names.title(user.name)}
    return {"owner": user}


def create(*, user: Bringer, delivery_id: UUID, announced: Announced, body: Body | None = None) -> Upload:
    """Take a new file into an import, with its first bytes where they came along; the file that is there, if it is known.

    Raises ``Refusal``; then nothing of the file is kept.
    """
    admission.share_of(user, delivery_id).take(announced.length)
    admission.check_room(announced.length)
    file = new_file(delivery_id, announced)
    try:
        staged = staging.StagedFile(delivery_id, file.pk, create=True)
    except staging.Absent as error:
        raise refusals.Closed from error
    with staged:
        try:
            offset = _append(staged, body) if body else 0
            file.state = _State.RECEIVED if offset == file.length else _State.RECEIVING
            expires_at = record_files(delivery_id, [file])
        except IntegrityError:
            return join(user, file, offset, staged)
        except BaseException:
            staged.remove()
            raise
    return Upload(file, offset, expires_at)


def new_file(delivery_id: UUID, announced: Announced) -> ImportedFile:
    """A file of an import, with a name on the disk that is our own; not recorded yet."""
    return ImportedFile(
        pk=uuid4(),
        delivery_id=delivery_id,
        path=names.shown(announced.path),
        length=announced.length,
        fingerprint=announced.fingerprint,
    )


def record_files(delivery_id: UUID, files: Sequence[ImportedFile]) -> datetime:
    """Write rows of new files, and count them to their import, which must still be open; until when it is kept.

    Raises ``Closed``, or IntegrityError when one was announced before; then none is recorded.
    """
    expires_at = timezone.now() + KEPT
    with transaction.atomic():
        ImportedFile.objects.bulk_create(files)
        counted = Import.objects.filter(pk=delivery_id, state=Import.State.RECEIVING).update(
            file_count=F("file_count") + len(files),
            byte_count=F("byte_count") + sum(file.length for file in files),
            expires_at=expires_at,
        )
        if not counted:
            raise refusals.Closed
    return expires_at


def join(user: Bringer, sent: ImportedFile, offset: int, staged: staging.StagedFile) -> Upload:
    """The file was announced before: by another window, or in a request whose answer was lost. The longer one is kept."""
    try:
        known = ImportedFile.objects.select_related("delivery").get(
            bringers.is_of(user, "delivery__"), delivery=sent.delivery_id, fingerprint=sent.fingerprint
        )
        if known.length != sent.length:
            raise refusals.Malformed
        try:
            there = _locked(known)
        except refusals.NotFound:
            return _put_back(known, offset, staged)
        with there:
            if there.length < offset:
                there.replace_by(staged.path)
            return _progressed(known, max(there.length, offset))
    except ImportedFile.DoesNotExist as error:
        raise refusals.Closed from error
    finally:
        staged.remove()


def _put_back(known: ImportedFile, offset: int, staged: staging.StagedFile) -> Upload:
    """The row of a file outlived its name on the disk, as after a power cut: what came now is that file."""
    staged.move_to(known.delivery_id, known.pk)
    ImportedFile.objects.filter(pk=known.pk).update(state=_State.RECEIVING)
    known.state = _State.RECEIVING
    return _progressed(known, offset)


def find(*, user: Bringer, file_id: UUID) -> Upload:
    """How far a file has come. Raises ``NotFound`` or ``Closed``."""
    file = selectors.file_of(user, file_id)
    if file is None:
        raise refusals.NotFound
    if file.delivery.state == Import.State.RECEIVING and file.delivery.expires_at <= timezone.now():
        raise refusals.Closed
    if file.state != _State.RECEIVING:
        return Upload(file, file.length, file.delivery.expires_at)
    try:
        return Upload(file, staging.length_of(file.delivery_id, file.pk), file.delivery.expires_at)
    except staging.Absent as error:
        raise refusals.NotFound from error


def append(*, user: Bringer, file_id: UUID, offset: int, body: Body) -> Upload:
    """Add a piece that begins at ``offset``. Raises ``Refusal``; what had arrived, also of this piece, is kept."""
    found = find(user=user, file_id=file_id)
    file, delivery = found.file, found.file.delivery
    if file.state != _State.RECEIVING or delivery.state != Import.State.RECEIVING:
        if offset == file.length and body.length == 0:
            return found
        raise refusals.WrongOffset if file.state != _State.RECEIVING else refusals.Closed
    bringers.check(user, delivery.department_id)
    with _locked(file) as staged:
        if staged.length != offset:
            raise refusals.WrongOffset
        if offset + body.length > file.length:
            raise refusals.TooLarge
        return _progressed(file, _append(staged, body))


def remove(*, user: Bringer, file_id: UUID) -> None:
    """Forget a file of an import that is still open. Raises ``Refusal``."""
    file = selectors.file_of(user, file_id)
    if file is None:
        raise refusals.NotFound
    with _locked(file) as staged, transaction.atomic():
        open_now = Import.objects.filter(pk=file.delivery_id, state=Import.State.RECEIVING)
        if not open_now.update(file_count=F("file_count") - 1, byte_count=F("byte_count") - file.length):
            raise refusals.Closed
        file.delete()
        transaction.on_commit(staged.remove)


def finish(*, actor: Actor, user: Bringer, delivery_id: UUID, expected_files: int) -> Import:
    """That is all: the files of an import have come, and can be examined. Doing it twice is doing it once.

    ``expected_files`` is what the browser believes to have sent. Raises ``Incomplete`` when less lies on disk, ``Empty``,
    ``Closed``, ``NotAllowed`` or ``NotFound``.
    """
    with transaction.atomic():
        delivery = bringers.imports_of(user).select_for_update().filter(pk=delivery_id).first()
        if delivery is None:
            raise refusals.NotFound
        if delivery.state in {Import.State.CANCELLED, Import.State.EXPIRED}:
            raise refusals.Closed
        if delivery.state != Import.State.RECEIVING:
            return delivery
        bringers.check(user, delivery.department_id)
        missing = _count(delivery, expected_files)
        if not missing:
            staging.make_durable(delivery.pk)
            delivery.state = Import.State.EXAMINING
            delivery.save(update_fields=["state", "file_count", "byte_count"])
            _record(audit.Action.IMPORT_RECEIVED, actor, delivery, files=delivery.file_count, bytes=delivery.byte_count)
    if missing:
        raise refusals.Incomplete(missing)
    return delivery


def _count(delivery: Import, expected_files: int) -> int:
    """Count what lies on disk: it is the truth, whatever rows and browsers believe. How many files are not whole."""
    there = staging.lengths(delivery.pk)
    rows = list(delivery.files.filter(archive__isnull=True).values_list("pk", "length"))
    whole = [pk for pk, length in rows if there.get(str(pk)) == length]
    missing = len(rows) - len(whole) + max(0, expected_files - len(rows))
    if missing:
        delivery.files.exclude(pk__in=whole).update(state=_State.RECEIVING)
        return missing
    if not rows:
        raise refusals.Empty
    staging.remove_strays(delivery.pk, {str(pk) for pk in whole})
    delivery.files.filter(state=_State.RECEIVING).update(state=_State.RECEIVED)
    delivery.file_count, delivery.byte_count = len(rows), sum(length for _pk, length in rows)
    return 0


def cancel(*, actor: Actor, user: Bringer, delivery_id: UUID) -> None:
    """Forget an import whose files are still arriving, and them. Raises ``NotFound`` or ``Closed``."""
    with transaction.atomic():
        delivery = bringers.imports_of(user).select_for_update().filter(pk=delivery_id).first()
        if delivery is None:
            raise refusals.NotFound
        if delivery.state == Import.State.CANCELLED:
            return
        if delivery.state != Import.State.RECEIVING:
            raise refusals.Closed
        _forget(delivery, Import.State.CANCELLED, audit.Action.IMPORT_CANCELLED, actor)


def expire() -> int:
    """Forget the uploads that nobody went on with for a day, and files that belong to no import. How many imports."""
    count = 0
    for delivery_id in selectors.expired():
        with transaction.atomic():
            waiting = Import.objects.select_for_update(skip_locked=True)
            delivery = waiting.filter(
                pk=delivery_id, state=Import.State.RECEIVING, expires_at__lte=timezone.now()
            ).first()
            if delivery is not None:
                _forget(delivery, Import.State.EXPIRED, audit.Action.IMPORT_EXPIRED, SYSTEM)
                count += 1
    for delivery_id in selectors.abandoned(list(staging.folders(older_than=_STRAY_SECONDS))):
        staging.remove_folder(delivery_id)
    return count


def _forget(delivery: Import, state: str, action: audit.Action, actor: Actor) -> None:
    delivery.files.all().delete()
    delivery.state, delivery.finished_at = state, timezone.now()
    delivery.save(update_fields=["state", "finished_at"])
    _record(action, actor, delivery, files=delivery.file_count, bytes=delivery.byte_count)
    transaction.on_commit(lambda: staging.remove_folder(delivery.pk))


def _locked(file: ImportedFile) -> staging.StagedFile:
    try:
        return staging.StagedFile(file.delivery_id, file.pk)
    except staging.Busy as error:
        raise refusals.Busy from error
    except staging.Absent as error:
        raise refusals.NotFound from error


def _append(staged: staging.StagedFile, body: Body) -> int:
    with admission.writing():
        return staged.append(body.read, body.length, body.checksum)


def _progressed(file: ImportedFile, offset: int) -> Upload:
    """Note that a file is whole, and that its import is alive."""
    if offset == file.length and file.state == _State.RECEIVING:
        ImportedFile.objects.filter(pk=file.pk, state=_State.RECEIVING).update(state=_State.RECEIVED)
        file.state = _State.RECEIVED
    delivery, expires_at = file.delivery, timezone.now() + KEPT
    if delivery.state == Import.State.RECEIVING and delivery.expires_at < expires_at - _RENEWED:
        Import.objects.filter(pk=delivery.pk, state=Import.State.RECEIVING).update(expires_at=expires_at)
        delivery.expires_at = expires_at
    return Upload(file, offset, delivery.expires_at)


def _record(action: audit.Action, actor: Actor, delivery: Import, **detail: int) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="import",
        subject_uid=str(delivery.pk),
        detail={"department": delivery.department_id, **detail},
    )
