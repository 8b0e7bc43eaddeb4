"""Two judges of FHIR that other people wrote, asked about everything that the tests see of us (`fhir_judges.mjs`)."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def complaints(resources: Iterable[Any]) -> list[str]:
    """What either judge finds wrong, one sentence each; none for what both take."""
    lines = [json.dumps(resource) for resource in resources]
    words = [str(Path(sys.executable).parent / "node"), str(ROOT / "tests" / "fhir_judges.mjs")]
    ran = subprocess.run(
        [*words, str(ROOT / "static" / "node_modules")],
        input="\n".join(lines).encode(),
        capture_output=True,
        check=True,
        timeout=120,
    )
    found = json.loads(ran.stdout)
    return [f"{each['judge']}: {each['text']} in {lines[each['line'] - 1][:200]}" for each in found]
