"""`make` on a machine that lacks something says what, in a sentence, and does nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.portal.processes import ROOT, variables

NEEDED = (
    "Makefile",
    "portal/requirements.lock",
    "static/package.json",
    "static/package-lock.json",
    "tests/debian-packages.txt",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder in which nothing has been set up."""
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def made(clone: Path, target: str, python: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", target, f"PYTHON={python}"]
    return subprocess.run(command, cwd=clone, env=variables(), capture_output=True, text=True, check=False)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0
    return done.stderr.splitlines()[0]


def test_without_python_the_package_is_named(clone: Path) -> None:
    assert "apt install python3)" in refusal(made(clone, "run", "/nowhere/python3"))


def test_with_an_old_python_the_version_is_named(clone: Path) -> None:
    old = script(clone / "old", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    assert "Python 3.9.2 is too old: Negatoscope needs Python 3.11" in refusal(made(clone, "run", old))


def test_without_venv_the_package_is_named(clone: Path) -> None:
    bare = script(clone / "bare", 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    assert "apt install python3-venv)" in refusal(made(clone, "run", bare))
    assert not (clone / ".venv").exists()


def test_help_lists_the_commands(clone: Path) -> None:
    lines = made(clone, "help", "python3").stdout.splitlines()
    assert {"run", "test", "check", "clean", "reset-demo"} <= {line.split()[1] for line in lines}


def test_clean_never_touches_the_data(clone: Path) -> None:
    for folder in ("var", ".venv", ".make", "accounts", "imaging", "portal/locale", "tests"):
        (clone / folder).mkdir(parents=True, exist_ok=True)
    (clone / "var" / "kept").write_text("an image")
    assert made(clone, "clean", "python3").returncode == 0
    assert (clone / "var" / "kept").read_text() == "an image"
    assert not (clone / ".venv").exists()
