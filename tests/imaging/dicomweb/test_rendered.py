"""Pictures drawn on request: media types, sizes, windows, and what cannot be drawn."""

import io
import threading
from typing import Any

import numpy as np
import PIL.Image
import pytest
from django.test import Client
from pydicom.encaps import encapsulate

from accounts.models import AuditEvent, User
from imaging.dicomweb import long_answers
from imaging.ingest import turnstile
from imaging.rendering import services as rendering
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def there(archive: Archive, decoders: Pool) -> Addresses:
    """A slice of 400 x 300 pixels, brighter to the right."""
    pixels = np.tile(np.linspace(0, 4000, 400).astype("<u2"), (300, 1))
    made = arrivals.dataset(Rows=300, Columns=400, PixelData=pixels.tobytes(), WindowCenter=2000, WindowWidth=4000)
    archive.receive(made)
    return addresses(made)


def shown(response: Any) -> PIL.Image.Image:
    """Open the picture of an answer."""
    assert response.status_code == 200, response.content
    return PIL.Image.open(io.BytesIO(response.content))


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "JPEG"),
        ("image/jpeg", "JPEG"),
        ("image/png", "PNG"),
        ("image/webp", "WEBP"),
        ("image/gif, image/png;q=0.1", "PNG"),
    ],
)
def test_the_picture_comes_as_the_client_wants_it(accept: str, kind: str, there: Addresses, reader: Client) -> None:
    picture = shown(reader.get(there.all["rendered"], headers={"Accept": accept}))
    assert (picture.format, picture.size) == (kind, (400, 300))


def test_what_many_ask_for_is_drawn_once_and_anew_for_who_wants_it_otherwise(
    there: Addresses, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[dict[str, Any]] = []
    draw = rendering.render
    monkeypatch.setattr(rendering, "render", lambda version, **how: drawn.append(how) or draw(version, **how))
    address = there.all["rendered"]
    assert reader.get(address).content == reader.get(address).content
    assert len(drawn) == 1
    for other in ("?viewport=64,64", "?window=3900,100,linear", "?quality=20"):
        reader.get(address + other)
    assert shown(reader.get(address, headers={"Accept": "image/png"})).format == "PNG"
    shown(reader.get(there.all["rendered frame"]))
    assert len(drawn) == 6


def test_what_was_drawn_for_one_is_not_shown_to_who_may_not_see_it(there: Addresses, reader: Client, bob: User) -> None:
    assert reader.get(there.all["rendered"]).status_code == 200
    stranger = Client()
    stranger.force_login(bob)
    assert stranger.get(there.all["rendered"]).status_code == 404


def test_a_viewport_bounds_the_picture_and_keeps_its_shape(there: Addresses, reader: Client) -> None:
    assert shown(reader.get(f"{there.all['rendered']}?viewport=200,200")).size == (200, 150)
    assert shown(reader.get(there.all["thumbnail"])).size == (256, 192)
    assert shown(reader.get(f"{there.all['frame thumbnail']}?viewport=64,64")).size == (64, 48)


def test_a_thumbnail_as_large_as_the_image_is_read_as_the_image(there: Addresses, reader: Client) -> None:
    read = AuditEvent.objects.filter(action="frames.read")
    reader.get(f"{there.all['thumbnail']}?viewport=256,256")
    assert not read.exists()
    shown(reader.get(f"{there.all['frame thumbnail']}?viewport=4096,4096"))
    assert read.count() == 1


def test_a_window_changes_what_is_seen(there: Addresses, reader: Client) -> None:
    address, accept = there.all["rendered frame"], {"Accept": "image/png"}
    own = np.asarray(shown(reader.get(address, headers=accept)).convert("L"))
    narrow = np.asarray(shown(reader.get(f"{address}?window=3900,100,linear", headers=accept)).convert("L"))
    assert own[0, 200] == pytest.approx(128, abs=4)
    assert narrow[0, 200] == 0
    assert narrow[0, 399] == 255


@pytest.mark.parametrize(
    "query", ["viewport=0,0", "viewport=a", "window=1", "window=1,0,linear", "quality=0", "viewport=9999,9999"]
)
def test_what_cannot_be_drawn_as_asked_is_a_bad_request(query: str, there: Addresses, reader: Client) -> None:
    response = reader.get(f"{there.all['rendered']}?{query}")
    assert response.status_code == 400
    assert response.json()["message"]


def test_types_that_we_do_not_draw_are_not_acceptable(there: Addresses, reader: Client) -> None:
    assert reader.get(there.all["rendered"], headers={"Accept": "video/mp4"}).status_code == 406
    assert (
        reader.get(there.all["rendered"], headers={"Accept": "multipart/related; type=image/jpeg"}).status_code == 406
    )


def test_a_frame_that_is_not_there_cannot_be_drawn(there: Addresses, reader: Client) -> None:
    assert reader.get(f"{there.dicom_web}/frames/2/rendered").status_code == 404
    assert reader.get(f"{there.dicom_web}/frames/1,1/rendered").status_code == 400


def test_without_decoders_the_client_is_asked_to_come_back(
    there: Addresses, reader: Client, settings: Any, tmp_path: Any
) -> None:
    settings.DECODER_SOCKET = tmp_path / "nobody.sock"
    response = reader.get(there.all["rendered"])
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


def test_pixels_that_cannot_be_decoded_are_said_and_harm_nobody(
    archive: Archive, there: Addresses, reader: Client
) -> None:
    broken = arrivals.dataset(BitsAllocated=8, BitsStored=8, HighBit=7)
    broken.PixelData = encapsulate([b"\xff\xd8 this is no JPEG "])
    broken["PixelData"].VR = "OB"
    archive.receive(arrivals.encoded(broken, "1.2.840.10008.1.2.4.50"))
    response = reader.get(addresses(broken).all["rendered"])
    assert response.status_code == 406
    assert shown(reader.get(there.all["rendered"])).size == (400, 300)


@pytest.fixture
def series(archive: Archive, decoders: Pool) -> Addresses:
    """Three slices, each brighter than the one before, and a document without an image in a series of its own."""
    first = arrivals.dataset(
        InstanceNumber=1, PixelData=np.zeros(64, "<u2").tobytes(), WindowCenter=2000, WindowWidth=4000
    )
    more = [
        arrivals.dataset(
            StudyInstanceUID=first.StudyInstanceUID,
            SeriesInstanceUID=first.SeriesInstanceUID,
            InstanceNumber=number,
            PixelData=np.full(64, (number - 1) * 1990, "<u2").tobytes(),
            WindowCenter=2000,
            WindowWidth=4000,
        )
        for number in (2, 3)
    ]
    archive.receive(first, *more)
    return addresses(first)


def level(there: Addresses, *, of_series: bool) -> str:
    address = f"/dicom-web/studies/{there.study_uid}"
    return f"{address}/series/{there.series_uid}" if of_series else address


@pytest.mark.parametrize("of_series", [True, False])
def test_the_middle_image_stands_for_a_series_and_a_study(series: Addresses, reader: Client, of_series: bool) -> None:
    picture = shown(reader.get(f"{level(series, of_series=of_series)}/thumbnail"))
    grey = picture.convert("L").getpixel((4, 4))
    assert isinstance(grey, int)
    assert 100 < grey < 160


@pytest.mark.parametrize("of_series", [True, False])
def test_every_image_of_a_series_or_study_is_drawn_in_a_part_of_its_own(
    series: Addresses, reader: Client, of_series: bool
) -> None:
    address = f"{level(series, of_series=of_series)}/rendered"
    answer: Any = reader.get(address, headers={"Accept": 'multipart/related; type="image/png"'})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith('multipart/related; type="image/png"')
    body = answer.getvalue()
    assert body.count(b"Content-Type: image/png") == 3
    assert f"instances/{series.sop_uid}/rendered".encode() in body
    assert reader.get(address, headers={"Accept": "image/png"}).status_code == 406
    assert reader.head(address).status_code == 200


@pytest.mark.parametrize("address", ["rendered", ""])
def test_many_parts_at_once_leave_threads_to_readers(
    series: Addresses, reader: Client, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A second one is asked to come back while the first is on its way; its end, or its client's leaving, makes room."""
    monkeypatch.setattr(long_answers, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(turnstile, "_turns", turns := threading.BoundedSemaphore(2))
    resource = f"{level(series, of_series=True)}/{address}".rstrip("/")
    first: Any = reader.get(resource)
    assert first.status_code == 200
    crowded = reader.get(resource)
    assert crowded.status_code == 503
    assert int(crowded.headers["Retry-After"]) > 0
    assert shown(reader.get(series.all["rendered"]))
    assert reader.get(series.dicom_web).status_code == 200
    first.close()
    second: Any = reader.get(resource)
    assert second.status_code == 200
    assert len(second.getvalue()) > 0
    assert turns.acquire(blocking=False)
    assert turns.acquire(blocking=False), "a place of an answer that was sent to its end is not given back"


def test_a_place_is_given_back_when_nothing_can_be_drawn(
    series: Addresses, reader: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Any
) -> None:
    monkeypatch.setattr(long_answers, "_places", places := threading.BoundedSemaphore(1))
    monkeypatch.setattr("imaging.dicomweb.rendered_many._PATIENCE", 0.0)
    settings.DECODER_SOCKET = tmp_path / "nobody.sock"
    assert reader.get(f"{level(series, of_series=True)}/rendered").status_code == 503
    assert places.acquire(blocking=False)
