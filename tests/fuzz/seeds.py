"""What each fuzzer begins with."""

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pydicom.data

from tests.hostile import encoding as e
from tests.hostile.cases import cases

PYDICOM_FILES = Path(pydicom.data.__file__).parent / "test_files"


def part10() -> Iterable[bytes]:
    """The hostile corpus, and the small ones of pydicom's files."""
    yield from (case.make() for case in cases() if case.family != "deflate")
    yield from (path.read_bytes() for path in sorted(PYDICOM_FILES.glob("*.dcm")) if path.stat().st_size < 16384)


def multipart() -> Iterable[bytes]:
    """Content type and body of store requests, right and nearly right."""
    part = b"Content-Type: application/dicom\r\nContent-Location: a/b\r\n\r\nDICM\r\n"
    for content_type in (
        b"multipart/related; boundary=b",
        b'multipart/related; type="application/dicom"; boundary="b"',
    ):
        for body in (
            b"--b\r\n" + part + b"--b--\r\n",
            b"preamble\r\n--b\r\n" + part + b"--b  \r\n" + part + b"--b--epilogue",
            b"--b\r\n\r\n--b\r\n" + part + b"--bx\r\n--b-",
            b"--b\n" + part,
            b"",
        ):
            yield content_type + b"\n" + body


def tus() -> Iterable[bytes]:
    """Headers of the protocol."""
    yield from (b"0", b"9223372036854775807", b"-1", b"sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")
    yield b"filename Li4vLi4vZXRjL3Bhc3N3ZA==,import MQ==,is_confidential"


def zips() -> Iterable[bytes]:
    """Small archives: plain, packed, nested, with names that leave them; and indexes of discs."""
    for names in (["a.dcm"], ["../../a.dcm", "/etc/passwd", "C:\\a"], ["DICOMDIR", "IM/1", "IM/1"]):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", method) as archive:
                for number, name in enumerate(dict.fromkeys(names)):
                    archive.writestr(name, e.file_of(number + 1))
            yield packed.getvalue()
            outer = io.BytesIO()
            with zipfile.ZipFile(outer, "w") as archive:
                archive.writestr("inner.zip", packed.getvalue())
            yield outer.getvalue()
    yield (PYDICOM_FILES / "dicomdirtests" / "DICOMDIR-empty.dcm").read_bytes()


SEEDS: Mapping[str, Callable[[], Iterable[bytes]]] = {
    "multipart": multipart,
    "part10": part10,
    "tus": tus,
    "zips": zips,
}
