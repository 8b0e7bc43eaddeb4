"""Where events wait, on disk, when the table alone refuses them."""

import contextlib
import json
import logging
import os
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from accounts.audit import table

logger = logging.getLogger("accounts.audit")


def folder() -> Path:
    """Return the spool's folder."""
    return Path(settings.DATA_DIR) / "spool-audit"


def waiting() -> int:
    """Return how many events wait."""
    with contextlib.suppress(FileNotFoundError):
        return sum(1 for _file in folder().glob("*.json"))
    return 0


def write(row: table.Row) -> None:
    """Write the row of an event so that it survives a power cut. Raises :class:`OSError` when it cannot."""
    place = folder()
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = place / f"{row['id']}.partial"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(row, file)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(place / f"{row['id']}.json")
    _fsync_folder(place)


def drain() -> int:
    """Insert the waiting events and remove their files; return how many were inserted.

    A file is removed after its event has committed; one that is inserted twice (a crash in between)
    is the same row. A file that cannot be read is kept and logged. Raises :class:`DatabaseError` when the table refuses.
    """
    done = 0
    if not folder().is_dir():
        return done
    for path in sorted(folder().glob("*.json")):
        try:
            row = _read(path)
        except FileNotFoundError:
            continue  # another process drained it
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            logger.critical("AUDIT ALARM: spooled event %s cannot be read.", path.name)
            continue
        refused = table.write([row])
        if refused:
            raise DatabaseError(f"The audit table refuses what waits ({refused}).")
        path.unlink(missing_ok=True)
        done += 1
    return done


def _read(path: Path) -> table.Row:
    row: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    uuid.UUID(row["id"])
    datetime.fromisoformat(row["at"])
    if not isinstance(row["detail"], dict):
        raise TypeError("detail")
    # Written before these columns were there.
    return {"issuer_of_patient_id": "", "departments": None, **row}


def _fsync_folder(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
