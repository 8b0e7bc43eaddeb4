"""Where events wait, on disk, when the table alone refuses them."""

import contextlib
import json
import logging
import os
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from accounts.audit.models import AuditEvent

logger = logging.getLogger("accounts.audit")

_FIELDS: Final = tuple(field.attname for field in AuditEvent._meta.concrete_fields if field.attname not in {"id", "at"})


def folder() -> Path:
    """Return the spool's folder."""
    return Path(settings.DATA_DIR) / "spool-audit"


def waiting() -> int:
    """Return how many events wait."""
    with contextlib.suppress(FileNotFoundError):
        return sum(1 for _file in folder().glob("*.json"))
    return 0


def write(event: AuditEvent) -> None:
    """Write the event so that it survives a power cut. Raises :class:`OSError` when it cannot."""
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    row: dict[str, Any] = {name: getattr(event, name) for name in _FIELDS}
    row |= {"id": str(event.id), "at": event.at.isoformat()}
    partial = place / f"{event.id}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(row, file)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(place / f"{event.id}.json")
    _fsync_folder(place)


def drain() -> int:
    """Insert the waiting events and remove their files; return how many were inserted.

    A file is removed after its event has committed; one that is inserted twice (a crash in between)
    is the same row. A file that cannot be read is kept and logged. Database errors are raised.
    """
    done = 0
    if not folder().is_dir():
        return done
    for path in sorted(folder().glob("*.json")):
        try:
            event = _read(path)
        except FileNotFoundError:
            continue  # another process drained it
        except (OSError, ValueError, KeyError, TypeError):
            logger.critical("AUDIT ALARM: spooled event %s cannot be read.", path.name)
            continue
        with transaction.atomic():
            AuditEvent.objects.bulk_create([event], ignore_conflicts=True)
        path.unlink(missing_ok=True)
        done += 1
    return done


def _read(path: Path) -> AuditEvent:
    row = json.loads(path.read_text(encoding="utf-8"))
    return AuditEvent(
        id=uuid.UUID(row["id"]),
        at=datetime.fromisoformat(row["at"]),
        **{name: row[name] for name in _FIELDS},
    )


def _fsync_folder(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
