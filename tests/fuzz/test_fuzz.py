"""A bounded run of each fuzzer: what it finds is a bug."""

from pathlib import Path

import pytest

from tests.fuzz import running, seeds


@pytest.mark.parametrize("name", sorted(seeds.SEEDS))
def test_a_short_run_finds_nothing(name: str, tmp_path: Path) -> None:
    running.seed(tmp_path / "corpus", seeds.SEEDS[name]())
    done = running.fuzz(name, tmp_path, "-runs=6000", "-max_total_time=40", "-seed=7")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr
