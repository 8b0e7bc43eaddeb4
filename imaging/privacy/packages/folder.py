"""Where prepared packages lie: a 0700 folder of the data folder, named by a random key and nothing of a patient."""

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings


def path_of(key: uuid.UUID) -> Path:
    """The file of a package that is ready."""
    return _folder() / f"{key}.zip"


def write(key: uuid.UUID, pieces: Iterable[bytes]) -> int:
    """Write a package whole or not at all; its length in bytes. What the pieces raise leaves nothing behind."""
    unfinished = _folder() / f"{key}.part"
    length = 0
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for piece in pieces:
                length += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path_of(key))
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    return length


def remove(key: uuid.UUID) -> None:
    """Take a package away; one that is gone already stays so."""
    path_of(key).unlink(missing_ok=True)
    (_folder() / f"{key}.part").unlink(missing_ok=True)


def _folder() -> Path:
    folder = Path(settings.DATA_DIR) / "packages"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
