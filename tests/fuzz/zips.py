"""Any bytes as a zip or a DICOMDIR: every file is listed once or told, what it holds is read within its bounds."""

import io
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["imaging.ingest.media"]):
    from imaging.dicom.errors import DicomError
    from imaging.ingest.media import dicomdir, walk
    from imaging.ingest.media.limits import Budget, MediaLimits
    from imaging.ingest.media.trouble import MediaError

_LIMITS = MediaLimits(
    entries=200, archive_entries=100, entry_bytes=1_000_000, total_bytes=5_000_000, ratio_from=100_000
)
#: In memory where the machine has such a folder: a fuzzer writes thousands of files a second.
_FOLDER = Path(tempfile.mkdtemp(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
_FILE = _FOLDER / "disc.zip"


def once(data: bytes) -> None:
    """Walk ``data``, and read all of it."""
    _FILE.write_bytes(data)
    budget = Budget(limits=_LIMITS)
    octets = 0
    for found in walk.walk(_FILE, budget):
        assert 1 <= len(found.path) <= 500
        with suppress(MediaError), found.stream() as stream:
            while piece := stream.read(65536):
                octets += len(piece)
    assert octets <= _LIMITS.total_bytes + len(data) + 65536
    with suppress(MediaError, DicomError):
        dicomdir.read_index(io.BytesIO(data))


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
    _FILE.unlink(missing_ok=True)
