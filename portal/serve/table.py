"""The table of what `serve` runs: the servers, then those that use them."""

import http.client
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit

from portal.embedded import postgres, redis
from portal.environment import Environment
from portal.serve import preflight
from portal.serve.processes import Process
from portal.variables import BASE_DIR

#: Root is told once, by `docs/install.md`; Celery would say it in every worker.
_QUIET = {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"}

MANAGE = [sys.executable, str(BASE_DIR / "manage.py")]


def servers(environment: Environment) -> list[Process]:
    """PostgreSQL and Redis, as far as they are ours to run."""
    data_dir = environment.data_dir
    table = []
    if environment.database_embedded:
        table.append(
            Process(
                name="postgres",
                command=postgres.command(data_dir, environment.postgres_bin),
                before=lambda: postgres.prepare(data_dir, environment.postgres_bin),
                stop_signal=postgres.FAST_SHUTDOWN,
                kill_signal=postgres.IMMEDIATE_SHUTDOWN,
                server=True,
            )
        )
    if environment.broker_embedded:
        table.append(
            Process(
                name="redis",
                command=redis.command(data_dir, environment.redis_bin),
                before=lambda: redis.prepare(data_dir),
                log=redis.log_file(data_dir),
                server=True,
            )
        )
    return table


def doors(environment: Environment) -> list[Process]:
    """What people and machines reach, and what their requests need at once."""
    address = _reachable(environment.listen_address)
    return [
        Process(
            name="dicom",
            command=[*MANAGE, "dimse"],
            ready=lambda: preflight.listening(address, environment.dicom_port),
            niceness=5,
        ),
        Process(
            name="hl7",
            command=[*MANAGE, "hl7"],
            ready=lambda: preflight.listening(address, environment.hl7.port),
            niceness=6,
        ),
        Process(name="web", command=_web(environment), ready=lambda: web_is_ready(environment)),
        Process(
            name="decoder",
            command=[
                sys.executable,
                "-m",
                "imaging.rendering.decoder_pool",
                "--socket",
                str(environment.decoder_socket),
            ],
            ready=environment.decoder_socket.exists,
        ),
        Process(name="registrar", command=[*MANAGE, "registrar"], niceness=7),
        Process(name="importer", command=[*MANAGE, "importer"], niceness=8),
    ]


def workers(environment: Environment) -> list[Process]:
    """What works behind them."""
    copier = Process(name="copier", command=[*MANAGE, "copier"], niceness=12)
    return [
        *([copier] if environment.object_store.endpoint else []),
        _worker("short", environment.short_workers, niceness=8),
        _worker("long", environment.long_workers, niceness=10),
        Process(name="beat", command=_beat(environment), variables=_QUIET),
    ]


def _web(environment: Environment) -> list[str]:
    options = {
        "--interface": "wsgi",
        "--host": environment.listen_address,
        "--port": str(environment.portal_port),
        "--workers": str(environment.web_workers),
        "--blocking-threads": str(environment.web_threads),
        "--log-level": "error",
        "--workers-kill-timeout": "3",
        # The head of a request comes within seconds, and is no longer than cookies and a search need.
        "--http1-header-read-timeout": "10000",
        "--http1-buffer-size": str(128 * 1024),
        "--http2-max-headers-size": str(64 * 1024),
        "--http2-keep-alive-interval": "30000",
    }
    if environment.tls:
        # Hospitals still have clients without TLS 1.3.
        options |= {
            "--ssl-certificate": str(environment.tls_cert),
            "--ssl-keyfile": str(environment.tls_key),
            "--ssl-protocol-min": "tls1.2",
        }
    words = [word for pair in options.items() for word in pair]
    return [sys.executable, "-m", "granian", *words, "--no-ws", "--respawn-failed-workers", "portal.wsgi:application"]


def _celery(*words: str) -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "portal", "--quiet", *words, "--loglevel", "WARNING"]


def _worker(queue: str, processes: int, *, niceness: int) -> Process:
    node = f"{queue}@%h"
    words = ["worker", "--queues", queue, "--concurrency", str(processes), "--hostname", node]
    command = _celery(*words, "--without-gossip", "--without-mingle")
    return Process(name=queue, command=command, variables=_QUIET, niceness=niceness)


def _beat(environment: Environment) -> list[str]:
    # The state is a cache of the last runs; the process is supervised, so no lock file is kept.
    return _celery("beat", "--schedule", str(environment.run_dir / "celerybeat-schedule"), "--pidfile", "")


def _reachable(address: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 -- compared, not bound


def web_is_ready(environment: Environment, path: str = "/health/ready") -> bool:
    """Whether our own web server answers that it can serve."""
    host, port = _reachable(environment.listen_address), environment.portal_port
    connection: http.client.HTTPConnection
    if environment.tls:
        # Only asked whether it lives: the certificate names the public host, not this address.
        context = ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(host, port, timeout=2, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path, headers={"Host": urlsplit(environment.public_url).netloc})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def static_files_are_current(environment: Environment) -> bool:
    """Whether the collected static files are newer than what they are made from."""
    collected = environment.data_dir / "static" / "staticfiles.json"
    sources = [BASE_DIR / "portal" / "requirements.lock", *_built(BASE_DIR / "static" / "build")]
    try:
        newest = max(path.stat().st_mtime for path in sources if path.exists())
        return collected.stat().st_mtime >= newest
    except (OSError, ValueError):
        return False


def _built(folder: Path) -> list[Path]:
    return [folder, *folder.rglob("*")] if folder.is_dir() else []
