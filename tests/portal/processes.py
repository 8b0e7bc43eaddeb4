"""Starting programs of ours as a person would, and looking at what they leave."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def variables(**extra: str) -> dict[str, str]:
    """A shell's variables without those of this test run."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "ENV_FILE": "", "PYTHONDONTWRITEBYTECODE": "1", **extra}


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait until `condition` holds; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.02)


def python(*words: str) -> list[str]:
    """A command of this virtual environment's Python."""
    return [sys.executable, *words]


class Running:
    """A program with its output so far."""

    def __init__(self, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.popen = popen
        self.log = log

    @property
    def output(self) -> str:
        """What it has said."""
        return self.log.read_text(errors="replace")

    def says(self, text: str, seconds: float = 60) -> None:
        """Wait until it says `text`; fail when it ends without."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            assert self.popen.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.02)

    def ends(self, number: int = signal.SIGINT, seconds: float = 10) -> int:
        """Signal it and return its status; fail when it does not end in time."""
        self.popen.send_signal(number)
        return self.popen.wait(seconds)


@contextmanager
def running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[Running]:
    """A program in the background; what is left of it at the end of the test is killed."""
    with log.open("wb") as file:
        popen = subprocess.Popen(
            command, cwd=ROOT, env=dict(environment), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        yield Running(popen, log)
    finally:
        if popen.poll() is None:
            popen.kill()
            popen.wait()


def mentioning(text: str) -> list[str]:
    """The living processes that name `text` in their words, their variables or their working directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            places = [
                words,
                str((process / "cwd").readlink()),
                (process / "environ").read_bytes().decode(errors="replace"),
            ]
        except OSError:
            continue
        if process.name != str(os.getpid()) and any(text in place for place in places):
            found.append(f"{process.name} {words}")
    return found
