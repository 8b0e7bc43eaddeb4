"""`make reset-demo` deletes a demo's data after asking, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from portal.serve import preflight
from tests.portal.processes import ROOT, python, variables


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    data_dir = tmp_path / "data"
    (data_dir / "tiers" / "online").mkdir(parents=True, mode=0o700)
    (data_dir / "tiers" / "online" / "image").write_text("x")
    preflight.claim(data_dir, "demo")
    return data_dir


def reset(data_dir: Path, answer: str) -> subprocess.CompletedProcess[str]:
    environment = variables(PORTAL_MODE="demo", DATA_DIR=str(data_dir))
    command = python("-m", "portal.serve.reset")
    return subprocess.run(command, cwd=ROOT, env=environment, input=answer, capture_output=True, text=True, check=False)


def test_it_asks_and_then_deletes(demo: Path) -> None:
    assert reset(demo, "yes\n").returncode == 0
    assert list(demo.iterdir()) == []


@pytest.mark.parametrize("answer", ["\n", "no\n", "y\n", ""])
def test_anything_but_yes_keeps_everything(demo: Path, answer: str) -> None:
    assert "Nothing was deleted." in "".join((done := reset(demo, answer)).stdout + done.stderr)
    assert (demo / "tiers" / "online" / "image").exists()


def test_a_production_folder_is_refused(demo: Path) -> None:
    (demo / preflight.MODE_FILE).write_text("production\n")
    done = reset(demo, "yes\n")
    assert done.returncode == 1
    assert "is a production folder" in done.stderr
    assert (demo / "tiers" / "online" / "image").exists()


def test_a_running_demo_is_refused(demo: Path) -> None:
    with preflight.lock(demo):
        assert "already runs" in reset(demo, "yes\n").stderr
    assert (demo / "tiers" / "online" / "image").exists()
