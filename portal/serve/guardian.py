"""The watcher of the supervisor: ends every process group that is left when the supervisor dies without a word.

Runs by itself (`python guardian.py TAG`) and imports nothing of ours, so that it starts in an instant. On its
standard input the supervisor writes
`+ GROUP SIGNAL` and `- GROUP`; the end of that pipe means that the supervisor is gone. Children get a signal from the
kernel as well
(`lifeline`); the guardian reaches their children, and insists.
"""

import os
import signal
import sys
import time
from pathlib import Path

SECONDS = 5.0


def tagged(tag: str) -> set[int]:
    """The processes that were started with the variable PORTAL_SUPERVISOR=`tag`, this one left out."""
    wanted = f"PORTAL_SUPERVISOR={tag}".encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.add(int(entry.name))
        except OSError:
            continue  # gone meanwhile, or another account's
    return found


def alive(group: int) -> bool:
    """Whether a process group has a process left, zombies aside."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] not in {b"Z", b"X"}:
                return True
    return False


def send(group: int, number: int) -> None:
    """Signal a process group that may be gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def kill(pid: int) -> None:
    """End one process that may be gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def main() -> None:
    """Follow the supervisor's lines, then clear up what it left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[int, int] = {}
    for line in sys.stdin:
        sign, group, *rest = line.split()
        if sign == "+":
            groups[int(group)] = int(rest[0])
        else:
            groups.pop(int(group), None)
    for group, number in groups.items():
        send(group, number)
    deadline = time.monotonic() + SECONDS
    while any(alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        send(group, signal.SIGKILL)
    for pid in tagged(sys.argv[1]) if groups else ():
        kill(pid)


if __name__ == "__main__":
    main()
