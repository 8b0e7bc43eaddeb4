"""Nobody keeps a thread of the web server by reading nothing of an answer: such a connection is ended.

Granian has no limit for sending. Linux has one, TCP_USER_TIMEOUT: data that the other side does not take for so long, a
window that stays shut among them, ends the connection (RFC 5482; tcp(7)). Granian opens the listening socket after it has
loaded the application, so a thread waits for it and sets the option once; connections inherit it.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

#: Seconds for which a reader may take nothing at all.
SECONDS: Final = 60
#: Seconds in which the web server has opened its socket, or never will.
_PATIENCE: Final = 60.0


def end_unread(port: int, *, seconds: int = SECONDS) -> threading.Thread:
    """Set the limit on this process's socket that listens on ``port``, as soon as there is one."""
    thread = threading.Thread(target=_wait_and_set, args=(port, seconds), name="unread answers", daemon=True)
    thread.start()
    return thread


def _wait_and_set(port: int, seconds: int) -> None:
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends:
        found = False
        for listener in _listeners(port):
            with listener:
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)
            found = True
        if found:
            return
        time.sleep(0.1)
    log.warning("The web server's socket was not found: who reads nothing may keep a thread.")


def _listeners(port: int) -> Iterator[socket.socket]:
    """Yield copies of the sockets of this process that listen on a TCP port; the caller closes them."""
    for entry in list(Path("/proc/self/fd").iterdir()):
        with suppress(OSError):
            if not str(entry.readlink()).startswith("socket:"):
                continue
            copy = socket.socket(fileno=os.dup(int(entry.name)))
            if _is_listening(copy, port):
                yield copy
            else:
                copy.close()


def _is_listening(candidate: socket.socket, port: int) -> bool:
    return (
        candidate.family in {socket.AF_INET, socket.AF_INET6}
        and candidate.type == socket.SOCK_STREAM
        and candidate.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        and candidate.getsockname()[1] == port
    )
