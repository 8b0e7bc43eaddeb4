"""What lies in a cluster's folder: the version that made it, and the traces of a server that died."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from portal.embedded import account, addresses
from portal.embedded.paths import Refused

INITDB_OPTIONS = [
    f"--username={addresses.SUPERUSER}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--data-checksums",
    "--no-instructions",
]


def major_version(programs: Path) -> str:
    """The major version of the programs, such as "18"."""
    text = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return text.split()[2].split(".")[0]


def check_version(folder: Path, programs: Path, *, secrets_dir: Path, way: account.Way) -> None:
    """Refuse a cluster of another major version, with the commands that move it. Raises Refused."""
    made_by = (folder / "PG_VERSION").read_text(encoding="ascii").strip()
    ours = major_version(programs)
    if made_by == ours:
        return
    old_bin = f"/usr/lib/postgresql/{made_by}/bin"
    old = f"{folder}-{made_by}"
    prefix = " ".join([*account.command(way), ""])
    options = " ".join(INITDB_OPTIONS)
    raise Refused(
        f"The database in {folder} was made by PostgreSQL {made_by}, and these programs are PostgreSQL {ours}.\n"
        f"Go on with the old version (Debian package postgresql-{made_by}): POSTGRES_BIN={old_bin}\n"
        f"or move it, with both versions installed:\n"
        f"  mv {folder} {old}\n"
        f"  {prefix}{programs}/initdb -D {folder} {options} --pwfile={secrets_dir}/postgres_{addresses.SUPERUSER}\n"
        f"  cd {folder.parent} && PGPASSWORD=$(cat {secrets_dir}/postgres_{addresses.SUPERUSER})"
        f" {prefix}{programs}/pg_upgrade --username={addresses.SUPERUSER}"
        f" --old-bindir={old_bin} --new-bindir={programs} --old-datadir={old} --new-datadir={folder}"
    )


def clear_stale_server(folder: Path, sockets: Path, seconds: float = 15) -> None:
    """End a server that outlived its supervisor, and remove the lock files of one that is gone: its folder's and its socket's.

    PostgreSQL itself only looks whether the process number is in use, which another program may have by now. But its
    lock file also guards against sessions that outlived their server, so it stays until the last of them has ended.
    Raises Refused.
    """
    lock = folder / "postmaster.pid"
    deadline = time.monotonic() + seconds
    asked: set[int] = set()
    while living := _processes_in(folder):
        server = _number_in(lock)
        for pid in ({server} if server in living else living) - asked:
            asked.add(pid)
            _signal(pid, signal.SIGINT if pid == server else signal.SIGTERM)
        if time.monotonic() > deadline:
            numbers = " ".join(map(str, sorted(living)))
            raise Refused(f"A PostgreSQL still uses {folder} and does not stop: end it with `kill -QUIT {numbers}`.")
        time.sleep(0.05)
    lock.unlink(missing_ok=True)
    for left in sockets.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


def says_ready(folder: Path) -> bool:
    """Whether the server has noted in its lock file that it takes connections (what `pg_ctl` looks at)."""
    try:
        lines = (folder / "postmaster.pid").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _number_in(lock: Path) -> int | None:
    """The process number in the lock file."""
    try:
        return int(lock.read_text(encoding="ascii", errors="replace").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _processes_in(folder: Path) -> set[int]:
    """The living processes of PostgreSQL, servers and sessions, that work in `folder`."""
    found = set()
    home = folder.resolve()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text(encoding="utf-8").strip()
            if name == "postgres" and (process / "cwd").readlink() == home:
                found.add(int(process.name))
        except OSError:
            continue  # gone meanwhile, or another account's
    return found
