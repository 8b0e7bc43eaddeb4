"""npm's `oidc-provider`, which other people wrote: started on a free port for as long as a test needs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.portal.processes import eventually
from tests.ports import free_port

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / "static"
CLIENT_SECRET = "a secret + with % signs : in it"


@dataclass
class HonestProvider:
    """The provider, and its people by subject: their claims, and `acr` and `amr` as they sign in."""

    port: int
    file: Path

    @property
    def issuer(self) -> str:
        """Its name, and where it answers."""
        return f"http://localhost:{self.port}"

    def knows(self, **people: dict[str, Any]) -> None:
        """Have it know these people from now on."""
        self.file.write_text(json.dumps(people))

    def signs_in(self, who: str, address: str, browser: httpx.Client, *, go: str = "yes") -> str:
        """Go to the provider as a browser would, say who one is; return where it sends the browser back to."""
        answer = browser.get(address)
        for _step in range(8):
            if answer.is_redirect:
                target = str(answer.next_request.url) if answer.next_request else ""
                if not target.startswith(self.issuer):
                    return target
                answer = browser.get(target)
            else:
                assert "/interaction/" in str(answer.url), answer.text
                answer = browser.post(answer.url, data={"who": who, "go": go})
        raise AssertionError("The provider did not come to an end.")


@contextmanager
def running(folder: Path, *, callbacks: list[str], logout: str) -> Iterator[HonestProvider]:
    """Run it; it ends with the block, and with us."""
    found = HonestProvider(free_port(), folder / "people.json")
    found.knows()
    node = Path(sys.prefix) / "bin" / "node"
    words = [str(found.port), str(found.file), ",".join(callbacks), logout, str(MODULES)]
    log = folder / "provider.log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(node), str(HERE / "provider.mjs"), *words],
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
