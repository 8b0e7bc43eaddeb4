"""The hostile corpus at every door of a running portal: a clear answer in time, and nothing harmed.

``RELIABILITY_TABLE=docs/reliability-table.md`` writes what each door answered, as docs/reliability.md shows it.
"""

import contextlib
import io
import json
import os
import threading
import time
import urllib.error
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium

from imaging.dicom import part10
from imaging.dicom.errors import DicomError
from tests.chromium import leave
from tests.hostile import encoding as e
from tests.hostile.cases import Case, cases
from tests.imaging.dimse.raw_peer import Aborted, RawPeer, Rejected
from tests.journeys import doors
from tests.journeys.running_portal import PASSWORD, RunningPortal
from tests.journeys.sent_objects import slices

pytestmark = pytest.mark.processes

#: Nobody waits longer for an answer, and no process of Python holds more memory of its own (MiB).
LONGEST = 10.0
MOST_MEMORY = 700

Answers = dict[str, str]


@pytest.fixture(scope="module")
def answers(hospital: RunningPortal) -> Iterator[dict[str, Answers]]:
    """Door to case to answer; written down as a table at the end when that is wanted."""
    found: dict[str, Answers] = defaultdict(dict)
    yield found
    if table := os.environ.get("RELIABILITY_TABLE"):
        Path(table).write_text(_table(found))


@pytest.fixture
def memory(hospital: RunningPortal) -> Iterator[None]:
    """Watch the memory of every Python process of the portal while a door is tried."""
    most: dict[str, int] = {}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            for pid in hospital.pids("python"):
                with contextlib.suppress(OSError, ValueError, IndexError):
                    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
                    status = Path(f"/proc/{pid}/status").read_text()
                    size = int(status.split("RssAnon:")[1].split()[0]) // 1024
                    most[command] = max(most.get(command, 0), size)

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    yield
    done.set()
    watching.join()
    assert max(most.values()) < MOST_MEMORY, sorted(most.items(), key=lambda pair: -pair[1])[:3]


def _fits(case: Case, answer: str) -> bool:
    return case.answer == "either" or answer in {case.answer, "not applicable"}


def _in_time(question: Callable[[], str], what: str) -> str:
    began = time.monotonic()
    answer = question()
    took = time.monotonic() - began
    assert took < LONGEST, f"{what} took {took:.1f} s"
    return answer


def _good(portal: RunningPortal, folder: Path) -> None:
    """The next good object goes through."""
    path = slices(folder, count=1, patient_id="GOOD")[0]
    assert doors.stored_by_stow(doors.stow(portal, [path.read_bytes()])) == {path.stem}


def _c_store(portal: RunningPortal, content: bytes) -> str:
    syntax, data = e.EXPLICIT_LE, content
    with contextlib.suppress(DicomError):
        meta, offset = part10.read_file_meta(io.BytesIO(content), len(content))
        syntax, data = meta.transfer_syntax_uid, content[offset:]
    sop_class, sop_instance = e.CT_IMAGE, "1.2.826.0.1.3680043.10.9.1"
    with contextlib.suppress(DicomError):
        found, _offset = part10.read_file_meta(io.BytesIO(content), len(content))
        sop_class, sop_instance = found.media_storage_sop_class_uid, found.media_storage_sop_instance_uid
    with RawPeer(portal.dicom_port, patience=LONGEST + 5) as peer:
        try:
            peer.associate("EMERGENCY_CT", contexts={1: (sop_class, [syntax or e.EXPLICIT_LE])})
            if 1 not in peer.accepted:
                return "not applicable"
            status, _comment = peer.store(data, sop_class_uid=sop_class, sop_instance_uid=sop_instance, fragment=16000)
        except (Aborted, Rejected):
            return "refused"
    return "kept" if status == 0 else "refused"


def test_over_the_dicom_network(
    hospital: RunningPortal, answers: dict[str, Answers], memory: None, tmp_path: Path
) -> None:
    for case in cases():
        content = case.make()
        answer = _in_time(lambda c=content: _c_store(hospital, c), case.key)
        answers["C-STORE"][case.key] = answer
        assert _fits(case, answer), (case.key, answer)
    _good(hospital, tmp_path)


def _stow(portal: RunningPortal, content: bytes) -> str:
    try:
        answer = doors.stow(portal, [content])
    except urllib.error.URLError:
        return "refused"
    assert answer.status < 500, answer.text
    return "kept" if answer.status in {200, 202} and doors.stored_by_stow(answer) else "refused"


def test_over_the_web(hospital: RunningPortal, answers: dict[str, Answers], memory: None, tmp_path: Path) -> None:
    for case in cases():
        content = case.make()
        answer = _in_time(lambda c=content: _stow(hospital, c), case.key)
        answers["STOW-RS"][case.key] = answer
        assert _fits(case, answer), (case.key, answer)
    _good(hospital, tmp_path)


def test_by_the_ingest_command(
    hospital: RunningPortal, answers: dict[str, Answers], memory: None, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    names = {}
    for number, case in enumerate(cases()):
        name = f"{number:04}.dcm"
        (folder / name).write_bytes(case.make())
        names[name] = case
    done = doors.ingest(hospital, folder)
    assert done.returncode == 1, done.stderr[-2000:]
    told = json.loads(done.stdout)
    refused = {entry["path"].rpartition("/")[2] for entry in told["refused"] + told["left_out"]}
    for name, case in names.items():
        answer = "refused" if name in refused else "kept"
        answers["ingest"][case.key] = answer
        assert _fits(case, answer), (case.key, answer)
    assert told["objects"] == len(names) - len(refused)
    _good(hospital, tmp_path / "good")


def test_by_upload(hospital: RunningPortal, answers: dict[str, Answers], memory: None, tmp_path: Path) -> None:
    desk = doors.Desk(hospital)
    key = desk.begin("Worst input")
    names = {f"{number:04}.dcm": case for number, case in enumerate(cases())}
    for name, case in names.items():
        content = case.make()
        answer = desk.send_file(key, name, content)
        assert answer.status == 201, (case.key, answer.text)
    assert desk.finish(key, len(names)).status == 200
    page = desk.examined(key, seconds=120)
    assert "<script>alert" not in page
    assert "onerror=alert(1)>" not in page
    _good(hospital, tmp_path)


@pytest.mark.browser
def test_no_page_runs_what_the_corpus_carries(hospital: RunningPortal, chromium: Chromium) -> None:
    assert not _heard(hospital, chromium)


def _heard(hospital: RunningPortal, chromium: Chromium) -> list[str]:
    """What pages full of hostile text made the browser say: dialogs, and reports of the security policy."""
    context = chromium.new_context(base_url=hospital.url)
    page = context.new_page()
    heard: list[str] = []
    page.on("dialog", lambda dialog: heard.append(dialog.message))
    page.on("console", lambda message: heard.append(message.text) if "Security" in message.text else None)
    page.goto("/account/login/")
    page.fill("[name=login]", "emergency")
    page.fill("[name=password]", PASSWORD)
    page.click("main [type=submit]")
    for address in ("/?sort=received", "/import/"):
        page.goto(address)
    page.goto("/?sort=received")
    studies = page.eval_on_selector_all("a[href^='/studies/']", "links => links.map(link => link.pathname)")
    for study in list(dict.fromkeys(studies))[:40]:
        page.goto(study)
    page.goto("/?q=%3Cscript%3Ealert(1)%3C/script%3E")
    leave(context)
    return heard


def _table(found: dict[str, Answers]) -> str:
    """A row per family and a column per door: how many were kept and how many refused."""
    families: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for door, given in found.items():
        for key, answer in given.items():
            families[key.partition(":")[0]][door][answer] += 1
    order = sorted(found)
    lines = ["| family | " + " | ".join(order) + " |", "|---" * (len(order) + 1) + "|"]
    for family, by_door in families.items():
        cells = [
            ", ".join(f"{count} {answer}" for answer, count in sorted(by_door[door].items())) or "—" for door in order
        ]
        lines.append(f"| {family} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
