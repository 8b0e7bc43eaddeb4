"""Headers and frames as a viewer fetches them from the web server: `/metadata` of 200 slices, frame after frame."""

import gzip
import http.client
import json
import statistics
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from accounts.services import IssuedKey
from tests.factories import arrivals
from tests.studies_in_archive import Archive
from tests.web_servers import ServeWeb, WebServer

pytestmark = pytest.mark.django_db(transaction=True)

SLICES = 200
METADATA_FIRST, METADATA_AGAIN, FRAME = 25.0, 10.0, 5.0
_ROUNDS, _SERIES = 15, 4


@dataclass(frozen=True, slots=True)
class Said:
    """One answer, and the milliseconds that it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    milliseconds: float


class Reader:
    """One connection that is kept, as a browser's are."""

    def __init__(self, server: WebServer, key: str) -> None:
        self._connection = http.client.HTTPConnection("localhost", server.port, timeout=60)
        self._key = key

    def get(self, path: str, **headers: str) -> Said:
        started = time.perf_counter()
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {self._key}", **headers})
        answer = self._connection.getresponse()
        body = answer.read()
        taken = (time.perf_counter() - started) * 1000
        return Said(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body, taken)


def ct(archive: Archive, count: int = SLICES) -> tuple[str, str, list[str]]:
    """A series of slices of 512 x 512 with the private and technical elements that a scanner writes."""
    study, series = arrivals.uid(), arrivals.uid()
    pixels = np.random.default_rng(5).normal(1000, 300, (512, 512)).clip(0, 4095).astype("<u2")
    made = []
    for number in range(1, count + 1):
        one: Any = arrivals.dataset(
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            InstanceNumber=number,
            Rows=512,
            Columns=512,
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
            KVP="120",
            SliceThickness="1.25",
            PixelSpacing=["0.7", "0.7"],
            ImagePositionPatient=["-179.2", "-179.2", str(number * 1.25)],
            ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
            FrameOfReferenceUID=f"{study}.1",
            WindowCenter="40",
            WindowWidth="400",
            RescaleIntercept="-1024",
            RescaleSlope="1",
            PixelData=np.roll(pixels, number * 7).tobytes(),
        )
        block = one.private_block(0x0009, "SCANNER 1.0", create=True)
        for element in range(60):
            block.add_new(element, "LO", f"technical value {element} of slice {number}")
        made.append(one)
    for start in range(0, count, 50):
        archive.receive(*made[start : start + 50])
    return study, series, [one.SOPInstanceUID for one in made]


def show(what: str, times: list[float], target: float) -> str:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"{what}: median {statistics.median(times):.1f} ms, p95 {p95:.1f} ms; target {target:.0f} ms"


def test_headers_and_frames(
    archive: Archive, machine: IssuedKey, serve_web: ServeWeb, capsys: pytest.CaptureFixture[str]
) -> None:
    study, series, instances = ct(archive)
    others = [ct(archive) for _ in range(_SERIES)]
    server = serve_web(workers=1)
    reader = Reader(server, machine.plaintext)
    base = f"/dicom-web/studies/{study}/series/{series}"
    lines = []
    reader.get("/dicom-web/studies/1.2/metadata")

    first = [
        reader.get(f"/dicom-web/studies/{other}/series/{inner}/metadata").milliseconds for other, inner, _ in others
    ]
    lines.append(show(f"/metadata of {SLICES} slices, first", first, METADATA_FIRST))
    said = reader.get(f"{base}/metadata")
    assert len(json.loads(said.body)) == SLICES
    again = [reader.get(f"{base}/metadata").milliseconds for _ in range(_ROUNDS * 2)]
    lines.append(show(f"… repeated, {len(said.body) / 1e6:.1f} MB", again, METADATA_AGAIN))
    packed = reader.get(f"{base}/metadata", **{"Accept-Encoding": "gzip"})
    if packed.headers.get("content-encoding") == "gzip":
        assert gzip.decompress(packed.body) == said.body
        times = [reader.get(f"{base}/metadata", **{"Accept-Encoding": "gzip"}).milliseconds for _ in range(_ROUNDS * 2)]
        lines.append(show(f"… repeated with gzip, {len(packed.body) / 1e6:.2f} MB", times, METADATA_AGAIN))
    whole = [reader.get(f"/dicom-web/studies/{study}/metadata").milliseconds for _ in range(_ROUNDS * 2)]
    lines.append(show("… of the study, repeated", whole, METADATA_AGAIN))
    kept = {"If-None-Match": said.headers["etag"]}
    unchanged = [reader.get(f"{base}/metadata", **kept) for _ in range(_ROUNDS * 2)]
    assert {one.status for one in unchanged} == {304}
    lines.append(show("… 304", [one.milliseconds for one in unchanged], METADATA_AGAIN))

    accept = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
    frames = [reader.get(f"{base}/instances/{uid}/frames/1", **accept) for uid in instances]
    assert {one.status for one in frames} == {200}
    lines.append(show("frame of 512 KiB", [one.milliseconds for one in frames], FRAME))
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert statistics.median(first) <= METADATA_FIRST
    assert statistics.median(again) <= METADATA_AGAIN
    assert statistics.median([one.milliseconds for one in frames]) <= FRAME
