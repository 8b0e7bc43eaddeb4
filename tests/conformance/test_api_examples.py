"""Every example of docs/api.md is run as it stands, against the web server, by a program with a key."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts.services import IssuedKey
from tests.factories import arrivals
from tests.studies_in_archive import Archive
from tests.web_servers import ServeWeb

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.conformance, pytest.mark.processes]

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
NOT_RUN = "# not run"


@dataclass(frozen=True)
class Example:
    """A fenced block, with its line in the document."""

    line: int
    language: str
    text: str


def examples(*languages: str) -> list[Example]:
    """The blocks of these languages that are to be run."""
    text = DOCUMENT.read_text("utf-8")
    found = re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    blocks = [Example(text.count("\n", 0, match.start()) + 1, match[1], match[2]) for match in found]
    return [block for block in blocks if block.language in languages and NOT_RUN not in block.text]


def test_every_example_does_what_it_says(
    archive: Archive, machine: IssuedKey, serve_web: ServeWeb, tmp_path: Path
) -> None:
    archive.receive(*(arrivals.dataset(PatientID=f"P{number}") for number in range(3)))
    files = tmp_path / "files"
    files.mkdir()
    for number in range(2):
        (files / f"{number}.dcm").write_bytes(arrivals.encoded(arrivals.dataset()))
    server = serve_web()
    environment = {**os.environ, "PORTAL": server.url, "KEY": machine.plaintext, "FILES": str(files)}
    bash = shutil.which("bash") or "sh"
    commands = {"sh": [bash, "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    for example in examples("sh", "python"):
        done = subprocess.run(
            [*commands[example.language], example.text],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (
            f"docs/api.md:{example.line}\n{done.stdout}\n{done.stderr}\n{server.log.read_text()}"
        )


def test_there_are_examples_in_both_languages() -> None:
    assert len(examples("sh")) >= 4
    assert len(examples("python")) >= 3
