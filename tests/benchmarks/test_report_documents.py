"""What the documents of a signed report take: paper of one page, of pictures, of sixty pages, and the DICOM objects."""

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imaging.reports.documents import typeset
from imaging.reports.documents.content import ReportContent, Section
from imaging.reports.documents.structured import structured
from tests.factories import report_contents
from tests.imaging.reports.documents.test_objects import place

#: Seconds that a person who opens a PDF waits for the typesetter, for a report as most are, and for the longest.
USUAL, LONGEST = 0.5, 3.0
_MEBIBYTE = 1024


def _slowest(work: Callable[[], object], rounds: int = 20) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return sorted(times)[int(0.95 * rounds) - 1]


def _long() -> ReportContent:
    sentence = "Le parenchyme hépatique est homogène, sans lésion focale décelable ; vésicule sans particularité. " * 4
    texts = (f"[{number:03}] {sentence}\n\n{sentence}\n- {sentence}" for number in range(1, 221))
    sections = tuple(Section(code="findings", title=f"Segment {n}", text=text) for n, text in enumerate(texts, 1))
    return report_contents.content(sections=sections)


def test_documents_are_made_while_one_waits(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plates = tuple(report_contents.key_picture(number) for number in range(1, 13))
    cases = {
        "one page": report_contents.content(),
        "12 key images": report_contents.content(pictures=plates),
        "60 pages": _long(),
    }
    times = {name: _slowest(lambda content=content: typeset.pdf(content)) for name, content in cases.items()}  # type: ignore[misc]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _MEBIBYTE
    content = report_contents.measured()
    structured(content, place(content))
    objects = _slowest(lambda: structured(content, place(content)))
    with capsys.disabled():
        shown = ", ".join(f"{name} {spent * 1000:.0f} ms" for name, spent in times.items())
        print(f"\nPDF of a report, p95 of 20: {shown}; most memory of the typesetter {memory:.0f} MiB")
        print(f"structured report with numbers and key images, p95 of 20: {objects * 1000:.0f} ms")
    assert times["one page"] <= USUAL
    assert times["60 pages"] <= LONGEST
