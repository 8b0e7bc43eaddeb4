"""Many recipients of links at the same time, at the pace of people, in a process of its own beside what is measured.

`python -m tests.benchmarks.recipients` reads what to do as JSON from its input and stops by itself:
`{"port", "seconds", "visits": [{"cookie", "page", "viewer": [paths], "images": [paths]}]}`. It writes a line when all have
arrived, and what was asked when it ends: `{"answers": {status: number}, "bytes", "seconds": [of each answer]}`.
"""

import asyncio
import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Final

#: Seconds within which all arrive (as long as a visit, so that as many come as go), that each looks at the page, and
#: between two images in the viewer.
ARRIVING: Final = 60.0
LOOKING: Final = 10.0
BETWEEN: Final = 5.0
#: Images at the most, and seconds for which somebody stays in the viewer before they go back to the page.
IMAGES: Final = 10
STAYING: Final = 50.0


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is in: their cookie, the page of the share, what the viewer asks for when it opens, and images."""

    cookie: str
    page: str
    viewer: tuple[str, ...]
    images: tuple[str, ...]


@dataclass
class Asked:
    """What all of them asked and got."""

    answers: Counter[int] = field(default_factory=Counter)
    size: int = 0
    took: list[float] = field(default_factory=list)


@contextmanager
def looking(port: int, visits: Sequence[Visit], *, seconds: float) -> "Iterator[subprocess.Popen[str]]":
    """Have these people look for so many seconds; begins when all have arrived."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.recipients"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        json.dump({"port": port, "seconds": seconds, "visits": [asdict(visit) for visit in visits]}, process.stdin)
        process.stdin.close()
        assert process.stdout.readline().strip() == "all there"
        yield process
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def asked(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What they asked, once they have stopped."""
    assert process.stdout is not None
    return dict(json.loads(process.stdout.read()))


async def _get(port: int, path: str, cookie: str, asked: Asked) -> bytes:
    """One request by a connection of its own, as if from a machine of its own."""
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nCookie: {cookie}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    asked.answers[int(answer[9:12])] += 1
    asked.size += len(answer)
    asked.took.append(time.perf_counter() - started)
    return answer


async def _person(port: int, visit: dict[str, Any], begins: float, ends: float, asked: Asked) -> None:
    """Look at the page, open the viewer, look at one image after the other, each once; and again, until it is time to go."""
    await asyncio.sleep(begins)
    turn = random.Random(visit["cookie"])
    while time.monotonic() < ends:
        page = (await _get(port, visit["page"], visit["cookie"], asked)).decode(errors="replace")
        pictures = re.findall(r'<img src="([^"]+)"', page)
        await asyncio.gather(*(_get(port, path, visit["cookie"], asked) for path in pictures))
        await asyncio.sleep(turn.uniform(0.5, 1.5) * LOOKING)
        for path in visit["viewer"]:
            await _get(port, path, visit["cookie"], asked)
        left = time.monotonic() + STAYING
        for path in turn.sample(visit["images"], min(IMAGES, len(visit["images"]))):
            await _get(port, path, visit["cookie"], asked)
            await asyncio.sleep(turn.uniform(0.5, 1.5) * BETWEEN)
        await asyncio.sleep(max(0.0, left - time.monotonic()))


async def _all(said: dict[str, Any]) -> None:
    asked, ends = Asked(), time.monotonic() + ARRIVING + said["seconds"]
    people = [
        asyncio.create_task(_person(said["port"], visit, ARRIVING * number / len(said["visits"]), ends, asked))
        for number, visit in enumerate(said["visits"])
    ]
    await asyncio.sleep(ARRIVING)
    sys.stdout.write("all there\n")
    sys.stdout.flush()
    before = len(asked.took)
    await asyncio.sleep(said["seconds"])
    told = {"answers": dict(asked.answers), "bytes": asked.size, "seconds": asked.took, "a_second": 0.0}
    told["a_second"] = (len(asked.took) - before) / said["seconds"]
    for person in people:
        person.cancel()
    await asyncio.gather(*people, return_exceptions=True)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(_all(json.load(sys.stdin)))
