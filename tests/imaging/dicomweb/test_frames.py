"""Frames as the viewer asks for them, of native, encapsulated and converted objects."""

from typing import Any

import numpy as np
import pytest
from django.test import Client
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, JPEGLSLossless

from accounts.models import User
from imaging.dicomweb import frames
from imaging.storage import services as storage
from tests.factories import arrivals
from tests.imaging.dicomweb.test_retrieve import parts
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

CORNERSTONE = {"Accept": "multipart/related; type=application/octet-stream; transfer-syntax=*"}
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def three_frames(**changes: Any) -> Dataset:
    """An object of three frames of 8 x 8 pixels, each filled with its number."""
    pixels = np.concatenate([np.full(64, number, "<u2") for number in (1, 2, 3)])
    return arrivals.dataset(NumberOfFrames=3, PixelData=pixels.tobytes(), **changes)


def test_frames_come_in_the_order_asked_for(archive: Archive, reader: Client) -> None:
    made = three_frames()
    archive.receive(made)
    response = reader.get(f"{addresses(made).dicom_web}/frames/3,1", headers=CORNERSTONE)
    received = parts(response)
    assert [np.frombuffer(data, "<u2")[0] for _part, data in received] == [3, 1]
    assert [len(data) for _part, data in received] == [128, 128]
    assert received[0][0]["Content-Location"].endswith("/frames/3")


def test_a_frame_of_any_size_is_read_in_pieces(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    read_ranges = storage.read_ranges

    def read(content: Any, ranges: list[tuple[int, int]]) -> list[bytes]:
        asked.append(sum(length for _offset, length in ranges))
        return read_ranges(content, ranges)

    monkeypatch.setattr(frames.storage, "read_ranges", read)
    monkeypatch.setattr(frames, "_PIECE", 48)
    made = three_frames()
    archive.receive(made)
    asked.clear()
    ((_part, data),) = parts(reader.get(f"{addresses(made).dicom_web}/frames/2", headers=CORNERSTONE))
    assert asked == [48, 48, 32]
    assert data == np.full(64, 2, "<u2").tobytes()


def test_the_transfer_syntax_stands_on_the_part_and_on_the_whole(archive: Archive, reader: Client) -> None:
    made = three_frames()
    archive.receive(made)
    response = reader.get(f"{addresses(made).dicom_web}/frames/1", headers=CORNERSTONE)
    ((part, _data),) = parts(response)
    assert part["Content-Type"].replace('"', "") == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    assert f"transfer-syntax={EXPLICIT};" in response.headers["Content-Type"]


def test_a_compressed_frame_is_served_as_it_was_received(archive: Archive, reader: Client) -> None:
    frames = [b"\xff\xd8\xff\xf7 one", b"\xff\xd8\xff\xf7 three"]
    made = arrivals.dataset(NumberOfFrames=2, PixelData=encapsulate(frames))
    made["PixelData"].VR = "OB"
    archive.receive(arrivals.encoded(made, JPEGLSLossless))
    there = addresses(made).dicom_web
    response = reader.get(f"{there}/frames/1,2", headers=CORNERSTONE)
    assert [data for _part, data in parts(response)] == frames
    assert response.headers["Content-Type"].startswith(
        f'multipart/related; type="image/jls"; transfer-syntax={JPEGLSLossless}'
    )
    alone = reader.get(f"{there}/frames/2", headers={"Accept": "image/jls"})
    assert alone.content == frames[1]


def test_uncompressed_is_not_acceptable_where_only_compressed_frames_are(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(PixelData=encapsulate([b"\xff\xd8\xff\xf7 x "]))
    made["PixelData"].VR = "OB"
    archive.receive(arrivals.encoded(made, JPEGLSLossless))
    there = addresses(made).dicom_web
    for accept in (
        "application/octet-stream",
        f"multipart/related; type=application/octet-stream; transfer-syntax={EXPLICIT}",
    ):
        response = reader.get(f"{there}/frames/1", headers={"Accept": accept})
        assert response.status_code == 406
        assert JPEGLSLossless in response.json()["message"]


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_what_no_browser_reads_is_converted_when_it_is_asked_for(
    syntax: str, archive: Archive, decoders: Pool, reader: Client
) -> None:
    made = three_frames()
    content = np.concatenate([np.full(64, number, "<u2") for number in (1, 2, 3)])
    if syntax == ExplicitVRBigEndian:
        made.PixelData = content.astype(">u2").tobytes()
    archive.receive(arrivals.encoded(made, syntax))
    response = reader.get(f"{addresses(made).dicom_web}/frames/2", headers=CORNERSTONE)
    ((part, data),) = parts(response)
    assert np.frombuffer(data, "<u2").tolist() == [2] * 64
    assert part["Content-Type"].replace('"', "") == f"application/octet-stream; transfer-syntax={EXPLICIT}"


def test_without_decoders_the_client_is_asked_to_come_back(
    archive: Archive, reader: Client, settings: Any, tmp_path: Any
) -> None:
    settings.DECODER_SOCKET = tmp_path / "nobody.sock"
    made = three_frames()
    archive.receive(arrivals.encoded(made, DeflatedExplicitVRLittleEndian))
    response = reader.get(f"{addresses(made).dicom_web}/frames/2", headers=CORNERSTONE)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ("4", 404),
        ("1,4", 404),
        ("0", 400),
        ("1,,2", 400),
        ("999999999999", 400),
        (",", 400),
        (",".join(["1"] * 1001), 400),
    ],
)
def test_frames_that_are_not_there_are_said(numbers: str, status: int, archive: Archive, reader: Client) -> None:
    made = three_frames()
    archive.receive(made)
    assert reader.get(f"{addresses(made).dicom_web}/frames/{numbers}", headers=CORNERSTONE).status_code == status


def test_a_frame_that_is_known_is_not_sent_again(archive: Archive, reader: Client) -> None:
    made = three_frames()
    archive.receive(made)
    address = f"{addresses(made).dicom_web}/frames/1"
    first = reader.get(address, headers=CORNERSTONE)
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = first.headers["ETag"]
    again = reader.get(address, headers={**CORNERSTONE, "If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    named = reader.get(f"{address}?v={tag.strip(chr(34))}", headers=CORNERSTONE)
    assert named.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_an_object_without_pixels_has_no_frames(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(
        PixelData=None, Rows=None, Columns=None, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR"
    )
    archive.receive(made)
    assert reader.get(f"{addresses(made).dicom_web}/frames/1", headers=CORNERSTONE).status_code == 404
