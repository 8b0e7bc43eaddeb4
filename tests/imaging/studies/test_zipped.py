"""A zip of known length, written as it is sent: read back by Python's own reader, beyond every limit of 32 bits too."""

import io
import itertools
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from imaging.studies.export import zipped
from imaging.studies.export.zipped import LengthDiffers, Member
from tests.peers import Peer

MOMENT = datetime(2026, 3, 4, 10, 15, 30)  # noqa: DTZ001 -- a zip knows no zones


def member(name: str, content: bytes) -> Member:
    return Member(name, len(content), lambda: (content,))


def test_short_and_long_members_come_back() -> None:
    long = bytes(range(256)) * (zipped.AT_ONCE // 256) + b"end"
    members = [
        member("A.TXT", b""),
        member("DICOM/ONE", b"abc"),
        Member("DICOM/LONG", len(long), lambda: _pieces(long)),
    ]
    body = b"".join(zipped.write(members, MOMENT))
    assert len(body) == zipped.length(members)
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        assert found.testzip() is None
        assert [found.read(entry.name) for entry in members] == [b"", b"abc", long]
        assert {entry.date_time for entry in found.infolist()} == {(2026, 3, 4, 10, 15, 30)}
        assert [bool(entry.flag_bits & 8) for entry in found.infolist()] == [False, False, True]


def _pieces(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), 1_000_003):
        yield content[start : start + 1_000_003]


def test_the_same_members_give_the_same_bytes() -> None:
    members = [member(f"M{number}", bytes([number]) * number) for number in range(50)]
    assert b"".join(zipped.write(members, MOMENT)) == b"".join(zipped.write(members, MOMENT))


def test_more_members_than_16_bits_count() -> None:
    members = [member(f"M{number}", b"") for number in range(70_000)]
    body = b"".join(zipped.write(members, MOMENT))
    assert len(body) == zipped.length(members)
    with zipfile.ZipFile(io.BytesIO(body)) as found:
        assert len(found.infolist()) == 70_000


def test_members_and_places_beyond_4_gigabytes(tmp_path: Path) -> None:
    size = 4 * 1024**3 + 5
    piece = bytes(16 * 1024 * 1024)

    def read() -> Iterator[bytes]:
        yield from itertools.repeat(piece, size // len(piece))
        yield piece[: size % len(piece)]

    members = [Member("BIG", size, read), member("BEHIND", b"behind it")]
    path = tmp_path / "big.zip"
    with path.open("wb") as file:
        for part in zipped.write(members, MOMENT):
            # Zeros are left out: the file is sparse.
            file.seek(len(part), io.SEEK_CUR) if part is piece else file.write(part)
    assert path.stat().st_size == zipped.length(members)
    with zipfile.ZipFile(path) as found:
        assert [entry.file_size for entry in found.infolist()] == [size, 9]
        assert found.getinfo("BEHIND").header_offset > size
        assert found.read("BEHIND") == b"behind it"


@pytest.mark.parametrize("announced", [2, 4])
def test_a_member_of_another_length_ends_the_zip(announced: int) -> None:
    with pytest.raises(LengthDiffers):
        list(zipped.write([Member("A", announced, lambda: (b"abc",))], MOMENT))


def test_names_with_accents_are_names_that_others_read(tmp_path: Path) -> None:
    names = ["REPORT/Compte rendu – Éléonore Nguyễn.PDF", "DICOM/ST000001", "日本/画像"]
    path = tmp_path / "accents.zip"
    path.write_bytes(b"".join(zipped.write([member(name, name.encode()) for name in names], MOMENT)))
    assert path.stat().st_size == zipped.length([member(name, name.encode()) for name in names])
    with zipfile.ZipFile(path) as found:
        assert found.namelist() == names
        assert [found.read(name).decode() for name in names] == names
        assert [bool(entry.flag_bits & 0x800) for entry in found.infolist()] == [True, False, True]


def test_ten_thousand_files_take_no_memory_and_open_elsewhere(tmp_path: Path, peer: Peer) -> None:
    """The memory is that of the directory at the end, not that of what is inside."""
    size = 20_000
    members = [
        Member(f"Réunion/IM{number:06d}", size, lambda number=number: (bytes([number % 256]) * size,))
        for number in range(10_000)
    ]
    path = tmp_path / "many.zip"
    tracemalloc.start()
    with path.open("wb") as file:
        for piece in zipped.write(members, MOMENT):
            file.write(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
    assert path.stat().st_size == zipped.length(members) > 200_000_000
    with zipfile.ZipFile(path) as found:
        assert len(found.namelist()) == 10_000
        assert found.read("Réunion/IM009999") == bytes([9999 % 256]) * size
    tested = subprocess.run([peer("unzip"), "-tqq", str(path)], capture_output=True, check=False)
    assert tested.returncode == 0, tested.stdout[-500:]
