"""Starts a fuzzer in a process of its own, over a corpus of what the doors really meet.

``python -m tests.fuzz.running part10 --seconds 3600`` is what ``make fuzz`` runs: new findings and the grown corpus stay in
``.make/fuzz/<name>``.
"""

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.fuzz import seeds

ROOT = Path(__file__).resolve().parents[2]
#: Larger seeds only slow libFuzzer down.
_SEED_LIMIT = 16 * 1024


def seed(folder: Path, contents: Iterable[bytes]) -> None:
    """Write what the fuzzer begins with."""
    folder.mkdir(parents=True, exist_ok=True)
    for content in contents:
        if len(content) <= _SEED_LIMIT:
            (folder / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def fuzz(name: str, folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the fuzzer ``tests.fuzz.<name>`` over ``folder/corpus``; what makes it fail is left in ``folder``."""
    command = [
        *(sys.executable, "-m", f"tests.fuzz.{name}", str(folder / "corpus")),
        *(f"-artifact_prefix={folder}/", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536", *options),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def main() -> int:
    """Fuzz for a while; 0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", choices=seeds.SEEDS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--list", action="store_true", help="print the names of the fuzzers")
    chosen = parser.parse_args()
    if chosen.list or not chosen.name:
        print("\n".join(seeds.SEEDS))
        return 0
    folder = ROOT / ".make" / "fuzz" / chosen.name
    seed(folder / "corpus", seeds.SEEDS[chosen.name]())
    done = fuzz(chosen.name, folder, f"-max_total_time={chosen.seconds}")
    print("\n".join((done.stdout + done.stderr).splitlines()[-12:]))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
