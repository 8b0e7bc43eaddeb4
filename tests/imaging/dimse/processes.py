"""Our commands in processes of their own, on the database and the data folder of a test."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from imaging.ingest.spool import Spool

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Command:
    """`manage.py dimse` in a process of its own."""

    process: "subprocess.Popen[str]"
    port: int
    spool: Spool

    @property
    def children(self) -> list[int]:
        """The processes that serve the port."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]


def environment(data_dir: Path) -> dict[str, str]:
    chosen = connection.settings_dict
    url = f"postgresql://{chosen['USER']}:{chosen['PASSWORD']}@/{chosen['NAME']}?host={chosen['HOST']}"
    if chosen["PORT"]:
        url += f"&port={chosen['PORT']}"
    return {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": url,
        "DATABASE_OWNER_URL": url,
        "SPOOL_RESERVE": "1K",
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
    }


def eventually(holds: Callable[[], bool], within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    """Whether a thread of it still runs: its files and sockets stay open as long, even when the first one has ended."""
    try:
        states = [path.read_text().rsplit(")", 1)[1].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except (FileNotFoundError, ProcessLookupError):
        return is_alive(pid)  # a thread ended while we looked
    return any(state not in {"Z", "X"} for state in states)
