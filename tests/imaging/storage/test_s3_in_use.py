"""The portal over an object store, as it runs: received here, copied there, read from wherever it lies, killed at will."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pydicom.data import get_testdata_file

from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.storage import eviction, selectors
from imaging.storage import services as storage
from imaging.storage.copier import TierCopier
from imaging.storage.models import CopyOrder, ObjectCopy, StoredObject
from imaging.studies.models import Instance, Study
from tests import object_store
from tests.factories import arrivals
from tests.imaging.dimse import processes
from tests.imaging.dimse.processes import eventually
from tests.object_store import ObjectStore
from tests.studies_in_archive import Archive, addresses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes, pytest.mark.conformance]

FRAMES = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}
ALONE = {"Accept": "application/dicom; transfer-syntax=*"}
#: What a presigned address, or any other way past our doors, would hold.
TELLTALES = (b"X-Amz-", b"AWSAccessKeyId", b"Signature=", b"AWS4-HMAC", object_store.SECRET_KEY.encode())


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def store(own_store: ObjectStore, archive: Archive, keep_in: Callable[..., None]) -> ObjectStore:
    """A store of the test's own, where the archive's contents are to end."""
    keep_in(tier_s3=own_store.endpoint)
    return own_store


def environment(data_dir: Path, store: ObjectStore) -> dict[str, str]:
    """The variables of a process that copies to the store."""
    object_store.options(store.endpoint, data_dir)
    return {
        **processes.environment(data_dir),
        "STORAGE_S3_ENDPOINT": store.endpoint,
        "STORAGE_S3_BUCKET": object_store.BUCKET,
        "STORAGE_S3_ACCESS_KEY_FILE": str(data_dir / "access-key"),
        "STORAGE_S3_SECRET_KEY_FILE": str(data_dir / "secret-key"),
    }


@pytest.fixture
def copier(data_dir: Path, store: ObjectStore) -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py copier` in a process of its own; its log goes to a file."""
    with (data_dir / "copier.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "copier"],
            cwd=processes.ROOT,
            env=environment(data_dir, store),
            stdout=log,
            stderr=log,
        )
        yield process
        process.terminate()
        assert process.wait(60) == 0


def copied() -> bool:
    return not CopyOrder.objects.exists()


def copy_now() -> None:
    TierCopier("tier-s3", threads=4).drain()
    assert copied()


def assert_everything_lies_in_the_store(store: ObjectStore) -> None:
    contents = {content.pk: content for content in StoredObject.objects.exclude(kind="picture")}
    copies = {copy.stored_object_id: copy for copy in ObjectCopy.objects.filter(tier="tier-s3")}
    assert dict.fromkeys(contents, "verified") == {pk: copy.state for pk, copy in copies.items()}
    # One object for each content: nothing is there twice, and nothing half.
    named = {name for name in store.names() if "/" in name}
    assert named == {copy.location for copy in copies.values()}
    for copy in copies.values():
        assert storage.verify(copy)


def test_the_store_dies_while_images_come_in_and_nobody_notices(
    archive: Archive, store: ObjectStore, copier: Any, data_dir: Path
) -> None:
    study = arrivals.uid()
    for number in range(20):
        if number == 5:
            assert eventually(lambda: ObjectCopy.objects.filter(tier="tier-s3").exists(), within=120)
            store.kill()
        archive.receive(arrivals.dataset(StudyInstanceUID=study, InstanceNumber=number))
        assert Instance.objects.count() == number + 1
    assert Study.objects.get(study_instance_uid=study).instance_count == 20
    assert eventually(lambda: selectors.waiting_copies()[0].problem == "no_answer", within=120)
    waiting = selectors.waiting_copies()[0]
    assert waiting.count >= 14
    assert waiting.age > 0
    store.start()
    assert eventually(copied, within=120)
    assert_everything_lies_in_the_store(store)
    log = (data_dir / "copier.log").read_bytes()
    assert b"did not answer" in log
    assert b"answers again" in log
    assert not any(mark in log for mark in (*TELLTALES, store.endpoint.encode()))


def test_images_that_lie_only_in_the_store_are_read_as_before(
    archive: Archive, store: ObjectStore, reader: Client, decoders: Any, caplog: pytest.LogCaptureFixture
) -> None:
    files = [Path(get_testdata_file(name, download=False)) for name in ("CT_small.dcm", "examples_palette.dcm")]
    made = [arrivals.dataset(), arrivals.dataset(NumberOfFrames=2, Rows=8, Columns=4)]
    archive.receive(*made, *files)
    for study in Study.objects.all():
        archive.draw(study.study_instance_uid)
    copy_now()
    here = {
        version: reader.get(version, headers=ALONE).getvalue()  # type: ignore[attr-defined]
        for version in [addresses(entry).dicom_web for entry in made]
    }
    frame = reader.get(f"{addresses(made[1]).dicom_web}/frames/2", headers=FRAMES).getvalue()  # type: ignore[attr-defined]
    assert eviction.make_room(timedelta(0)) >= len(made) + len(files)
    assert not ObjectCopy.objects.filter(tier="tier-online", stored_object__kind__in=["dicom", "frames"]).exists()
    answers = {version: reader.get(version, headers=ALONE) for version in here}
    assert {version: answer.getvalue() for version, answer in answers.items()} == here  # type: ignore[attr-defined]
    again = reader.get(f"{addresses(made[1]).dicom_web}/frames/2", headers=FRAMES)
    assert _without_boundary(again.getvalue()) == _without_boundary(frame)  # type: ignore[attr-defined]
    seen = [answers[version] for version in here]
    for entry in made:
        for name, address in addresses(entry).all.items():
            answer = reader.get(address)
            assert answer.status_code in {200, 302, 404, 406}, name
            seen.append(answer)
            if answer.streaming:
                answer.streaming_content = [b"".join(answer.streaming_content)]
                answer.close()  # a download that is left open keeps its place
    for answer in seen:
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        everything = body + str(dict(answer.headers)).encode()
        assert not any(mark in everything for mark in (*TELLTALES, store.endpoint.encode()))
    assert not any(mark.decode() in caplog.text for mark in TELLTALES)


def _without_boundary(body: bytes) -> bytes:
    return body.replace(body.split(b"\r\n", 1)[0], b"")


def test_a_store_that_is_down_is_told_to_those_who_need_it_and_to_nobody_else(
    archive: Archive, store: ObjectStore, reader: Client
) -> None:
    away, here = arrivals.dataset(), arrivals.dataset()
    archive.receive(away)
    copy_now()
    eviction.make_room(timedelta(0))
    archive.receive(here)
    store.kill()
    for address in (
        addresses(away).dicom_web,
        f"{addresses(away).dicom_web}/frames/1",
        f"{addresses(away).dicom_web}/rendered",
        f"/dicom-web/studies/{away.StudyInstanceUID}",
    ):
        answer = reader.get(address)
        assert answer.status_code == 503, address
        assert int(answer.headers["Retry-After"]) > 0
        assert "does not answer at the moment" in answer.json()["message"]
    assert reader.get(addresses(away).study).status_code == 200
    assert reader.get(f"{addresses(away).dicom_web}/metadata").status_code == 200
    assert reader.get(addresses(here).dicom_web).status_code == 200
    # Nothing is held against the copy: it is there again with its store.
    assert ObjectCopy.objects.filter(tier="tier-s3").exclude(state="verified").count() == 0
    store.start()
    assert eventually(lambda: reader.get(addresses(away).dicom_web).status_code == 200, within=120)


def test_what_is_sent_again_while_its_store_is_down_lies_here_again(archive: Archive, store: ObjectStore) -> None:
    content = arrivals.encoded(arrivals.dataset())
    archive.receive(content)
    copy_now()
    eviction.make_room(timedelta(0))
    store.kill()
    archive.receive(content)
    assert storage.read(StoredObject.objects.get(kind="dicom")) == content


#: Where the copier is killed: before or after one of its steps.
STEPS = {
    "after the claim": "before(copying, 'settle'); before(tiers, 'write')",
    "in the middle of an upload in parts": "after(S3Tier, '_get'); kill_in_parts()",
    "after the upload": "after(tiers, 'write')",
    "after reading back": "after(copier, '_is_there')",
    "before it is written down": "before(copying, 'settle')",
    "after it is written down": "after(copying, 'settle')",
}
DYING_COPIER = """
import os, signal, sys
import django
django.setup()
from django.core.management import call_command
from imaging.storage import copier, copying, tiers
from imaging.storage.s3 import S3Tier

def die(*_a, **_k):
    os.kill(os.getpid(), signal.SIGKILL)

def before(place, name):
    setattr(place, name, die)

def after(place, name):
    done = getattr(place, name)
    def then_die(*a, **k):
        done(*a, **k)
        die()
    setattr(place, name, then_die)

def kill_in_parts():
    upload = S3Tier._upload_in_parts
    def cut(self, client, key, first, content):
        client.complete_multipart_upload = die
        upload(self, client, key, first, content)
    S3Tier._upload_in_parts = cut

{where}
call_command("copier", "--once")
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_copier_that_is_killed_loses_nothing_and_leaves_nothing_twice(
    archive: Archive, store: ObjectStore, data_dir: Path, step: str
) -> None:
    archive.receive(arrivals.dataset(), arrivals.dataset())
    storage.put(os.urandom(20 * 1024 * 1024), kind="frames")
    script = DYING_COPIER.replace("{where}", STEPS[step])
    if step == "in the middle of an upload in parts":
        script = script.replace("after(S3Tier, '_get'); ", "")
    died = subprocess.run(
        [sys.executable, "-c", script], cwd=processes.ROOT, env=environment(data_dir, store), check=False
    )
    assert died.returncode == -signal.SIGKILL
    CopyOrder.objects.update(due_at=arrivals.NOON)  # its lease runs out
    copy_now()
    assert_everything_lies_in_the_store(store)


def test_two_copiers_side_by_side_do_not_meet(archive: Archive, store: ObjectStore, data_dir: Path) -> None:
    archive.receive(*(arrivals.dataset() for _ in range(30)))
    command = [sys.executable, "manage.py", "copier", "--once", "--json"]
    both = [
        subprocess.Popen(command, cwd=processes.ROOT, env=environment(data_dir, store), stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    for process in both:
        process.wait(60)
    assert_everything_lies_in_the_store(store)
    assert copied()


@pytest.mark.alone
def test_a_copier_ends_when_it_is_told_though_its_store_hangs(
    store: ObjectStore, archive: Archive, data_dir: Path
) -> None:
    archive.receive(arrivals.dataset())
    assert store.process is not None
    store.process.send_signal(signal.SIGSTOP)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "copier"], cwd=processes.ROOT, env=environment(data_dir, store)
    )
    try:
        assert eventually(lambda: CopyOrder.objects.filter(attempts__gt=0).exists(), within=120)
        started = time.monotonic()
        process.terminate()
        assert process.wait(60) == 0
        assert time.monotonic() - started < 12
        assert CopyOrder.objects.exists()
    finally:
        process.kill()
        process.wait()
        store.process.send_signal(signal.SIGCONT)


def test_an_administrator_sees_what_waits_and_why_and_tries_it_now(
    archive: Archive, store: ObjectStore, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("root", "root@example.org", "a long password"))
    archive.receive(arrivals.dataset())
    store.kill()
    TierCopier("tier-s3", threads=2).drain()
    page = reverse("admin:imaging_copyorder_changelist")
    assert "the store does not answer" in client.get(page).content.decode()
    CopyOrder.objects.update(due_at=arrivals.NOON.replace(year=2099))
    chosen = list(CopyOrder.objects.values_list("pk", flat=True))
    client.post(page, {"action": "try_now", "_selected_action": chosen})
    assert AuditEvent.objects.filter(action="step.retried", subject_type="copy_order").count() == 1
    store.start()
    copy_now()
