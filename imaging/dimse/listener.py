"""Several processes that serve one port: bound once, then forked, so that a port that is taken is noticed.

(SO_REUSEPORT would let two installations share a port without a word.) A child that dies is replaced; a bad association ends
with its own process at worst. Children die with their parent, however it dies.
"""

import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import Final

from django import db

from imaging.dimse.admission import Admission
from imaging.dimse.server import Server

logger = logging.getLogger(__name__)

_BACKLOG: Final = 128
#: A child that lived shorter than this is replaced after as long a pause, so that a fault does not burn the machine.
_SHORT_LIFE: Final = 1.0
_STOP_WITHIN: Final = 9.0
_PR_SET_PDEATHSIG: Final = 1
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class PortTaken(Exception):
    """Another program listens there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where to listen, under which name, with how many processes."""

    address: str
    port: int
    ae_title: str
    processes: int
    is_demo: bool


def bind(address: str, port: int) -> socket.socket:
    """Bind and listen. Raises ``PortTaken`` with a sentence."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise PortTaken(f"The DICOM port {port} on {address} cannot be used: {error.strerror}.") from error
    listening.listen(_BACKLOG)
    return listening


def serve(listening: socket.socket, where: Listening) -> None:
    """Serve in this process until SIGTERM or SIGINT."""
    stopping = threading.Event()
    for number in _SIGNALS:
        signal.signal(number, lambda *_: stopping.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    admission = Admission(ae_title=where.ae_title, is_demo=where.is_demo)
    admission.start()
    server = Server(listening, ae_title=where.ae_title, admission=admission)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.25}, name="listener", daemon=True)
    thread.start()
    while not stopping.wait(1.0):
        if not thread.is_alive():
            logger.error("The DICOM listener ended by itself.")
            break
    server.stop()
    admission.stop()


class Processes:
    """The children of one listener."""

    def __init__(self, listening: socket.socket, where: Listening) -> None:
        """Hold the socket that all children serve."""
        self._listening = listening
        self._where = where
        self._children: dict[int, float] = {}
        self._is_stopping = False

    def run(self) -> None:
        """Keep the children running until SIGTERM or SIGINT, then stop them."""
        for number in _SIGNALS:
            signal.signal(number, self._stop)
        for _ in range(self._where.processes):
            self._start()
        while self._children:
            pid, status = os.waitpid(-1, 0)
            started = self._children.pop(pid, None)
            if started is None or self._is_stopping:
                continue
            logger.error("A DICOM process ended (%s) and is replaced.", os.waitstatus_to_exitcode(status))
            if time.monotonic() - started < _SHORT_LIFE:
                time.sleep(_SHORT_LIFE)
            if not self._is_stopping:
                self._start()

    def _start(self) -> None:
        parent = os.getpid()
        db.connections.close_all()
        # Until the child has handlers of its own, ours must not run in it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        pid = os.fork()
        if pid:
            self._children[pid] = time.monotonic()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            return
        status = 1
        try:
            _die_with(parent)
            serve(self._listening, self._where)
            status = 0
        except Exception:
            logger.exception("A DICOM process failed.")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _stop(self, *_: object) -> None:
        self._is_stopping = True
        for pid in self._children:
            _send(pid, signal.SIGTERM)
        timer = threading.Timer(_STOP_WITHIN, self._kill)
        timer.daemon = True  # it must not keep this process when the children have gone by themselves
        timer.start()

    def _kill(self) -> None:
        for pid in list(self._children):
            _send(pid, signal.SIGKILL)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _die_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, even by SIGKILL (Linux)."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
