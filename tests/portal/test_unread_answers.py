"""Who asks for much and reads nothing of it does not keep a thread of the web server, asked of the web server itself."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.variables import BASE_DIR
from tests.ports import free_port

APPLICATION = """
import threading
from portal.unread_answers import end_unread

busy = set()

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/busy":
        setting.join()  # connections made before have no limit
        return [str(len(busy)).encode()]
    return long_answer()

def long_answer():
    busy.add(threading.get_ident())
    try:
        for _ in range(4000):
            yield b"x" * 65536
    finally:
        busy.discard(threading.get_ident())

setting = end_unread(PORT, seconds=2)
"""


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A web server whose limit is two seconds."""
    chosen = free_port()
    (tmp_path / "unread.py").write_text(APPLICATION.replace("PORT", str(chosen)))
    options = ["--interface", "wsgi", "--port", str(chosen), "--workers", "1", "--blocking-threads", "4", "--no-ws"]
    limits = [
        "--http1-header-read-timeout",
        "10000",
        "--http1-buffer-size",
        "131072",
        "--http2-max-headers-size",
        "65536",
    ]
    command = [
        sys.executable,
        "-m",
        "granian",
        *options,
        *limits,
        "--http2-keep-alive-interval",
        "30000",
        "unread:application",
    ]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{BASE_DIR}"}
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, start_new_session=True, **silence) as server:
        try:
            until_busy(chosen, 0)
            yield chosen
        finally:
            # Asked to stop, it would wait for its readers: for ever, where the limit does not work.
            os.killpg(server.pid, signal.SIGKILL)


def busy(port: int) -> int:
    """How many threads are at work for those who read nothing; -1 while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/busy")
        return int(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return -1
    finally:
        connection.close()


def until_busy(port: int, wanted: int) -> None:
    """Wait until so many threads are at work."""
    ends = time.monotonic() + 60
    while busy(port) != wanted:
        assert time.monotonic() < ends, f"{busy(port)} threads are at work, not {wanted}"
        time.sleep(0.1)


def test_a_reader_that_reads_nothing_is_let_go(port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    for connection in silent:
        connection.sendall(b"GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until_busy(port, 3)
    until_busy(port, 0)
    for connection in silent:
        connection.close()
