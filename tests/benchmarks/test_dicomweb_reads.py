"""Headers and frames as a viewer fetches them from the web server: `/metadata` of 200 slices, frame after frame."""

import gzip
import http.client
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from accounts.services import IssuedKey
from tests.benchmarks.timing import cpu_of_processes, p95, verdict
from tests.factories import arrivals
from tests.studies_in_archive import Archive
from tests.web_servers import ServeWeb, WebServer

pytestmark = pytest.mark.django_db(transaction=True)

SLICES = 200
METADATA_FIRST, METADATA_AGAIN, FRAME = 25.0, 10.0, 5.0
_ROUNDS, _SERIES = 40, 6


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


class Report:
    """Lines of times: each of answers that were asked for one after the other."""

    def __init__(self, server: WebServer) -> None:
        self.lines: list[str] = []
        self._server = server

    def add(self, what: str, target: float, ask: Callable[[], Iterable[Said]]) -> list[Said]:
        """Ask, and write down the median against the target in milliseconds, and what the web server computed for it."""
        before = cpu_of_processes(self._server.pids)
        said = list(ask())
        cpu = (cpu_of_processes(self._server.pids) - before) / len(said) * 1000
        times = sorted(one.milliseconds for one in said)
        median = statistics.median(times)
        self.lines.append(
            f"{verdict(median <= target)} {what}: median {median:.1f} ms (best {times[0]:.1f}, p95 {p95(times):.1f};"
            f" processor {cpu:.1f} ms each); target {target:.0f} ms"
        )
        return said


def test_headers_and_frames(
    archive: Archive, machine: IssuedKey, serve_web: ServeWeb, capsys: pytest.CaptureFixture[str]
) -> None:
    study, series, instances = ct(archive)
    others = [ct(archive) for _ in range(_SERIES)]
    server = serve_web(workers=1)
    reader = Reader(server, machine.plaintext)
    base = f"/dicom-web/studies/{study}/series/{series}"
    report = Report(server)
    reader.get("/dicom-web/studies/1.2/metadata")
    places = [f"/dicom-web/studies/{other}/series/{inner}/metadata" for other, inner, _ in others]

    def again(path: str = f"{base}/metadata", **headers: str) -> Iterator[Said]:
        return (reader.get(path, **headers) for _ in range(_ROUNDS))

    report.add(f"/metadata of {SLICES} slices, first", METADATA_FIRST, lambda: (reader.get(place) for place in places))
    said = reader.get(f"{base}/metadata")
    assert len(json.loads(said.body)) == SLICES
    report.add(f"/metadata repeated, {len(said.body) / 1e6:.1f} MB", METADATA_AGAIN, again)
    packed = reader.get(f"{base}/metadata", **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == said.body
    what = f"/metadata repeated with gzip, {len(packed.body) / 1e6:.2f} MB"
    report.add(what, METADATA_AGAIN, lambda: again(**{"Accept-Encoding": "gzip"}))
    report.add(
        "/metadata of the study, repeated", METADATA_AGAIN, lambda: again(f"/dicom-web/studies/{study}/metadata")
    )
    kept = {"If-None-Match": said.headers["etag"]}
    unchanged = report.add("/metadata unchanged (304)", METADATA_AGAIN, lambda: again(**kept))
    assert {one.status for one in unchanged} == {304}

    accept = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
    one_by_one = (reader.get(f"{base}/instances/{uid}/frames/1", **accept) for uid in instances)
    assert {one.status for one in report.add("frame of 512 KiB", FRAME, lambda: one_by_one)} == {200}
    with capsys.disabled():
        print("\n" + "\n".join(report.lines))
    assert all(one.startswith("met") for one in report.lines)
