"""What a hostile or unlucky browser sends: nothing is lost, nothing leaks, nothing is a path."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Department, Membership, User
from accounts.roles import Role
from imaging.ingest import turnstile
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import names, refusals, services, staging
from imaging.ingest.uploads.services import Announced, Body
from tests.imaging.ingest.uploads.conftest import OCTETS, VERSION, Sender, encoded

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = {
    "up": ("../../etc/passwd", "etc/passwd"),
    "absolute": ("/etc/passwd", "etc/passwd"),
    "drive": ("C:\\Windows\\system32\\x.dcm", "C:/Windows/system32/x.dcm"),
    "dots": ("./.././..", "-"),
    "nothing": ("", "-"),
    "NUL": ("a\x00.dcm", "a\ufffd.dcm"),
    "line feed": ("a\nb\r.dcm", "a\ufffdb\ufffd.dcm"),
    "right to left": ("exam\u202efdp.exe", "exam\ufffdfdp.exe"),
    "no width": ("a\u200b\u2066.dcm", "a\ufffd\ufffd.dcm"),
    "lone surrogate": ("a\ud800.dcm", "a\ufffd\ufffd\ufffd.dcm"),
    "markup": ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
    "formula": ("=cmd|'A calc'!A0", "=cmd|'A calc'!A0"),
}


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_a_name_is_shown_and_never_a_path(sender: Sender, kind: str) -> None:
    sent, kept = NAMES[kind]
    address = sender.create(4, b"1234", name=sent)["Location"]
    assert ImportedFile.objects.get().path == kept
    folder = staging.folder_of(sender.delivery.pk)
    assert [path.name for path in folder.iterdir()] == [address.rsplit("/", 1)[1]]


def test_a_name_of_ten_thousand_characters_keeps_its_end(sender: Sender) -> None:
    assert sender.create(4, b"1234", name="x" * 10_000 + "/IM0001.dcm").status_code == 201
    kept = ImportedFile.objects.get().path
    assert len(kept) == names.LONGEST
    assert kept.endswith("/IM0001.dcm")
    assert kept.startswith("…")


def test_another_persons_upload_is_as_good_as_absent(
    sender: Sender, sending: Callable[..., Sender], bob: User, charlie: User, orthopaedics: Department
) -> None:
    address = sender.create(10, b"01234")["Location"]
    delivery = sender.delivery.pk
    other = sending(bob, orthopaedics)
    stranger = Client()
    stranger.force_login(charlie)
    for client in (other.client, stranger):
        asked = Sender(client, bob, sender.delivery)
        absent = f"/import/tus/{uuid4()}"
        for one, two in (
            (asked.head(address), asked.head(absent)),
            (asked.patch(address, 5, b"5"), asked.patch(absent, 5, b"5")),
            (asked.delete(address), asked.delete(absent)),
        ):
            assert one.status_code == two.status_code == 404
            assert one.content == two.content
        assert asked.create(4, b"1234").status_code == 404
        for way in ("received", "cancelled"):
            assert client.post(f"/import/{delivery}/{way}").status_code == 404
        assert client.get(f"/import/{delivery}/files").status_code == 404
    assert sender.stored(address) == b"01234"
    assert str(delivery) not in other.client.get("/import/").content.decode()


def test_nobody_signed_in_is_told_to_sign_in(sender: Sender) -> None:
    address = sender.create(10, b"01234")["Location"]
    anonymous = Sender(Client(), sender.user, sender.delivery)
    answers = [
        anonymous.create(4), anonymous.head(address), anonymous.patch(address, 5, b"5"), anonymous.delete(address),
        anonymous.client.options("/import/tus/"), anonymous.finish(), anonymous.client.post("/import/begin"),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} == {401}
    assert anonymous.client.get("/import/").status_code == 302


def test_who_may_not_upload_to_a_department_is_refused(sender: Sender, charlie: User, orthopaedics: Department) -> None:
    assert sender.client.post("/import/begin", {"department": str(orthopaedics.pk)}).status_code == 403
    for nonsense in ("", "x", "-1", "9" * 30, "٣"):
        assert sender.client.post("/import/begin", {"department": nonsense}).status_code == 403
    stranger = Client()
    stranger.force_login(charlie)
    assert stranger.get("/import/").status_code == 403
    assert Import.objects.count() == 1


def test_a_membership_that_ends_ends_the_upload(sender: Sender) -> None:
    address = sender.create(10, b"01234")["Location"]
    Membership.objects.update(role=Role.PRIVACY_OFFICER)
    assert sender.patch(address, 5, b"56789").status_code == 403
    assert sender.create(4, b"1234").status_code == 403
    assert sender.finish(1).status_code == 403
    assert sender.head(address)["Upload-Offset"] == "5"


def test_the_share_of_a_person_is_kept(sender: Sender, settings: Any) -> None:
    settings.UPLOAD_QUOTA_BYTES = 10
    assert sender.create(11).status_code == 413
    assert sender.create(6).status_code == 201
    assert sender.create(5).status_code == 413
    assert sender.create(4, b"1234").status_code == 201
    settings.UPLOAD_QUOTA_FILES = 2
    refused = sender.create(0)
    assert refused.status_code == 413
    assert b"cancel" in refused.content
    sender.client.post(f"/import/{sender.delivery.pk}/cancelled")
    begun = sender.client.post("/import/begin", {"department": str(sender.delivery.department_id)}).json()
    assert sender.create(4, b"1234", metadata=encoded(**{"import": begun["import"]})).status_code == 201


def test_a_person_has_so_many_unfinished_imports(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_OPEN", 1)
    assert sender.client.post("/import/begin", {"department": str(sender.delivery.department_id)}).status_code == 413


def test_the_reserve_of_the_disk_is_not_touched(sender: Sender, settings: Any) -> None:
    address = sender.create(10, b"01234")["Location"]
    settings.SPOOL_RESERVE = lambda total: total
    assert sender.create(4, b"1234").status_code == 507
    refused = sender.patch(address, 5, b"56789")
    assert refused.status_code == 507
    assert sender.head(address)["Upload-Offset"] == "5"
    settings.SPOOL_RESERVE = lambda _total: 0
    assert sender.patch(address, 5, b"56789").status_code == 204


def test_what_nobody_went_on_with_expires(sender: Sender) -> None:
    address = sender.create(10, b"01234")["Location"]
    folder = staging.folder_of(sender.delivery.pk)
    Import.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for answer in (sender.head(address), sender.patch(address, 5, b"5"), sender.create(4, b"1234")):
        assert answer.status_code == 410
        assert "Upload-Offset" not in answer
    assert services.expire() == 1
    assert services.expire() == 0
    assert not folder.exists()
    assert not ImportedFile.objects.exists()
    sender.delivery.refresh_from_db()
    assert sender.delivery.state == Import.State.EXPIRED
    assert sender.head(address).status_code == 404
    assert sender.finish().status_code == 410


def test_who_goes_on_keeps_an_upload_alive(sender: Sender) -> None:
    address = sender.create(10, b"01234")["Location"]
    Import.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    sender.patch(address, 5, b"5")
    sender.delivery.refresh_from_db()
    assert sender.delivery.expires_at > timezone.now() + timedelta(hours=23)


def test_uploads_leave_threads_of_the_web_server_to_readers(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    address = sender.create(4)["Location"]
    turns = threading.BoundedSemaphore(1)
    monkeypatch.setattr(turnstile, "_turns", turns)
    with turns:
        for crowded in (sender.patch(address, 0, b"DICM"), sender.create(4, b"DICM")):
            assert (crowded.status_code, crowded["Retry-After"]) == (503, "2")
        assert sender.head(address)["Upload-Offset"] == "0"
    assert sender.patch(address, 0, b"DICM").status_code == 204
    assert sender.create(4, b"DICM").status_code == 201


def test_one_writer_at_a_time(sender: Sender) -> None:
    address = sender.create(10, b"01234")["Location"]
    file = ImportedFile.objects.get()
    with staging.StagedFile(file.delivery_id, file.pk):
        assert sender.patch(address, 5, b"56789").status_code == 423
        assert sender.delete(address).status_code == 423
        assert sender.head(address)["Upload-Offset"] == "5"
    assert sender.patch(address, 5, b"56789").status_code == 204


def test_of_two_windows_that_append_at_once_one_wins(sender: Sender) -> None:
    address = sender.create(1_000_000)["Location"]
    body = bytes(1_000_000)
    clients = [Client(), Client(), Client()]
    answers: list[int] = []
    for client in clients:
        client.force_login(sender.user)

    def append(client: Client) -> None:
        try:
            answers.append(Sender(client, sender.user, sender.delivery).patch(address, 0, body).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=append, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(204) == 1
    assert set(answers) <= {204, 409, 423}
    assert sender.stored(address) == body


def test_a_cut_off_piece_keeps_what_came(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    address = sender.create(10)["Location"]
    original = WSGIRequest.read

    def broken(self: WSGIRequest, *size: int) -> bytes:
        if getattr(self, "was_read", False):
            raise ConnectionResetError
        self.was_read = True
        return original(self, 3)

    monkeypatch.setattr(WSGIRequest, "read", broken)
    sender.patch(address, 0, b"0123456789")
    monkeypatch.undo()
    assert sender.head(address)["Upload-Offset"] == "3"
    assert sender.patch(address, 3, b"3456789")["Upload-Offset"] == "10"
    assert sender.stored(address) == b"0123456789"


def test_a_file_sent_twice_is_one_file(sender: Sender) -> None:
    first = sender.create(4, b"1234", fingerprint="abc")
    second = sender.create(4, b"1234", fingerprint="abc")
    assert second.status_code == 201
    assert second["Location"] == first["Location"]
    assert second["Upload-Offset"] == "4"
    sender.delivery.refresh_from_db()
    assert (sender.delivery.file_count, sender.delivery.byte_count) == (1, 4)
    assert len(list(staging.folder_of(sender.delivery.pk).iterdir())) == 1


def test_a_file_whose_answer_was_lost_is_found_again(sender: Sender, alice: User) -> None:
    announced = Announced(path="a", length=8, fingerprint="abc")
    half = services.create(
        user=alice, delivery_id=sender.delivery.pk, announced=announced, body=Body(lambda _size: b"", 8)
    )
    assert half.offset == 0
    whole = sender.create(8, b"01234567", fingerprint="abc")
    assert whole["Upload-Offset"] == "8"
    assert whole["Location"].endswith(str(half.file.pk))
    assert sender.stored(whole["Location"]) == b"01234567"
    assert ImportedFile.objects.get().state == ImportedFile.State.RECEIVED


def test_another_length_under_the_same_fingerprint_is_refused(sender: Sender) -> None:
    sender.create(4, b"1234", fingerprint="abc")
    assert sender.create(5, b"12345", fingerprint="abc").status_code == 400
    assert sender.create(4, b"1234", fingerprint="x" * 129).status_code == 400
    assert sender.create(4, b"1234", fingerprint="\n").status_code == 400


def test_an_import_is_finished_only_when_everything_lies_on_disk(sender: Sender) -> None:
    assert sender.finish().status_code == 409
    whole = sender.create(4, b"1234")["Location"]
    half = sender.create(10, b"01234")["Location"]
    refused = sender.finish(2)
    assert refused.status_code == 409
    assert b"1 file" in refused.content
    sender.patch(half, 5, b"56789")
    assert sender.finish(3).status_code == 409, "the browser believes to have sent one more"
    (staging.folder_of(sender.delivery.pk) / "stray").write_bytes(b"left by a process that died")
    answer = sender.finish(2)
    assert answer.json() == {"next": f"/import/{sender.delivery.pk}/"}
    sender.delivery.refresh_from_db()
    assert (sender.delivery.state, sender.delivery.file_count) == (Import.State.EXAMINING, 2)
    assert len(list(staging.folder_of(sender.delivery.pk).iterdir())) == 2
    assert sender.finish(2).status_code == 200
    assert sender.create(4, b"1234").status_code == 410
    assert sender.delete(whole).status_code == 410
    assert sender.head(whole)["Upload-Offset"] == "4"
    assert sender.client.post(f"/import/{sender.delivery.pk}/cancelled").status_code == 410


def test_bytes_that_a_power_cut_took_are_asked_for_again(sender: Sender) -> None:
    address = sender.create(4, b"1234")["Location"]
    path = next(staging.folder_of(sender.delivery.pk).iterdir())
    path.write_bytes(b"12")
    assert sender.finish(1).status_code == 409
    assert sender.head(address)["Upload-Offset"] == "2"
    assert sender.patch(address, 2, b"34").status_code == 204
    assert sender.finish(1).status_code == 200


@pytest.mark.parametrize("came", [b"DICM", b"DI"])
def test_a_file_whose_name_a_power_cut_took_can_be_sent_again(sender: Sender, came: bytes) -> None:
    lost = sender.create(4, b"DICM", fingerprint="one")["Location"]
    staging.path_of(sender.delivery.pk, UUID(lost.rsplit("/", 1)[1])).unlink()
    assert sender.finish().status_code == 409
    assert sender.head(lost).status_code == 404
    again = sender.create(4, came, fingerprint="one")
    assert (again.status_code, again["Location"], again["Upload-Offset"]) == (201, lost, str(len(came)))
    if came != b"DICM":
        assert sender.finish().status_code == 409
        assert sender.patch(lost, 2, b"CM").status_code == 204
    assert sender.stored(lost) == b"DICM"
    assert sender.finish().status_code == 200


def test_a_cancelled_import_leaves_nothing(sender: Sender) -> None:
    address = sender.create(4, b"1234")["Location"]
    for _ in range(2):
        assert sender.client.post(f"/import/{sender.delivery.pk}/cancelled").status_code == 204
    assert not staging.folder_of(sender.delivery.pk).exists()
    assert sender.head(address).status_code == 404
    assert sender.create(4, b"1234").status_code == 410


def test_a_piece_for_a_file_cancelled_meanwhile_is_refused(sender: Sender, alice: User) -> None:
    announced = Announced(path="a", length=40 * 1024 * 1024)
    upload = services.create(user=alice, delivery_id=sender.delivery.pk, announced=announced)
    read = 0

    def cancelling(size: int) -> bytes:
        nonlocal read
        read += size
        staging.remove_folder(sender.delivery.pk)
        return bytes(size)

    with pytest.raises(refusals.NotFound):
        services.append(user=alice, file_id=upload.file.pk, offset=0, body=Body(cancelling, announced.length))
    assert read <= 17 * 1024 * 1024


def test_folders_of_nobody_are_swept(sender: Sender, uploads: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_STRAY_SECONDS", -60.0)
    sender.create(4, b"1234")
    (uploads / str(uuid4())).mkdir()
    (uploads / "not-ours").mkdir()
    services.expire()
    assert {path.name for path in uploads.iterdir()} == {str(sender.delivery.pk), "not-ours"}


def test_without_a_length_a_body_is_refused(sender: Sender) -> None:
    address = sender.create(4)["Location"]
    request = {"PATH_INFO": address, "REQUEST_METHOD": "PATCH", "CONTENT_TYPE": OCTETS, "HTTP_UPLOAD_OFFSET": "0"}
    answer = sender.client.request(**request, HTTP_TUS_RESUMABLE=VERSION["Tus-Resumable"])
    assert answer.status_code == 411
