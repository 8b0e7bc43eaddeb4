"""Writes the bill of materials (CycloneDX 1.6, JSON): `python -m tests.supply_chain.bill FILE`."""

import json
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.supply_chain.packages import NPM_LOCK, PYTHON_LOCK, ROOT, Package, all_packages


def bill() -> dict[str, Any]:
    """Return the bill. The same locks give the same bill, to the last character."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    product = {"type": "application", "bom-ref": "negatoscope", "name": project["name"], "version": project["version"]}
    packages = all_packages()
    seed = PYTHON_LOCK.read_text(encoding="utf-8") + NPM_LOCK.read_text(encoding="utf-8")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, seed)}",
        "version": 1,
        "metadata": {"component": product},
        "components": [_component(package) for package in packages],
        "dependencies": [{"ref": "negatoscope", "dependsOn": [package.purl for package in packages]}],
    }


def _component(package: Package) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": package.purl,
        "purl": package.purl,
        "name": package.name,
        "version": package.version,
        "scope": "required" if package.is_shipped else "excluded",
        "licenses": [{"expression": package.licence.strip("()")}] if package.licence else [],
        # A wheel has a digest for every platform; which of them was installed, the lock checked.
        "hashes": [{"alg": algorithm, "content": content} for algorithm, content in package.digests[:1]],
    }


def main() -> int:
    """Write the bill to the file that is named; 1 when it is not valid."""
    text = json.dumps(bill(), indent=2, sort_keys=True) + "\n"
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if problem is not None:
        print("The bill of materials is not valid CycloneDX 1.6.", file=sys.stderr)
        return 1
    target = Path(sys.argv[1])
    target.write_text(text, encoding="utf-8")
    print(f"{len(json.loads(text)['components'])} packages in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
