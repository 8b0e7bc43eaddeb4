"""The decoder pool: `python -m imaging.rendering.decoder_pool --socket PATH [--children N]` (no Django).

One supervisor accepts connections and hands each, unread but for its lane, to an idle child; warm children are forked
from it. What waits is bounded: beyond that the answer is *busy*. A child that dies, hangs or takes too much costs one image:
the supervisor still holds the connection, answers for it, and forks another.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import errno
import logging
import os
import selectors
import signal
import socket
import stat
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from imaging.rendering import decoder_child, isolation, operations, protocol
from imaging.rendering.isolation import Limits
from imaging.rendering.protocol import Lane, Message

logger = logging.getLogger("decoder pool")

#: How many may wait in each lane.
WAITING: Final = {Lane.PERSON: 64, Lane.BACKGROUND: 128, Lane.CONVERSION: 8}
_TICK: Final = 0.25
#: Seconds for a client to say its lane after connecting.
_GREETING: Final = 5.0
#: Seconds for what is being drawn when the pool is told to stop.
_GRACE: Final = 4.0


@dataclass(slots=True, eq=False)
class Child:
    """A forked decoder, and what it is busy with."""

    pid: int
    control: socket.socket
    client: socket.socket | None = None
    lane: Lane | None = None
    deadline: float = 0.0
    served: int = 0
    reason: str = ""


@dataclass(slots=True)
class Pool:
    """The supervisor's state: children, and clients that wait."""

    listener: socket.socket
    size: int
    limits: Limits
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    children: list[Child] = field(default_factory=list)
    greeting: dict[socket.socket, float] = field(default_factory=dict)
    waiting: dict[Lane, deque[socket.socket]] = field(default_factory=lambda: {lane: deque() for lane in Lane})
    asked_to_stop: bool = False
    stopping: bool = False

    def run(self) -> None:
        """Serve until told to stop; what is being drawn then is drawn to its end."""
        self.listener.setblocking(False)
        self.selector.register(self.listener, selectors.EVENT_READ, "accept")
        while not self.stopping or any(child.client for child in self.children):
            if not self.stopping:
                self._replenish()
            for key, _mask in self.selector.select(_TICK):
                self._handle(key)
            if self.asked_to_stop:
                self._stop()
            self._dispatch()
            self._enforce()
        for child in list(self.children):
            self._bury(child)

    def stop(self, *_signal: object) -> None:
        """Ask the loop to end: it takes no more clients, and gives those at work a few seconds."""
        self.asked_to_stop = True

    def _stop(self) -> None:
        if self.stopping:
            return
        self.stopping = True
        self.selector.unregister(self.listener)
        self.listener.close()
        for child in self.children:
            child.deadline = min(child.deadline, time.monotonic() + _GRACE)
        for lane in self.waiting.values():
            while lane:
                _refuse(lane.popleft(), "restarting", "the decoder pool is being restarted")

    def _handle(self, key: selectors.SelectorKey) -> None:
        if key.data == "accept":
            if not self.stopping:
                self._accept()
        elif key.data == "greeting":
            self._greet(key.fileobj)
        else:
            self._hear(key.data)

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in {errno.EMFILE, errno.ENFILE, errno.ECONNABORTED}:
                    raise
                return
            client.setblocking(False)
            self.greeting[client] = time.monotonic() + _GREETING
            self.selector.register(client, selectors.EVENT_READ, "greeting")

    def _greet(self, client: Any) -> None:
        """Read the lane without taking it: the child will read the whole message."""
        self.selector.unregister(client)
        del self.greeting[client]
        try:
            lane = Lane(client.recv(1, socket.MSG_PEEK))
        except (OSError, ValueError):
            client.close()
            return
        if len(self.waiting[lane]) >= WAITING[lane]:
            _refuse(client, "busy", "the decoder pool has enough to do")
        else:
            self.waiting[lane].append(client)

    def _dispatch(self) -> None:
        for child in self.children:
            if child.client is None and not child.reason:
                lane = self._next_lane()
                if lane is None:
                    return
                self._give(child, lane, self.waiting[lane].popleft())

    def _next_lane(self) -> Lane | None:
        converting = sum(child.lane is Lane.CONVERSION for child in self.children)
        for lane in (Lane.PERSON, Lane.BACKGROUND, Lane.CONVERSION):
            if self.waiting[lane] and not (lane is Lane.CONVERSION and converting >= max(1, self.size - 1)):
                return lane
        return None

    def _give(self, child: Child, lane: Lane, client: socket.socket) -> None:
        wall = self.limits.conversion_wall if lane is Lane.CONVERSION else self.limits.wall
        child.client, child.lane, child.deadline = client, lane, time.monotonic() + wall
        try:
            client.setblocking(True)
            child.control.sendmsg([b"!"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [client.fileno()]))])
        except OSError:
            self._bury(child)

    def _hear(self, child: Child) -> None:
        """A child is done, or dead."""
        try:
            heard = child.control.recv(1)
        except OSError:
            heard = b""
        if not heard:
            self._bury(child)
            return
        if child.client is not None:
            child.client.close()
        child.client, child.lane = None, None
        child.served += 1
        if child.served >= self.limits.pictures:
            child.reason = "recycled"
            self._bury(child)

    def _enforce(self) -> None:
        now = time.monotonic()
        for child in list(self.children):
            if child.client is not None and now > child.deadline:
                child.reason = "took too long"
                self._bury(child)
        for client in [client for client, until in self.greeting.items() if now > until]:
            self.selector.unregister(client)
            del self.greeting[client]
            client.close()

    def _bury(self, child: Child) -> None:
        """End a child; if it was at work, answer for it."""
        self.selector.unregister(child.control)
        self.children.remove(child)
        if child.client is not None or child.reason:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
        child.control.close()
        _pid, status = os.waitpid(child.pid, 0)
        if child.client is not None:
            reason = child.reason or _describe(status)
            logger.warning("child %d %s while decoding; one image is lost", child.pid, reason)
            _refuse(child.client, "decode_failed", f"the decoder {reason}")

    def _replenish(self) -> None:
        while len(self.children) < self.size:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            pid = os.fork()
            if pid == 0:
                self._become_child(theirs)
            theirs.close()
            child = Child(pid, ours)
            self.children.append(child)
            self.selector.register(ours, selectors.EVENT_READ, child)

    def _become_child(self, control: socket.socket) -> None:
        try:
            self.selector.close()
            # The other clients' and children's sockets are the supervisor's; a child must not hold them open.
            os.closerange(3, control.fileno())
            os.closerange(control.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
            decoder_child.serve(control, self.limits)
        except BaseException as error:  # noqa: BLE001 -- a child must never return into the supervisor's loop
            sys.stderr.write(f"ERROR decoder child: {type(error).__name__}\n")
            os._exit(1)


def _refuse(client: socket.socket, code: str, detail: str) -> None:
    """Answer for a child, without ever waiting for the client."""
    with contextlib.suppress(OSError), client:
        client.setblocking(False)
        protocol.send(client, Message({"ok": False, "code": code, "detail": detail}))


def _describe(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return "used too much CPU time"
        return f"was killed by {signal.Signals(number).name}"
    return f"ended with status {os.waitstatus_to_exitcode(status)}"


def listen(path: Path) -> socket.socket:
    """A listening socket at ``path`` that only this account reaches; a stale one is replaced, a living one is an error.

    Raises ``RuntimeError`` with one sentence.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    if path.exists():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise RuntimeError(f"{path} is in the way: it is not a socket.")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(ConnectionRefusedError):
            probe.connect(str(path))
            raise RuntimeError(f"Another decoder pool listens at {path}.")
        path.unlink()
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(256)
    return listener


def main(arguments: list[str] | None = None) -> int:
    """Run the pool in the foreground until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="decoder_pool", description="Decodes pictures in confined processes.")
    parser.add_argument("--socket", type=Path, required=True, help="where to listen")
    parser.add_argument("--children", type=int, default=max(2, os.cpu_count() or 2), help="how many decode at once")
    parser.add_argument("--wall", type=float, default=Limits().wall, help="seconds for one picture")
    parser.add_argument("--pictures", type=int, default=Limits().pictures, help="pictures per child before a fresh one")
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    limits = Limits(wall=options.wall, pictures=options.pictures)
    try:
        listener = listen(options.socket)
        bound = options.socket.stat().st_ino
    except (OSError, RuntimeError) as error:
        logger.error("%s", error)  # noqa: TRY400 -- one sentence for an operator, not a traceback
        return 1
    if not isolation.leave_network():
        logger.warning("this system does not let us give up the network; decoders keep it")
    operations.warm_up()
    pool = Pool(listener, max(1, options.children), limits)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pool.stop)
    logger.info("%d decoders listen at %s", pool.size, options.socket)
    try:
        pool.run()
    finally:
        with contextlib.suppress(OSError):
            if options.socket.stat().st_ino == bound:  # not that of a pool started meanwhile
                options.socket.unlink()
    return 0


def _without_threads() -> None:
    """Start over without numpy's threads: only a process of one thread may enter a user namespace, and forks are safe."""
    wanted = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        command = [sys.executable, "-m", "imaging.rendering.decoder_pool", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **wanted})  # noqa: S606 -- ourselves


if __name__ == "__main__":
    _without_threads()
    sys.exit(main())
