"""The locked packages, as the two lock files name them, with their licences as the packages themselves tell."""

import base64
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON_LOCK = ROOT / "portal" / "requirements.lock"
NPM_LOCK = ROOT / "static" / "package-lock.json"
LICENCES = Path(__file__).with_name("licences.toml")

_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\]+))?")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Package:
    """One locked package. ``digests`` are pairs of CycloneDX's name of an algorithm and hexadecimal digits."""

    ecosystem: str
    name: str
    version: str
    licence: str
    digests: tuple[tuple[str, str], ...]
    #: False: needed to build or to check the front end alone, and no part of what is served.
    is_shipped: bool = True

    @property
    def purl(self) -> str:
        """The package URL (ECMA-427)."""
        name = self.name.replace("@", "%40") if self.ecosystem == "npm" else self.name.lower()
        return f"pkg:{self.ecosystem}/{name}@{self.version}"


def all_packages() -> list[Package]:
    """Return every package of both locks, once per version."""
    known = tomllib.loads(LICENCES.read_text(encoding="utf-8"))
    found = [*_python(known["pypi"], known["words"]), *_npm(known["npm"])]
    return sorted(set(found), key=lambda package: package.purl)


def _python(decided: dict[str, str], words: dict[str, str]) -> Iterator[Package]:
    for entry in _entries(PYTHON_LOCK.read_text(encoding="utf-8")):
        pinned = _PINNED.match(entry)
        # Left out on every machine (`override-dependencies` in pyproject.toml): locked, and never installed.
        if pinned is None or "'never'" in (pinned["marker"] or ""):
            continue
        name = pinned["name"].lower()
        digests = tuple(("SHA-256", digest) for digest in _HASH.findall(entry))
        yield Package("pypi", name, pinned["version"], decided.get(name) or _told(name, words), digests)


def _entries(text: str) -> Iterator[str]:
    """Yield each requirement with its continued lines."""
    yield from (entry for entry in re.split(r"(?<!\\)\n", text) if entry and not entry.lstrip().startswith("#"))


def _told(name: str, words: dict[str, str]) -> str:
    """Return what an installed package says of its licence as SPDX; empty when it says nothing that is known."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    if expression := told.get("License-Expression"):
        return expression
    classified = [line.split(" :: ")[-1] for line in told.get_all("Classifier", []) if line.startswith("License ::")]
    named = sorted({words[line] for line in classified if line in words})
    if named and len(named) == len(set(classified)):
        return " OR ".join(named)
    return words.get((told.get("License") or "").strip(), "")


def _npm(decided: dict[str, str]) -> Iterator[Package]:
    packages: dict[str, dict[str, Any]] = json.loads(NPM_LOCK.read_text(encoding="utf-8"))["packages"]
    for place, entry in packages.items():
        if not place:
            continue
        name = entry.get("name") or place.rpartition("node_modules/")[2]
        algorithm, _, digest = _integrity(packages, place).partition("-")
        digests = ((f"SHA-{algorithm.removeprefix('sha')}", _hexadecimal(digest)),) if digest else ()
        licence = decided.get(name) or entry.get("license") or ""
        yield Package("npm", name, entry["version"], licence, digests, is_shipped=not entry.get("dev", False))


def _integrity(packages: dict[str, dict[str, Any]], place: str) -> str:
    """Return the digest of a package, or of the one in whose archive it lies."""
    while place and packages[place].get("inBundle"):
        place = place.rpartition("/node_modules/")[0]
    return str(packages.get(place, {}).get("integrity", ""))


def _hexadecimal(digest: str) -> str:
    return base64.b64decode(digest).hex()
