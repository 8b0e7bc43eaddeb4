"""Who works on an import: one process at a time, held by the kernel's lock, free again however that process dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

_FOLDER: Final = ".at-work"


@contextmanager
def claimed(delivery_id: UUID) -> Iterator[bool]:
    """Hold an import for this process; False when another one has it."""
    folder = Path(settings.UPLOAD_DIR) / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / str(delivery_id)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_there = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except OSError:
            yield False
            return
        if not is_there:
            yield False
            return
        try:
            yield True
        finally:
            # Who opened it meanwhile holds a file that is there no more, and makes it anew the next time.
            path.unlink(missing_ok=True)
