"""tus 1.0.0 as its text says: every header and status of the core and of the extensions that are offered."""

import base64
import hashlib
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from imaging.ingest.models import ImportedFile
from tests.imaging.ingest.uploads.conftest import OCTETS, VERSION, Sender, encoded

pytestmark = pytest.mark.django_db(transaction=True)


def digest(body: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, body).digest()).decode()}"


def test_options_tells_what_the_server_can(sender: Sender, settings: Any) -> None:
    answer = sender.client.options("/import/tus/")
    assert answer.status_code == 204
    assert answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "expiration", "termination", "checksum",
    }  # fmt: skip
    assert int(answer["Tus-Max-Size"]) == settings.UPLOAD_QUOTA_BYTES
    assert "sha1" in answer["Tus-Checksum-Algorithm"].split(",")


def test_a_file_is_created_sent_in_pieces_and_whole(sender: Sender) -> None:
    created = sender.create(10)
    assert created.status_code == 201
    assert created["Tus-Resumable"] == "1.0.0"
    assert created["Upload-Offset"] == "0"
    address = created["Location"]
    first = sender.patch(address, 0, b"01234")
    assert (first.status_code, first["Upload-Offset"], first.content) == (204, "5", b"")
    assert parsedate_to_datetime(first["Upload-Expires"]) > timezone.now()
    asked = sender.head(address)
    assert (asked.status_code, asked["Upload-Offset"], asked["Upload-Length"]) == (200, "5", "10")
    assert asked["Cache-Control"] == "no-store"
    assert ImportedFile.objects.get().state == ImportedFile.State.RECEIVING
    assert sender.patch(address, 5, b"56789")["Upload-Offset"] == "10"
    assert sender.stored(address) == b"0123456789"
    assert ImportedFile.objects.get().state == ImportedFile.State.RECEIVED


def test_a_small_file_comes_with_its_creation(sender: Sender) -> None:
    created = sender.create(4, b"DICM")
    assert (created.status_code, created["Upload-Offset"]) == (201, "4")
    assert sender.stored(created["Location"]) == b"DICM"
    assert ImportedFile.objects.get().state == ImportedFile.State.RECEIVED


def test_the_first_piece_may_come_with_the_creation(sender: Sender) -> None:
    created = sender.create(8, b"DICM")
    assert (created.status_code, created["Upload-Offset"]) == (201, "4")
    assert sender.patch(created["Location"], 4, b"tail").status_code == 204
    assert sender.stored(created["Location"]) == b"DICMtail"


def test_an_empty_file_is_whole_at_once(sender: Sender) -> None:
    created = sender.create(0, b"")
    assert (created.status_code, created["Upload-Offset"]) == (201, "0")
    assert sender.head(created["Location"])["Upload-Offset"] == "0"
    assert sender.finish(1).status_code == 200


def test_a_piece_at_the_wrong_place_is_a_conflict(sender: Sender) -> None:
    address = sender.create(10, b"01234")["Location"]
    for offset in (0, 4, 6, 10):
        assert sender.patch(address, offset, b"x").status_code == 409
    assert sender.stored(address) == b"01234"


@pytest.mark.parametrize("offset", ["-1", "", "x", "1.5", "0x1", "٥", "9" * 30])
def test_an_offset_that_is_no_number_is_refused(sender: Sender, offset: str) -> None:
    address = sender.create(10)["Location"]
    assert sender.client.generic(
        "PATCH", address, b"x", content_type=OCTETS, headers={**VERSION, "Upload-Offset": offset.encode().decode("latin-1")}
    ).status_code == 400  # fmt: skip


def test_more_than_was_announced_is_refused(sender: Sender) -> None:
    address = sender.create(4)["Location"]
    assert sender.patch(address, 0, b"12345").status_code == 413
    assert sender.create(4, b"12345").status_code == 413
    assert sender.stored(address) == b""


def test_another_media_type_is_refused(sender: Sender) -> None:
    address = sender.create(4)["Location"]
    answer = sender.client.generic(
        "PATCH", address, b"1234", content_type="application/octet-stream", headers={**VERSION, "Upload-Offset": "0"}
    )
    assert answer.status_code == 415


@pytest.mark.parametrize("version", ["", "0.2.2", "2.0.0"])
def test_another_version_is_refused_with_ours(sender: Sender, version: str) -> None:
    answer = sender.client.head(sender.create(4)["Location"], headers={"Tus-Resumable": version} if version else {})
    assert answer.status_code == 412
    assert answer["Tus-Version"] == "1.0.0"


def test_a_removed_file_is_gone(sender: Sender) -> None:
    address = sender.create(4, b"1234")["Location"]
    assert sender.delete(address).status_code == 204
    for answer in (sender.head(address), sender.patch(address, 4, b"x"), sender.delete(address)):
        assert answer.status_code == 404
        assert "Upload-Offset" not in answer
    sender.delivery.refresh_from_db()
    assert (sender.delivery.file_count, sender.delivery.byte_count) == (0, 0)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_with_the_right_digest_is_kept(sender: Sender, algorithm: str) -> None:
    address = sender.create(10)["Location"]
    assert sender.patch(address, 0, b"01234", Upload_Checksum=digest(b"01234", algorithm)).status_code == 204
    assert sender.patch(address, 5, b"56789", Upload_Checksum=digest(b"56789", algorithm)).status_code == 204
    assert sender.stored(address) == b"0123456789"


def test_a_damaged_piece_is_told_and_nothing_of_it_kept(sender: Sender) -> None:
    address = sender.create(10, b"01234")["Location"]
    assert sender.patch(address, 5, b"damag", Upload_Checksum=digest(b"56789")).status_code == 460
    assert sender.head(address)["Upload-Offset"] == "5"
    assert sender.create(5, b"damag", Upload_Checksum=digest(b"56789")).status_code == 460
    assert ImportedFile.objects.count() == 1


@pytest.mark.parametrize("checksum", ["md5 AAAA", "sha256", "sha256 !!!", "sha256 ", "", "AAAA"])
def test_a_digest_that_cannot_be_checked_is_refused(sender: Sender, checksum: str) -> None:
    address = sender.create(10)["Location"]
    assert sender.patch(address, 0, b"01234", Upload_Checksum=checksum).status_code == 400
    assert sender.head(address)["Upload-Offset"] == "0"


@pytest.mark.parametrize("length", ["-1", "", "1.5", "abc", "1e9", "9" * 20, "\x1d0"])
def test_a_length_that_is_no_number_is_refused(sender: Sender, length: str) -> None:
    assert sender.create(length).status_code == 400
    assert not ImportedFile.objects.exists()


@pytest.mark.parametrize("length", ["9" * 19, str(1 << 62)])
def test_a_length_beyond_the_largest_is_refused(sender: Sender, length: str) -> None:
    assert sender.create(length).status_code == 413
    assert not ImportedFile.objects.exists()


@pytest.mark.parametrize(
    "metadata",
    ["", "filename", "import", "import !!!!", "import bm8=", "import é", ",,,", "a YQ==,a YQ==", "x" * 70_000],
)
def test_metadata_that_names_no_import_is_refused(sender: Sender, metadata: str) -> None:
    assert sender.create(4, metadata=metadata).status_code == 400


def test_a_method_may_be_named_by_a_header_of_a_post_only(sender: Sender) -> None:
    address = sender.create(4)["Location"]
    named = {**VERSION, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert sender.client.generic("POST", address, b"1234", content_type=OCTETS, headers=named).status_code == 204
    deleting = {**VERSION, "X-HTTP-Method-Override": "DELETE"}
    assert sender.client.get(address, headers=deleting).status_code == 405
    assert sender.stored(address) == b"1234"


def test_other_methods_are_told_what_there_is(sender: Sender) -> None:
    address = sender.create(4)["Location"]
    for method, where in (("GET", address), ("PUT", address), ("POST", address), ("GET", "/import/tus/")):
        answer = sender.client.generic(method, where, headers=VERSION)
        assert answer.status_code == 405
        assert "OPTIONS" in answer["Allow"]


def test_a_forged_request_is_refused(sender: Sender) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sender.user)
    address = sender.create(4)["Location"]
    said = encoded(**{"import": str(sender.delivery.pk)})
    asked = {**VERSION, "Upload-Length": "4", "Upload-Metadata": said, "Upload-Offset": "0"}
    for method, where in (("POST", "/import/tus/"), ("PATCH", address), ("DELETE", address)):
        assert strict.generic(method, where, b"1234", content_type=OCTETS, headers=asked).status_code == 403
    assert sender.stored(address) == b""
    strict.cookies[settings.CSRF_COOKIE_NAME] = "x" * 32
    proven = {**asked, "X-CSRFToken": "x" * 32}
    assert strict.generic("PATCH", address, b"1234", content_type=OCTETS, headers=proven).status_code == 204
    assert sender.stored(address) == b"1234"
