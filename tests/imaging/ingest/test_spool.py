"""The spool: what it acknowledges is there, what it refuses leaves nothing."""

import errno
import hashlib
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest

from imaging.dicom.part10 import DatasetDigest
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool, SpoolEntry, SpoolError, SpoolFull

CT1 = Source(door="dimse", sender="CT1", address="10.0.0.7", department_ids=(3, 5))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", lambda _total: 0)


def put(spool: Spool, data: bytes = b"data set", head: bytes = b"head", source: Source = CT1) -> SpoolEntry:
    writer = spool.begin(source, digest=DatasetDigest("1.2.840.10008.1.2"))
    writer.write_head(head)
    for start in range(0, len(data), 3):
        writer.write(data[start : start + 3])
    return writer.commit()


def test_an_entry_holds_the_bytes_and_its_name_is_the_receipt(spool: Spool) -> None:
    before = time.time_ns()
    put(spool)
    [entry] = spool.entries()
    assert entry.path.read_bytes() == b"headdata set"
    assert entry.file_sha256 == hashlib.sha256(b"headdata set").hexdigest()
    digest = DatasetDigest("1.2.840.10008.1.2")
    digest.update(b"data set")
    assert entry.dataset_sha256 == digest.hexdigest()
    assert before <= entry.received_ns <= time.time_ns()
    assert spool.source_of(entry) == CT1


def test_entries_come_oldest_first_and_strangers_in_the_folder_are_left_alone(spool: Spool) -> None:
    first, second = put(spool, b"1"), put(spool, b"2")
    (spool.ready / "README").write_text("not an entry")
    assert [entry.name for entry in spool.entries()] == [first.name, second.name]


def test_nothing_is_published_before_the_file_and_the_folder_are_durable(spool: Spool, monkeypatch: Any) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def note_fsync(fd: int) -> None:
        order.append(f"fsync {Path(f'/proc/self/fd/{fd}').readlink().parent.name}")
        fsync(fd)

    def note_rename(self: Path, target: Path) -> Path:
        order.append(f"rename to {target.parent.name}")
        return rename(self, target)

    put(spool, b"the sender's record is written")
    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "rename", note_rename)
    put(spool)
    assert order == ["fsync incoming", "rename to ready", f"fsync {spool.ready.parent.name}"]


def test_a_disk_that_cannot_sync_leaves_nothing_behind(spool: Spool, monkeypatch: Any) -> None:
    put(spool, b"the sender's record is written").path.unlink()

    def broken(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(SpoolError):
        put(spool)
    assert not list(spool.ready.iterdir())
    assert not list(spool.incoming.iterdir())


def test_the_reserve_is_refused_before_it_is_touched(tmp_path: Path) -> None:
    full = Spool(tmp_path / "spool", lambda total: total)
    with pytest.raises(SpoolFull):
        full.begin(CT1)
    assert not list(full.incoming.iterdir())


def test_a_disk_that_fills_while_writing_is_noticed(spool: Spool, monkeypatch: Any) -> None:
    with spool.begin(CT1) as writer:
        monkeypatch.setattr(spool, "_reserve", lambda total: total)
        with pytest.raises(SpoolFull):
            writer.write(bytes(20 * 1024 * 1024))
    assert not list(spool.incoming.iterdir())


def test_a_writer_that_is_left_without_commit_leaves_nothing(spool: Spool) -> None:
    with spool.begin(CT1) as writer:
        writer.write(b"half an obj")
    assert not list(spool.incoming.iterdir())
    assert not spool.entries()


def _write_and_hang(folder: Path, started: Any) -> None:
    writer = Spool(folder, lambda _total: 0).begin(CT1)
    writer.write(b"half an object")
    started.set()
    time.sleep(60)


def test_partial_files_of_a_killed_writer_are_removed_but_not_those_of_a_living_one(
    spool: Spool, monkeypatch: Any
) -> None:
    monkeypatch.setattr("imaging.ingest.spool._PARTIAL_KEPT", -1.0)
    context = multiprocessing.get_context("fork")
    started = context.Event()
    process = context.Process(target=_write_and_hang, args=(spool.ready.parent, started))
    process.start()
    assert started.wait(60)
    with spool.begin(CT1) as mine:
        assert spool.tidy() == 0
        process.kill()
        process.join(10)
        assert spool.tidy() == 1
        assert list(spool.incoming.iterdir()) == [mine.path]


def test_an_entry_is_claimed_by_one_registrar_only(spool: Spool) -> None:
    entry = put(spool)
    claim = spool.claim(entry)
    assert claim is not None
    assert claim.file.read() == b"headdata set"
    assert spool.claim(entry) is None
    claim.give_back()
    again = spool.claim(entry)
    assert again is not None
    again.release()
    assert spool.claim(entry) is None
    assert not spool.entries()


def _claim_and_hang(folder: Path, started: Any) -> None:
    other = Spool(folder, lambda _total: 0)
    claims = [other.claim(entry) for entry in other.entries()]
    assert claims
    started.set()
    time.sleep(60)


def test_the_claim_of_a_killed_registrar_is_free_again(spool: Spool) -> None:
    entry = put(spool)
    context = multiprocessing.get_context("fork")
    started = context.Event()
    process = context.Process(target=_claim_and_hang, args=(spool.ready.parent, started))
    process.start()
    assert started.wait(60)
    assert spool.claim(entry) is None
    process.kill()
    process.join(10)
    claim = spool.claim(entry)
    assert claim is not None
    claim.give_back()


def test_the_record_of_a_sender_stays_while_its_objects_wait(spool: Spool, monkeypatch: Any) -> None:
    monkeypatch.setattr("imaging.ingest.spool._SOURCE_KEPT", -1.0)
    entry = put(spool)
    put(spool, source=Source(door="dimse", sender="GONE")).path.unlink()
    spool.tidy()
    assert [path.name for path in spool.sources.iterdir()] == [CT1.key]
    assert spool.source_of(entry) == CT1
    entry.path.unlink()
    spool.tidy()
    assert not list(spool.sources.iterdir())
