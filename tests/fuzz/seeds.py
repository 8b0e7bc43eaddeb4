"""What each fuzzer begins with."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pydicom.data

from tests.hostile.cases import cases

PYDICOM_FILES = Path(pydicom.data.__file__).parent / "test_files"


def part10() -> Iterable[bytes]:
    """The hostile corpus, and the small ones of pydicom's files."""
    yield from (case.make() for case in cases() if case.family != "deflate")
    yield from (path.read_bytes() for path in sorted(PYDICOM_FILES.glob("*.dcm")) if path.stat().st_size < 16384)


SEEDS: Mapping[str, Callable[[], Iterable[bytes]]] = {"part10": part10}
