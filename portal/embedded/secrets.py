"""Secrets that are made once and kept in DATA_DIR/secrets (0700), one 0600 file each."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from portal.embedded import paths


def secret(data_dir: Path, name: str) -> str:
    """The secret `name`, made at its first use: 64 URL-safe characters (384 bits).

    Two processes that ask at the same moment get the same: the file appears whole, and only once.
    """
    folder = paths.subfolder(data_dir, "secrets")
    path = folder / name
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}-")  # 0600 by itself
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
    return path.read_text(encoding="ascii").strip()
