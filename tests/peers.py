"""Programs of other people that the tests talk to: Debian's DCMTK, dicom3tools and Chromium.

Used where they are installed. With CI=1 a missing one is a failure; otherwise the test is skipped and the run ends with
the line that installs it.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGES = Path(__file__).with_name("debian-packages.txt")
_missing: set[str] = set()

Peer = Callable[[str], str]


def _elsewhere() -> str:
    """PATH without our own virtual environment: pynetdicom installs a `storescu` too, and that is no other people's."""
    own = str(Path(sys.prefix) / "bin")
    return os.pathsep.join(folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder != own)


def find(program: str) -> str:
    """Return the path of `program`; skip the test, or fail it under CI=1, when it is not installed."""
    path = shutil.which(program, path=_elsewhere())
    if path:
        return path
    _missing.add(program)
    if os.environ.get("CI"):
        pytest.fail(f"{program} is not installed: apt-get install the packages in {PACKAGES.name}")
    pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="session")
def peer() -> Peer:
    """`peer("storescu")` is the path of that program."""
    return find


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped, and the line that installs it."""
    if _missing:
        packages = " ".join(PACKAGES.read_text().split())
        terminalreporter.write_line(
            f"Skipped for want of {', '.join(sorted(_missing))}. To run them: sudo apt-get install {packages}"
        )
