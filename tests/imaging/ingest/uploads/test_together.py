"""Small files that come together: each as if it had come alone, whatever the others are, and whatever the body is."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Department, Membership, User
from accounts.roles import Role
from imaging.ingest import turnstile
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import parcels, staging
from tests.imaging.ingest.uploads.conftest import Sender

pytestmark = pytest.mark.django_db(transaction=True)

#: Name, bytes, fingerprint.
Small = tuple[str, bytes, str]


def packed(listed: Any, *contents: bytes) -> bytes:
    """A parcel with this list, true or not."""
    said = listed if isinstance(listed, bytes) else json.dumps(listed).encode()
    return len(said).to_bytes(4) + said + b"".join(contents)


def send(
    sender: Sender, body: bytes, *, to: UUID | None = None, kind: str = parcels.CONTENT_TYPE, token: str = ""
) -> Any:
    address = f"/import/{to or sender.delivery.pk}/files"
    return sender.client.generic("POST", address, body, content_type=kind, headers={"X-CSRFToken": token})


def parcel(*files: Small) -> bytes:
    return packed([[name, len(body), mark] for name, body, mark in files], *(body for _name, body, _mark in files))


def statuses(answer: Any) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [status for _file, status, _sentence in answer.json()["files"]]


def arrived(sender: Sender) -> dict[str, bytes]:
    """Bytes by name, of what is recorded and lies on disk."""
    return {
        file.path: staging.path_of(sender.delivery.pk, file.pk).read_bytes()
        for file in ImportedFile.objects.filter(state=ImportedFile.State.RECEIVED)
    }


def on_disk(sender: Sender) -> set[str]:
    return {path.name for path in staging.folder_of(sender.delivery.pk).iterdir()}


FILES: list[Small] = [(f"DICOM/IM{number}", bytes([number]) * (1000 * number), f"mark{number}") for number in range(5)]


def test_files_that_come_together_are_files_as_any_other(sender: Sender) -> None:
    answer = send(sender, parcel(*FILES))
    assert statuses(answer) == [201] * 5
    assert arrived(sender) == {name: body for name, body, _mark in FILES}
    assert {file for file, _status, _sentence in answer.json()["files"]} == on_disk(sender)
    sender.delivery.refresh_from_db()
    assert (sender.delivery.file_count, sender.delivery.byte_count) == (5, 10_000)
    listed = sender.client.get(f"/import/{sender.delivery.pk}/files").json()["files"]
    assert {(mark, whole) for _file, mark, whole in listed} == {(mark, True) for _name, _body, mark in FILES}
    assert sender.finish(5).status_code == 200


def test_what_they_have_in_common_is_asked_once(sender: Sender) -> None:
    with CaptureQueriesContext(connection) as two:
        send(sender, parcel(*FILES[:2]))
    with CaptureQueriesContext(connection) as many:
        send(sender, parcel(*((f"x{n}", b"x", f"x{n}") for n in range(60))))
    assert len(many) == len(two)


def test_sent_again_after_a_lost_answer_they_are_the_same_files(sender: Sender) -> None:
    first = send(sender, parcel(*FILES[:3])).json()["files"]
    again = send(sender, parcel(*FILES)).json()["files"]
    assert again[:3] == first
    assert [status for _file, status, _sentence in again] == [201] * 5
    assert arrived(sender) == {name: body for name, body, _mark in FILES}
    assert len(on_disk(sender)) == 5
    sender.delivery.refresh_from_db()
    assert (sender.delivery.file_count, sender.delivery.byte_count) == (5, 10_000)


def test_a_file_begun_alone_is_ended_by_one_that_came_together(sender: Sender) -> None:
    begun = sender.create(4000, b"\4" * 10, name="DICOM/IM4", fingerprint="mark4")["Location"]
    assert statuses(send(sender, parcel(*FILES))) == [201] * 5
    assert sender.stored(begun) == FILES[4][1]
    assert sender.head(begun)["Upload-Offset"] == "4000"
    assert len(on_disk(sender)) == 5


def test_the_same_file_twice_in_a_parcel_is_one(sender: Sender) -> None:
    answer = send(sender, parcel(FILES[1], FILES[2], FILES[1])).json()["files"]
    assert answer[0] == answer[2]
    assert arrived(sender) == {name: body for name, body, _mark in FILES[1:3]}
    assert len(on_disk(sender)) == 2


def test_one_that_contradicts_what_was_announced_does_not_hurt_the_others(sender: Sender) -> None:
    sender.create(7, name="other", fingerprint="mark2")
    answer = send(sender, parcel(*FILES))
    assert statuses(answer) == [201, 201, 400, 201, 201]
    assert "choose the files" in answer.json()["files"][2][2]
    assert len(arrived(sender)) == 4


def test_one_that_is_too_large_does_not_hurt_the_others(sender: Sender, settings: Any) -> None:
    settings.UPLOAD_QUOTA_BYTES = 3500
    answer = send(sender, parcel(*FILES))
    assert statuses(answer) == [201, 201, 201, 413, 413]
    assert "share" not in answer.json()["files"][4][2]
    assert arrived(sender) == {name: body for name, body, _mark in FILES[:3]}
    assert len(on_disk(sender)) == 3
    settings.UPLOAD_QUOTA_FILES = 4
    assert statuses(send(sender, parcel(("a", b"a", "a"), ("b", b"b", "b")))) == [201, 413]


def test_a_file_that_another_writes_to_is_asked_for_again(sender: Sender) -> None:
    sender.create(1000, b"1", fingerprint="mark1")
    file = ImportedFile.objects.get()
    with staging.StagedFile(file.delivery_id, file.pk):
        assert statuses(send(sender, parcel(*FILES[:3]))) == [201, 423, 201]
    assert statuses(send(sender, parcel(FILES[1]))) == [201]


@pytest.mark.parametrize("cut", [0, 3, 20, 300, 2000, 5500])
def test_of_a_body_cut_off_the_whole_files_are_kept(sender: Sender, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    body = parcel(*FILES)
    left = [cut]
    original = WSGIRequest.read

    def broken(self: WSGIRequest, size: int = -1) -> bytes:
        if not left[0]:
            raise ConnectionResetError
        chunk = original(self, min(size, left[0]))
        left[0] -= len(chunk)
        return chunk

    monkeypatch.setattr(WSGIRequest, "read", broken)
    answer = send(sender, body)
    monkeypatch.undo()
    start = len(body) - 10_000
    whole = [file for number, file in enumerate(FILES) if start + sum(1000 * n for n in range(number + 1)) <= cut]
    if cut < start:
        assert answer.status_code == 400
    else:
        assert [status == 201 for status in statuses(answer)] == [file in whole for file in FILES]
        assert set(statuses(answer)) <= {201, 408}
    assert arrived(sender) == {name: body for name, body, _mark in whole}
    assert len(on_disk(sender)) == len(whole)
    assert statuses(send(sender, body)) == [201] * 5


LIES = {
    "half a number": b"\0\0",
    "longer than the body": b"\xff\xff\xff\xff[]",
    "no JSON": packed(b"\x80\x81"),
    "deep JSON": packed(b"[" * 100_000),
    "a number with ten thousand digits": packed(b'[["a",' + b"1" * 10_000 + b',""]]', b"1234"),
    "an object": packed({"a": 4}, b"1234"),
    "nothing in it": packed([]),
    "one field": packed([["a"]], b"1234"),
    "no text": packed([[1, 4, ""]], b"1234"),
    "a fraction": packed([["a", 4.0, ""]], b"1234"),
    "true": packed([["a", True, ""]], b"1"),
    "negative": packed([["a", 8, ""], ["b", -4, ""]], b"1234"),
    "too short": packed([["a", 3, ""]], b"1234"),
    "too long": packed([["a", 5, ""]], b"1234"),
    "far too long": packed([["a", 10**18, ""]], b"1234"),
    "more files than said": packed([["a", 4, ""]], b"1234", b"1234"),
    "fewer files than said": packed([["a", 4, ""], ["b", 4, ""]], b"1234"),
    "many": packed([["a", 0, ""]] * (parcels.MOST_FILES + 1)),
    "a long fingerprint": packed([["a", 4, "x" * 129]], b"1234"),
    "a fingerprint with a line feed": packed([["a", 4, "x\n"]], b"1234"),
}


@pytest.mark.parametrize("kind", sorted(LIES))
def test_a_parcel_that_lies_about_itself_is_refused_whole(sender: Sender, kind: str) -> None:
    answer = send(sender, LIES[kind])
    assert answer.status_code == 400
    assert b"choose the files" in answer.content
    assert on_disk(sender) == set()
    assert not ImportedFile.objects.exists()


def test_a_parcel_longer_than_any_is_not_read(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "LONGEST", 100)
    monkeypatch.setattr(WSGIRequest, "read", lambda *_: pytest.fail("it was read"))
    assert send(sender, parcel(*FILES)).status_code == 400


def test_names_are_shown_and_never_paths(sender: Sender) -> None:
    hostile = ["../../etc/passwd", "/etc/passwd", "C:\\x.dcm", "a\0\n\u202e", "\ud800", "", "y" * 10_000]
    answer = send(sender, packed([[name, 1, ""] for name in hostile], b"1" * len(hostile)))
    assert statuses(answer) == [201] * len(hostile)
    assert {file for file, _status, _sentence in answer.json()["files"]} == on_disk(sender)
    shown = set(ImportedFile.objects.values_list("path", flat=True))
    assert shown == {"etc/passwd", "C:/x.dcm", "a\ufffd\ufffd\ufffd", "\ufffd", "-", "…" + "y" * 499}


def test_another_persons_import_is_as_good_as_absent(
    sender: Sender, sending: Callable[..., Sender], bob: User, orthopaedics: Department
) -> None:
    other = sending(bob, orthopaedics)
    theirs, absent = send(other, parcel(*FILES), to=sender.delivery.pk), send(other, parcel(*FILES), to=uuid4())
    assert theirs.status_code == absent.status_code == 404
    assert theirs.content == absent.content
    assert on_disk(sender) == set()
    assert send(Sender(Client(), bob, sender.delivery), parcel(*FILES)).status_code == 401


def test_a_forged_request_is_refused(sender: Sender) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sender.user)
    assert send(Sender(strict, sender.user, sender.delivery), parcel(*FILES)).status_code == 403
    assert on_disk(sender) == set()
    strict.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
    assert statuses(send(Sender(strict, sender.user, sender.delivery), parcel(*FILES), token="x" * 32))


def test_what_may_not_come_now_is_refused_whole(sender: Sender, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(status: int) -> Any:
        answer = send(sender, parcel(*FILES))
        assert answer.status_code == status
        assert on_disk(sender) == set()
        return answer

    assert send(sender, parcel(*FILES), kind="multipart/form-data; boundary=x").status_code == 415
    with monkeypatch.context() as crowded:
        crowded.setattr(turnstile, "_turns", threading.BoundedSemaphore(0))
        assert refused(503)["Retry-After"] == "2"
    settings.SPOOL_RESERVE = lambda total: total
    refused(507)
    settings.SPOOL_RESERVE = lambda _total: 0
    Membership.objects.update(role=Role.PRIVACY_OFFICER)
    refused(403)
    Import.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(410)


def test_an_import_that_ends_while_they_come_keeps_none(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging.StagedFile, "fill", _ended(staging.StagedFile.fill))
    assert send(sender, parcel(*FILES)).status_code == 410
    assert on_disk(sender) == set()
    assert not ImportedFile.objects.exists()


def _ended(fill: Callable[..., int]) -> Callable[..., int]:
    def ending(*given: Any) -> int:
        Import.objects.update(state=Import.State.EXAMINING)
        return fill(*given)

    return ending
