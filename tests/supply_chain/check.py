"""What `make check` asks of the packages, without a network: `python -m tests.supply_chain.check`."""

import datetime as dt
import re
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from tests.supply_chain.bill import bill
from tests.supply_chain.packages import LICENCES, Package, all_packages

ADVISORIES = Path(__file__).with_name("advisories.toml")
#: Days after which the list of advisories is to be looked through again.
OLD = 45


def problems() -> Iterator[str]:
    """Yield a sentence for each thing that is wrong."""
    packages = all_packages()
    allowed = set(tomllib.loads(LICENCES.read_text(encoding="utf-8"))["allowed"])
    billed = {component["purl"] for component in bill()["components"]}
    for package in packages:
        if package.purl not in billed:
            yield f"{package.purl} is locked, and not in the bill of materials."
        if not package.digests:
            yield f"{package.purl} is locked without a digest."
        if not package.licence:
            yield f"{package.purl} tells no licence: read its files, and write it into {LICENCES.name}."
        elif strange := unexpected(package.licence, allowed):
            yield f"{package.purl} has a licence that nobody has allowed ({strange})."
    yield from vulnerable(packages, listed()["advisory"])


def listed() -> dict[str, Any]:
    """Return the list of advisories."""
    return tomllib.loads(ADVISORIES.read_text(encoding="utf-8"))


def unexpected(expression: str, allowed: set[str]) -> str:
    """Return the parts of an SPDX expression that are not allowed; of alternatives, one that is allowed will do."""
    for alternative in re.split(r"\s+OR\s+", expression.strip("()")):
        strange = [
            part for part in re.split(r"\s+AND\s+", alternative.strip("() ")) if part.strip("() ") not in allowed
        ]
        if not strange:
            return ""
    return expression


def vulnerable(packages: list[Package], advisories: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the locked packages that an advisory speaks of, unless it was decided that it does not apply to us."""
    by_name: dict[str, list[Package]] = {}
    for package in packages:
        by_name.setdefault(f"{package.ecosystem}/{package.name}", []).append(package)
    for advisory in advisories:
        if not advisory.get("decision"):
            yield f"{advisory['id']}: nobody has decided about it."
        if not advisory.get("applies", True):
            continue
        affected = SpecifierSet("" if advisory["affected"] == "*" else advisory["affected"], prereleases=True)
        for package in by_name.get(advisory["package"], []):
            if affected.contains(package.version):
                yield f"{advisory['id']}: {package.purl} is affected ({advisory['about']}) Lock a version that is not."


def main() -> int:
    """Print what is wrong; 1 when something is."""
    found = list(problems())
    for sentence in found:
        print(sentence, file=sys.stderr)
    age = (dt.datetime.fromtimestamp(time.time(), tz=dt.UTC).date() - listed()["reviewed_on"]).days
    if age > OLD:
        print(f"The list of advisories was last looked through {age} days ago: run make audit.", file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
