"""Starting the stand-in record on a free port, and telling it what it knows."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accounts.federation.oidc import own_key
from tests.portal.processes import eventually
from tests.ports import free_port

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "static" / "node_modules"


@dataclass
class StandInRecord:
    """The record: ``knows(...)`` changes what it says from the next question on."""

    port: int
    file: Path
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """Its authorization server, as ID tokens name it."""
        return f"http://localhost:{self.port}"

    @property
    def base(self) -> str:
        """Its FHIR server: what it sends as `iss`."""
        return f"{self.issuer}/fhir"

    def knows(self, **facts: Any) -> None:
        """Have it know this from now on, besides what it knows."""
        self.facts = {**self.facts, **facts}
        self.file.write_text(json.dumps(self.facts))

    def forgets(self) -> None:
        """Have it know nothing but our keys."""
        self.facts = {"keys": own_key.public_keys(), "people": {}, "resources": [], "launches": {}}
        self.knows()


@contextmanager
def running(folder: Path, *, callback: str) -> Iterator[StandInRecord]:
    """Run it; it ends with the block, and with us."""
    found = StandInRecord(free_port(), folder / "facts.json")
    found.forgets()
    node = Path(sys.prefix) / "bin" / "node"
    log = folder / "record.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(node), str(HERE / "record.mjs"), str(found.port), str(found.file), callback, str(MODULES)],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"]},
        )
    try:
        eventually(lambda: "ready" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield found
    finally:
        process.terminate()
        process.wait(20)
        assert process.stdin is not None
        process.stdin.close()
