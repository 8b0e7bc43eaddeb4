"""Discs, folders and zips as people bring them; the real demo disc among them."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from imaging.ingest import services
from imaging.ingest.spool import Spool

#: A real file-set: an index and 31 objects of three patients' studies (its licence lies beside the demo's data).
DISC = Path(__file__).resolve().parents[4] / "portal" / "demo" / "data" / "dicomdir"


@pytest.fixture
def spool(data_dir: Path, settings: Any) -> Spool:
    """The spool that services use in this test."""
    settings.SPOOL_RESERVE = lambda _total: 0
    settings.UPLOAD_DIR = data_dir / "uploads"
    return services.spool()


@pytest.fixture
def disc() -> Path:
    """The demo disc, to be read only."""
    return DISC


@pytest.fixture
def disc_zip(tmp_path: Path) -> Path:
    """The demo disc as a zip, with what discs carry besides."""
    path = tmp_path / "disc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for file in sorted(DISC.rglob("*")):
            if file.is_file():
                made.write(file, str(file.relative_to(DISC)))
        made.writestr("AUTORUN.INF", "[autorun]\nopen=VIEWER.EXE\n")
        made.writestr("VIEWER.EXE", b"MZ" + bytes(200))
    return path
