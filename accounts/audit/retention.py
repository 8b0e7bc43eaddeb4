"""Old months of the audit: written to files, the files checked against the table, and only then taken out of it.

A month is a partition; the role that owns the table detaches and drops it. Nothing here runs by itself.
"""

import datetime as dt
import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from django.db import OperationalError, connections, transaction
from django.utils import timezone
from psycopg import sql

from accounts.actor import Actor
from accounts.audit.actions import Action
from accounts.audit.formats import json_lines
from accounts.audit.models import AuditEvent, AuditPolicy, AuditReceiver
from accounts.audit.record import record

#: Below this a hospital must say that it means it: HIPAA keeps documentation six years (45 CFR 164.316(b)(2)).
SHORTEST_YEARS: Final = 6
_PAGE: Final = 2000
_LOCK_SECONDS: Final = 15

_MONTHS: Final = """
    SELECT substring(child.relname FROM '[0-9]{4}_[0-9]{2}$'), pg_total_relation_size(child.oid)
    FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'accounts_auditevent'::regclass AND child.relname ~ '^accounts_auditevent_[0-9]{4}_[0-9]{2}$'
    ORDER BY 1
"""


class NotRemoved(Exception):
    """Why a month stays, in a sentence for who asked."""


@dataclass(frozen=True, slots=True)
class Month:
    """One partition. ``is_old`` when all of it is older than the hospital keeps."""

    name: str
    octets: int
    is_old: bool

    @property
    def bounds(self) -> tuple[dt.datetime, dt.datetime]:
        """When it begins and ends, in UTC as the partitions are."""
        year, month = map(int, self.name.split("-"))
        following = dt.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=dt.UTC)
        return dt.datetime(year, month, 1, tzinfo=dt.UTC), following

    def rows(self) -> Iterator[AuditEvent]:
        """Its events, in the order in which they came."""
        since, until = self.bounds
        found = AuditEvent.objects.filter(at__gte=since, at__lt=until).order_by("number")
        return found.iterator(chunk_size=_PAGE)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archived month holds: it lies beside the file, and is what a check compares."""

    month: str
    events: int
    last_number: int
    lines_sha256: str
    file_sha256: str


def months() -> list[Month]:
    """Return the months that the table has, the oldest first."""
    kept = AuditPolicy.objects.filter(pk=1).first() or AuditPolicy()
    now = timezone.now().astimezone(dt.UTC)
    oldest = now.replace(year=now.year - kept.retention_years, day=min(now.day, 28))
    with connections["default"].cursor() as cursor:
        cursor.execute(_MONTHS)
        found = [Month(name.replace("_", "-"), int(octets), is_old=False) for name, octets in cursor.fetchall()]
    return [Month(month.name, month.octets, is_old=month.bounds[1] <= oldest) for month in found]


def may_be_removed_by_timer() -> bool:
    """Whether the hospital lets old months be taken out without anybody at the keyboard."""
    return AuditPolicy.objects.filter(pk=1, removes_old_months=True).exists()


def archive(month: Month, folder: Path, *, actor: Actor) -> Manifest:
    """Write a month to ``folder``, read it back, compare it with the table, and record that.

    Raises :class:`NotRemoved` when the file is not what the table holds, :class:`OSError`, :class:`AuditUnavailable`.
    """
    target = folder / f"audit-{month.name}.jsonl.gz"
    partial = target.with_name(target.name + ".part")
    lines, events, last = hashlib.sha256(), 0, 0
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file:
            for event in month.rows():
                line = json_lines.line(event)
                lines.update(line)
                file.write(line)
                events, last = events + 1, event.number
        raw.flush()
        os.fsync(raw.fileno())
    manifest = Manifest(month.name, events, last, lines.hexdigest(), _digest(partial))
    partial.replace(target)
    _write_durably(_manifest_of(month, folder), json.dumps(asdict(manifest), indent=1))
    check(month, folder)
    record(
        Action.AUDIT_ARCHIVED,
        actor=actor,
        subject_type="audit",
        subject_uid=month.name,
        detail={"events": events, "sha256": manifest.file_sha256, "file": target.name},
        fail_closed=True,
    )
    return manifest


def check(month: Month, folder: Path) -> Manifest:
    """Return the manifest of an archived month, after file and table were both read and found the same.

    Raises :class:`NotRemoved` when anything differs, is missing or cannot be read.
    """
    target = folder / f"audit-{month.name}.jsonl.gz"
    try:
        manifest = Manifest(**json.loads(_manifest_of(month, folder).read_text(encoding="utf-8")))
        if _digest(target) != manifest.file_sha256:
            raise NotRemoved(f"{target.name} is not the file that was archived: it has been changed or damaged.")
        written = hashlib.sha256()
        with gzip.open(target, "rb") as file:
            while block := file.read(1 << 20):
                written.update(block)
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise NotRemoved(f"The archive of {month.name} cannot be read in {folder}.") from error
    held, events = hashlib.sha256(), 0
    for event in month.rows():
        held.update(json_lines.line(event))
        events += 1
    if (manifest.month, manifest.events) != (month.name, events) or not (
        written.hexdigest() == held.hexdigest() == manifest.lines_sha256
    ):
        raise NotRemoved(f"The archive of {month.name} is not what the table holds: archive it again.")
    return manifest


def remove(month: Month, folder: Path, *, actor: Actor, using: str = "owner") -> Manifest:
    """Take an archived month out of the table, as the role that owns it.

    Raises :class:`NotRemoved`: it is not old enough, its archive is not what the table holds, a receiver has not had all
    of it, or the table is too busy; :class:`AuditUnavailable` when the removal cannot be put on record first.
    """
    if not month.is_old:
        raise NotRemoved(f"{month.name} is not older than the hospital keeps its audit.")
    manifest = check(month, folder)
    behind = AuditReceiver.objects.filter(is_active=True, sent_through__lt=manifest.last_number).first()
    if behind is not None:
        raise NotRemoved(f"The receiver “{behind.name}” has not had all of {month.name} yet.")
    record(
        Action.AUDIT_REMOVED,
        actor=actor,
        subject_type="audit",
        subject_uid=month.name,
        detail={"events": manifest.events, "sha256": manifest.file_sha256},
        fail_closed=True,
    )
    try:
        _drop(month, manifest, using)
    except OperationalError as error:
        raise NotRemoved(f"{month.name} stays: the table is in use. Try again when less goes on.") from error
    return manifest


def _drop(month: Month, manifest: Manifest, using: str) -> None:
    partition = sql.Identifier(f"accounts_auditevent_{month.name.replace('-', '_')}")
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_LOCK_SECONDS}s"])
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accounts_audit_partitions'))")
        cursor.execute(sql.SQL("ALTER TABLE accounts_auditevent DETACH PARTITION {}").format(partition))
        # Nobody can add to it any more: what came since it was checked shows now, and everything is taken back.
        cursor.execute(sql.SQL("SELECT count(*), coalesce(max(number), 0) FROM {}").format(partition))
        if cursor.fetchone() != (manifest.events, manifest.last_number):
            raise NotRemoved(f"An event came to {month.name} meanwhile: archive it again.")
        cursor.execute(sql.SQL("DROP TABLE {}").format(partition))


def _manifest_of(month: Month, folder: Path) -> Path:
    return folder / f"audit-{month.name}.manifest.json"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_durably(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
