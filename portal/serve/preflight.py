"""What is looked at before anything starts: each hindrance is one sentence that says what to change."""

import contextlib
import fcntl
import os
import shutil
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TextIO

from portal.embedded import Refused, paths
from portal.environment import Environment, Mode, reserve_bytes

#: Says in DATA_DIR whose data it holds.
MODE_FILE = "MODE"

_PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----"


def refuse_demo_database(environment: Environment) -> None:
    """Demo people and demo data go only into the database that the demo made itself. Raises Refused."""
    if not environment.demo:
        return
    for name, embedded in (
        ("DATABASE_URL", environment.database_embedded),
        ("BROKER_URL", environment.broker_embedded),
    ):
        if not embedded:
            raise Refused(
                f"{name} is set, and the demo runs only with the servers that it makes itself: unset {name} for the"
                " demo, or set PORTAL_MODE=production."
            )


def lock(data_dir: Path) -> TextIO:
    """Take the data folder for this supervisor; the lock lasts as long as the returned file is open. Raises Refused."""
    path = paths.subfolder(data_dir, "run") / "serve.lock"
    file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise Refused(
            f"Negatoscope already runs on DATA_DIR {data_dir} (process {holder}): stop that one, or set DATA_DIR to"
            " another folder for this one."
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def claim(data_dir: Path, mode: Mode) -> None:
    """Mark the data folder as a demo's or as a production's; neither opens what the other made. Raises Refused."""
    path = data_dir / MODE_FILE
    with contextlib.suppress(FileExistsError), path.open("x", encoding="ascii") as file:
        file.write(f"{mode}\n")
    made_for = path.read_text(encoding="ascii").strip() or mode
    if made_for != mode:
        raise Refused(
            f"DATA_DIR {data_dir} is a {made_for} folder, and PORTAL_MODE is {mode}: set DATA_DIR to another folder, or"
            f" PORTAL_MODE={made_for}."
        )


def check_disk(environment: Environment) -> None:
    """Refuse to start when the disk has less than the reserve left. Raises Refused."""
    usage = shutil.disk_usage(environment.data_dir)
    reserve = reserve_bytes(environment.spool_reserve, usage.total)
    if usage.free < reserve:
        raise Refused(
            f"The disk of DATA_DIR {environment.data_dir} has {_size(usage.free)} free, less than the reserve of"
            f" {_size(reserve)} (SPOOL_RESERVE={environment.spool_reserve}): free some space, or set DATA_DIR to a"
            " folder on another disk."
        )


def check_tls_key(environment: Environment) -> None:
    """The web server reads unencrypted PKCS#8 keys only. Raises Refused."""
    if environment.tls_key and not environment.tls_key.read_text(
        encoding="ascii", errors="replace"
    ).lstrip().startswith(_PRIVATE_KEY):
        key = environment.tls_key
        raise Refused(
            f"TLS_KEY {key} is not an open PKCS#8 key: convert it with"
            f" `openssl pkcs8 -topk8 -nocrypt -in {key} -out {key}.pkcs8`."
        )


def check_ports(address: str, ports: Mapping[str, int]) -> None:
    """Refuse to start when one of the `ports`, by variable, cannot be listened on. Raises Refused."""
    if len(set(ports.values())) < len(ports):
        names = ", ".join(f"{name}={port}" for name, port in ports.items())
        raise Refused(f"Two listeners cannot share a port: {names}.")
    for name, port in ports.items():
        try:
            _bind(address, port).close()
        except PermissionError:
            raise Refused(
                f"{name}={port} is a port below 1024, which this account may not open: choose a higher one, or give the"
                " service the right (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE)."
            ) from None
        except (OSError, OverflowError) as error:
            if getattr(error, "errno", None) != 98:  # EADDRINUSE
                raise Refused(f"LISTEN_ADDRESS={address} is not an address of this machine ({error}).") from None
            raise Refused(_taken(address, name, port)) from None


def listening(address: str, port: int) -> bool:
    """Whether someone listens on a port, found out without connecting."""
    try:
        _bind(address, port).close()
    except OSError:
        return True
    return False


def _bind(address: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen(1)
    except BaseException:
        bound.close()
        raise
    return bound


def _taken(address: str, name: str, port: int) -> str:
    with closing(_bind(address, 0)) as free:
        other = free.getsockname()[1]
    holder = _holder(port)
    who = f" by process {holder}" if holder else " by another program"
    return f"Port {port} is taken{who}: stop that program, or set {name} to a free port, such as {name}={other}."


def _holder(port: int) -> str:
    """The process that listens on a port, as "1234 (python)", as far as /proc shows it to this account."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in rows:
            fields = row.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:  # 0A: listening
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(descriptor.readlink()) in inodes for descriptor in (process / "fd").iterdir()):
                return f"{process.name} ({(process / 'comm').read_text(encoding='utf-8').strip()})"
        except OSError:
            continue
    return ""


def _size(number: int) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
