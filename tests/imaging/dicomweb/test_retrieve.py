"""Whole objects come back bit-identical in their data set, in the form that the client accepts."""

import email
import email.policy
import io
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pydicom.uid import JPEGBaseline8Bit

from accounts.actor import Actor
from accounts.models import User
from imaging.dicom import part10
from imaging.studies import services as studies
from tests.factories import arrivals
from tests.studies_in_archive import DEMO, Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)


def parts(response: object) -> list[tuple[EmailMessage, bytes]]:
    """Return the parts of a multipart answer, read by Python's own mail parser."""
    body = response.getvalue()  # type: ignore[attr-defined]
    assert len(body) == int(response.headers["Content-Length"])  # type: ignore[attr-defined]
    head = f"Content-Type: {response.headers['Content-Type']}\r\n\r\n".encode()  # type: ignore[attr-defined]
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    return [(part, part.get_payload(decode=True)) for part in message.iter_parts()]  # type: ignore[misc]


def dataset_bytes(content: bytes, tmp_path: Path) -> bytes:
    """Return what follows group 0002."""
    file = tmp_path / "object"
    file.write_bytes(content)
    return content[part10.read_part10(file).dataset_offset :]


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def test_a_study_comes_back_whole_and_bit_identical(archive: Archive, reader: Client, tmp_path: Path) -> None:
    study, series = arrivals.uid(), arrivals.uid()
    sent = [
        arrivals.encoded(arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number))
        for number in (1, 2, 3)
    ]
    archive.receive(*sent)
    for address in (f"/dicom-web/studies/{study}", f"/dicom-web/studies/{study}/series/{series}"):
        response = reader.get(address, headers={"Accept": 'multipart/related; type="application/dicom"'})
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-store"
        received = [dataset_bytes(content, tmp_path) for _part, content in parts(response)]
        assert received == [dataset_bytes(content, tmp_path) for content in sent]


def test_one_instance_comes_as_a_part_or_alone(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    content = arrivals.encoded(made)
    archive.receive(content)
    there = addresses(made).dicom_web
    ((part, received),) = parts(reader.get(there, headers={"Accept": "multipart/related; type=application/dicom"}))
    alone = reader.get(there, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert received == alone.getvalue() == content  # type: ignore[attr-defined]
    # Python's parser writes parameters with quotation marks.
    assert part["Content-Type"].replace('"', "") == alone.headers["Content-Type"]
    assert alone.headers["Content-Type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    assert part["Content-Location"] == there


def test_a_part_of_one_instance_can_be_asked_for(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    content = arrivals.encoded(made)
    archive.receive(content)
    there = addresses(made).dicom_web
    accept = {"Accept": "application/dicom"}
    some = reader.get(there, headers={**accept, "Range": "bytes=128-131"})
    assert (some.status_code, some.getvalue()) == (206, b"DICM")  # type: ignore[attr-defined]
    assert some.headers["Content-Range"] == f"bytes 128-131/{len(content)}"
    last = reader.get(there, headers={**accept, "Range": "bytes=-4"})
    assert last.getvalue() == content[-4:]  # type: ignore[attr-defined]
    beyond = reader.get(there, headers={**accept, "Range": f"bytes={len(content)}-"})
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(content)}"
    several = reader.get(there, headers={**accept, "Range": "bytes=0-1,5-6"})
    assert several.status_code == 200
    # Who goes on with another version than the one begun with gets all of this one.
    for version, status in ((some.headers["ETag"], 206), ('"another"', 200)):
        rest = reader.get(there, headers={**accept, "Range": "bytes=4-", "If-Range": version})
        assert rest.status_code == status


def test_a_transfer_syntax_that_is_not_there_is_not_acceptable(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    there = addresses(made)
    for accept in (
        f"multipart/related; type=application/dicom; transfer-syntax={JPEGBaseline8Bit}",
        "multipart/related; type=application/dicom+xml",
        "text/html",
    ):
        response = reader.get(there.dicom_web, headers={"Accept": accept})
        assert response.status_code == 406
        assert "1.2.840.10008.1.2.1" in response.json()["message"]
    assert (
        reader.get(f"/dicom-web/studies/{there.study_uid}", headers={"Accept": "application/dicom"}).status_code == 406
    )


def test_of_mixed_transfer_syntaxes_the_acceptable_ones_come_with_206(archive: Archive, reader: Client) -> None:
    study = arrivals.uid()
    explicit = arrivals.encoded(arrivals.dataset(StudyInstanceUID=study))
    implicit = arrivals.encoded(arrivals.dataset(StudyInstanceUID=study), "1.2.840.10008.1.2")
    archive.receive(explicit, implicit)
    accept = "multipart/related; type=application/dicom; transfer-syntax=1.2.840.10008.1.2"
    response = reader.get(f"/dicom-web/studies/{study}", headers={"Accept": accept})
    assert response.status_code == 206
    assert [content for _part, content in parts(response)] == [implicit]


def test_head_says_how_long_and_sends_nothing(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    content = arrivals.encoded(made)
    archive.receive(content)
    there = addresses(made)
    response = reader.head(there.dicom_web, headers={"Accept": "application/dicom"})
    assert (response.status_code, response.headers["Content-Length"], response.getvalue()) == (
        200,
        str(len(content)),
        b"",
    )
    for name in ("retrieve study", "frame", "instance metadata", "study metadata"):
        response = reader.head(there.all[name])
        assert (response.status_code, response.getvalue()) == (200, b""), name


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_resources_are_only_read(method: str, archive: Archive, reader: Client) -> None:
    response = getattr(reader, method)(Addresses("1.2", "1.3", "1.4").dicom_web)
    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("accept", ["garbage", 'multipart/related; type="', "a/b;q=9"])
def test_an_accept_header_that_cannot_be_read_is_a_bad_request(accept: str, archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    assert reader.get(addresses(made).dicom_web, headers={"Accept": accept}).status_code == 400


@pytest.mark.parametrize("file", sorted(DEMO.rglob("*.dcm"))[:40], ids=lambda file: file.name)
def test_the_demo_hospitals_objects_come_back_as_they_were(
    file: Path, archive: Archive, reader: Client, tmp_path: Path
) -> None:
    archive.receive(file)
    parsed = part10.read_part10(file)
    there = Addresses(
        str(parsed.dataset.StudyInstanceUID), str(parsed.dataset.SeriesInstanceUID), str(parsed.dataset.SOPInstanceUID)
    )
    received = reader.get(there.dicom_web, headers={"Accept": "application/dicom"}).getvalue()  # type: ignore[attr-defined]
    assert dataset_bytes(received, tmp_path) == file.read_bytes()[parsed.dataset_offset :]


@pytest.mark.parametrize(
    ("preamble", "kept"),
    [
        (b"MZ" + b"\x90" * 126, False),
        (b"\x7fELF" + b"\1" * 124, False),
        (b"#!/bin/sh\n" + b" " * 118, False),
        (b"\0" * 64 + b"MZ" * 32, False),
        (b"II*\0" + b"\x08" * 124, True),
        (b"MM\0+" + b"\x08" * 124, True),
    ],
)
@pytest.mark.parametrize("is_corrected", [False, True])
def test_no_object_leaves_as_a_program(
    archive: Archive, reader: Client, preamble: bytes, kept: bool, is_corrected: bool
) -> None:
    made = arrivals.dataset()
    content = preamble + arrivals.encoded(made)[128:]
    archive.receive(content)
    where = addresses(made)
    if is_corrected:
        changes = {"00100020": {"vr": "LO", "Value": ["L-100"]}}
        study = archive.study(where.study_uid)
        studies.correct(study, changes, reason="", actor=Actor(kind="user", id="7", name="rita"))
    alone = {"Accept": "application/dicom; transfer-syntax=*"}

    def given(asked: str = "") -> bytes:
        headers = {**alone, "Range": f"bytes={asked}"} if asked else alone
        return reader.get(where.dicom_web, headers=headers).getvalue()  # type: ignore[attr-defined,no-any-return]

    whole = given()
    assert whole[:132] == (preamble if kept else bytes(128)) + b"DICM"
    assert is_corrected or whole[128:] == content[128:]
    for first, last in ((0, 0), (0, 1), (1, 2), (100, 127), (127, 128), (120, 200), (128, 140)):
        assert given(f"{first}-{last}") == whole[first : last + 1]
    ((_part, received),) = parts(reader.get(where.dicom_web, headers={"Accept": "multipart/related"}))
    assert received == whole
    zipped: Any = reader.get(where.all["study download"])
    with zipfile.ZipFile(io.BytesIO(zipped.getvalue())) as files:
        assert files.read("DICOM/ST000001/SE000001/IM000001") == whole
