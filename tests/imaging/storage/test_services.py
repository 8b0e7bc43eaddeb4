import hashlib
import io
import os
import stat
from pathlib import Path

import pytest

from accounts.audit.models import AuditEvent
from imaging.storage import services as storage
from imaging.storage import tiers
from imaging.storage.models import ObjectCopy, StoredObject
from tests.imaging.storage.reversing_tier import ReversingTier

pytestmark = pytest.mark.django_db

BIG = 5 * 1024 * 1024


@pytest.fixture(params=["filesystem", "reversing"])
def tier(request, data_dir: Path, settings) -> Path:
    """Both tiers give the same answers."""
    if request.param == "reversing":
        settings.STORAGES = {
            **settings.STORAGES,
            "tier-online": {
                "BACKEND": "tests.imaging.storage.reversing_tier.ReversingTier",
                "OPTIONS": {"location": data_dir / "tiers" / "online"},
            },
        }
    return data_dir / "tiers" / "online"


@pytest.fixture
def second_tier(data_dir: Path, settings) -> Path:
    """Another place where copies may lie."""
    location = data_dir / "tiers" / "second"
    backend = {"BACKEND": "imaging.storage.backends.FilesystemTier", "OPTIONS": {"location": location}}
    settings.STORAGES = {**settings.STORAGES, "tier-second": backend}
    return location


def spooled(folder: Path, content: bytes, **changes: object) -> storage.SpooledFile:
    digest = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest[:16]}.dcm"
    path.write_bytes(content)
    values: dict = {
        "path": path,
        "file_sha256": digest,
        "dataset_sha256": hashlib.sha256(content[1:]).hexdigest(),
        "length": len(content),
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
    }
    return storage.SpooledFile(**{**values, **changes})


def file_of(tier: Path, content: StoredObject) -> Path:
    return tier / content.copies.get(tier="tier-online").location


def copy_to_second(content: StoredObject, data: bytes) -> ObjectCopy:
    tiers.write("tier-second", f"copy/{content.file_sha256}", io.BytesIO(data))
    return ObjectCopy.objects.create(stored_object=content, tier="tier-second", location=f"copy/{content.file_sha256}")


def test_bytes_that_were_put_are_read_back_whole_and_by_range(tier):
    content = storage.put(b"0123456789", kind="picture")
    assert storage.read(content) == b"0123456789"
    assert storage.read_range(content, 3, 4) == b"3456"
    assert storage.read_ranges(content, [(0, 1), (9, 1), (5, 0)]) == [b"0", b"9", b""]
    with storage.open(content) as file:
        file.seek(-2, io.SEEK_END)
        assert file.read() == b"89"


def test_a_stream_is_put_and_named_by_its_digest(tier):
    content = storage.put(io.BytesIO(b"x" * BIG), kind="frames", transfer_syntax_uid="1.2.840.10008.1.2.1")
    assert (content.length, content.file_sha256) == (BIG, hashlib.sha256(b"x" * BIG).hexdigest())
    digest = content.file_sha256
    assert content.copies.get().location == f"frames/{digest[:2]}/{digest[2:4]}/{digest}"


def test_the_same_bytes_are_kept_once_per_kind(tier):
    first = storage.put(b"same", kind="picture")
    assert storage.put(b"same", kind="picture") == first
    assert storage.put(b"same", kind="frames") != first
    assert storage.put_many([b"same", b"other", b"same"], kind="picture")[0] == first
    assert StoredObject.objects.count() == 3
    assert ObjectCopy.objects.count() == 3


def test_files_of_the_spool_are_adopted_and_left_to_their_owner(tier, data_dir):
    files = [spooled(data_dir / "spool", f"object {number}".encode()) for number in range(3)]
    contents = storage.adopt([*files, files[0]], kind="dicom")
    assert [content.file_sha256 for content in contents] == [file.file_sha256 for file in [*files, files[0]]]
    assert contents[1].dataset_sha256 == files[1].dataset_sha256
    assert all(file.path.exists() for file in files)
    for file in files:
        file.path.unlink()
    assert storage.read(contents[2]) == b"object 2"


def test_adopting_is_repeated_after_a_crash_without_harm(tier, data_dir):
    file = spooled(data_dir / "spool", b"an object")
    tiers_before = storage.adopt([file], kind="dicom")[0]
    StoredObject.objects.all()
    ObjectCopy.objects.all().delete()
    StoredObject.objects.all().delete()
    again = storage.adopt([file], kind="dicom")[0]
    assert again.pk != tiers_before.pk
    assert storage.read(again) == b"an object"


def test_adopting_takes_three_queries_for_any_number_of_files(tier, data_dir, django_assert_max_num_queries):
    files = [spooled(data_dir / "spool", f"object {number}".encode()) for number in range(50)]
    with django_assert_max_num_queries(3):
        storage.adopt(files, kind="dicom")


def test_a_half_written_orphan_is_replaced(tier, data_dir):
    file = spooled(data_dir / "spool", b"the whole object")
    content = storage.adopt([file], kind="dicom")[0]
    path = file_of(tier, content)
    path.unlink()
    path.write_bytes(b"the")
    storage.adopt([file], kind="dicom")
    assert storage.read(content) == b"the whole object"


@pytest.mark.parametrize("harm", ["gone", "damaged", "cut"])
def test_what_was_lost_is_restored_when_it_comes_again(tier, data_dir, harm):
    file = spooled(data_dir / "spool", b"the only bytes" * 100)
    (content,) = storage.adopt([file], kind="dicom")
    path = file_of(tier, content)
    path.unlink()
    if harm != "gone":
        tiers.write(
            "tier-online", path.relative_to(tier).as_posix(), io.BytesIO(b"?" * (1400 if harm == "damaged" else 9))
        )
    with pytest.raises(storage.StorageError):
        storage.read(content)
    fresh = StoredObject.objects.get()
    storage.restore([file], kind="dicom")
    assert storage.read(fresh) == b"the only bytes" * 100
    assert fresh.copies.get().state == ObjectCopy.State.WRITTEN


def test_what_lies_there_is_not_written_again(tier, data_dir):
    file = spooled(data_dir / "spool", b"sound")
    (content,) = storage.adopt([file], kind="dicom")
    before = file_of(tier, content).stat()
    storage.restore([file, spooled(data_dir / "spool", b"never kept")], kind="dicom")
    assert file_of(tier, content).stat() == before
    assert StoredObject.objects.count() == 1


def test_the_spool_is_linked_not_copied(data_dir):
    file = spooled(data_dir / "spool", b"linked")
    content = storage.adopt([file], kind="dicom")[0]
    assert file_of(data_dir / "tiers" / "online", content).stat().st_ino == file.path.stat().st_ino


def test_a_file_that_must_be_copied_is_checked_while_copying(data_dir, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "tier-online": {
            "BACKEND": "tests.imaging.storage.reversing_tier.ReversingTier",
            "OPTIONS": {"location": data_dir / "tiers" / "online"},
        },
    }
    file = spooled(data_dir / "spool", b"as received", file_sha256="0" * 64)
    with pytest.raises(storage.ObjectDamaged):
        storage.adopt([file], kind="dicom")
    assert not StoredObject.objects.exists()


def test_only_we_can_read_the_folders_and_files(data_dir):
    old = os.umask(0)
    try:
        content = storage.put(b"private", kind="picture")
    finally:
        os.umask(old)
    path = file_of(data_dir / "tiers" / "online", content)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    folder = path.parent
    while folder != data_dir / "tiers":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        folder = folder.parent


def test_a_backend_gives_nobody_an_address(data_dir):
    with pytest.raises(NotImplementedError):
        tiers.backend("tier-online").url("picture/aa")


def test_a_name_never_leaves_the_tier(data_dir):
    with pytest.raises(OSError, match="outside the tier"):
        tiers.read_range("tier-online", "../../etc/passwd", 0, 10)


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, -1), (0, 11), (10, 1), (2**70, 1)])
def test_a_range_outside_the_content_is_refused(data_dir, start, length):
    content = storage.put(b"0123456789", kind="picture")
    with pytest.raises(ValueError, match="outside"):
        storage.read_range(content, start, length)


@pytest.mark.parametrize("length", [1000, BIG])
def test_a_damaged_copy_is_never_given_and_is_marked(tier, length):
    content = storage.put(b"x" * length, kind="dicom")
    path = file_of(tier, content)
    data = bytearray(path.read_bytes())
    data[length // 2] ^= 1
    path.unlink()
    path.write_bytes(data)
    with pytest.raises(storage.ObjectDamaged):
        storage.read(content)
    assert content.copies.get().state == ObjectCopy.State.DAMAGED
    event = AuditEvent.objects.get(action="copy.damaged")
    assert event.subject_uid == content.file_sha256


@pytest.mark.parametrize("length", [1000, BIG])
def test_another_copy_is_read_when_the_first_is_damaged(data_dir, second_tier, length):
    content = storage.put(b"x" * length, kind="dicom")
    path = file_of(data_dir / "tiers" / "online", content)
    path.unlink()
    path.write_bytes(b"y" * length)
    copy_to_second(content, b"x" * length)
    if length == BIG:
        # A big content is streamed: the damage shows at its end, and the next opening takes the other copy.
        with pytest.raises(storage.ObjectDamaged):
            storage.read(content)
    assert storage.read(content) == b"x" * length


def test_another_copy_is_read_when_the_first_is_gone(data_dir, second_tier):
    content = storage.put(b"0123456789", kind="dicom")
    file_of(data_dir / "tiers" / "online", content).unlink()
    copy_to_second(content, b"0123456789")
    assert storage.read_range(content, 2, 3) == b"234"
    assert content.copies.get(tier="tier-online").state == ObjectCopy.State.MISSING


def test_a_copy_that_ends_early_is_noticed_by_a_range(data_dir):
    content = storage.put(b"0123456789", kind="dicom")
    path = file_of(data_dir / "tiers" / "online", content)
    path.unlink()
    path.write_bytes(b"01234")
    with pytest.raises(storage.ObjectDamaged):
        storage.read_range(content, 3, 5)


def test_a_content_without_any_copy_is_missing(data_dir):
    content = storage.put(b"0123456789", kind="dicom")
    file_of(data_dir / "tiers" / "online", content).unlink()
    with pytest.raises(storage.ObjectMissing):
        storage.open(content)
    with pytest.raises(storage.ObjectMissing):
        storage.read_range(content, 0, 1)


def test_verifying_tells_sound_damaged_and_missing_copies_apart(tier):
    content = storage.put(b"0123456789", kind="dicom")
    copy = content.copies.get()
    assert storage.verify(copy)
    assert copy.state == ObjectCopy.State.VERIFIED
    assert copy.verified_at is not None
    path = file_of(tier, content)
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:-1] + b"?")
    assert not storage.verify(copy)
    assert ObjectCopy.objects.get().state == ObjectCopy.State.DAMAGED
    path.unlink()
    assert not storage.verify(copy)
    assert ObjectCopy.objects.get().state == ObjectCopy.State.MISSING


def test_a_full_disk_is_said_in_one_word(data_dir, settings):
    settings.STORAGES = {
        **settings.STORAGES,
        "tier-online": {
            "BACKEND": "imaging.storage.backends.FilesystemTier",
            "OPTIONS": {"location": data_dir / "tiers" / "online"},
        },
    }
    # A real "no space left" without filling anything: the device that is always full.
    folder = data_dir / "tiers" / "online"
    folder.mkdir(parents=True)
    store = tiers.backend("tier-online")
    assert not isinstance(store, ReversingTier)
    with pytest.raises(storage.StorageFull):
        tiers.write("tier-online", "full", _FullDisk())


class _FullDisk(io.RawIOBase):
    """A source whose bytes go to /dev/full first, so that the error is the kernel's own."""

    def read(self, size: int = -1) -> bytes:
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")
        return b""


def test_what_was_put_survives_in_a_folder_without_leftovers(data_dir):
    storage.put_many([b"one", b"two"], kind="segment")
    names = [path.name for path in (data_dir / "tiers" / "online").rglob("*") if path.is_file()]
    assert len(names) == 2
    assert not any(name.endswith(".partial") for name in names)
