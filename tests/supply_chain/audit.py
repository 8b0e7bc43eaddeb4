"""Asks the advisory services about the locked packages: `python -m tests.supply_chain.audit`. Needs a network.

The services are those that pip-audit and npm are set up with; no address of one is in this repository. Exit codes: 0
nothing new, 1 advisories that are not in the list, 2 a service did not answer, so that nothing is known.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.supply_chain.check import listed
from tests.supply_chain.packages import NPM_LOCK, PYTHON_LOCK

PATIENCE = 180


class NotAnswered(Exception):
    """A service did not answer, or not with what it should."""


def main() -> int:
    """Ask both; say what is new, and what could not be asked."""
    known = {advisory["id"] for advisory in listed()["advisory"]}
    status = 0
    for name, ask in (("Python", python_advisories), ("npm", npm_advisories)):
        try:
            new = {key: text for key, text in ask().items() if key not in known}
        except NotAnswered as error:
            print(f"NOT AUDITED: {name} packages. The advisory service did not answer ({error}).", file=sys.stderr)
            status = status or 2
            continue
        for key, text in sorted(new.items()):
            print(f"{key}: {text}. Decide about it in tests/supply_chain/advisories.toml.", file=sys.stderr)
        print(f"{name} packages: {len(new)} advisories that nobody has decided about.")
        status = 1 if new else status
    return status


def python_advisories() -> dict[str, str]:
    """Return advisories about the locked Python packages: id to package and version. Raises ``NotAnswered``."""
    program = str(Path(sys.executable).with_name("pip-audit"))
    command = [
        program,
        "--disable-pip",
        "--require-hashes",
        "-r",
        str(PYTHON_LOCK),
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    told = _run(command, PYTHON_LOCK.parent)
    found = {}
    for package in told.get("dependencies", []):
        for advisory in package.get("vulns", []):
            names = [advisory["id"], *advisory.get("aliases", [])]
            key = next((name for name in names if name.startswith("CVE-")), names[0])
            found[key] = f"{package['name']} {package['version']}"
    return found


def npm_advisories() -> dict[str, str]:
    """Return advisories about the locked npm packages that are shipped. Raises ``NotAnswered``."""
    told = _run(["npm", "audit", "--json", "--omit=dev"], NPM_LOCK.parent)
    if "vulnerabilities" not in told:
        raise NotAnswered("npm audit")
    found = {}
    for package in told["vulnerabilities"].values():
        for via in package.get("via", []):
            if isinstance(via, dict):
                key = str(via.get("url", "")).rpartition("/")[2] or str(via.get("source"))
                found[key] = f"{package['name']} {package.get('range', '')}: {via.get('title', '')}"
    return found


def _run(command: list[str], folder: Path) -> dict[str, Any]:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
        told = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise NotAnswered(type(error).__name__) from error
    if not isinstance(told, dict):
        raise NotAnswered("no object")
    return told


if __name__ == "__main__":
    sys.exit(main())
