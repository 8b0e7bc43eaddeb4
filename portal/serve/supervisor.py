"""Starts processes, passes on what they say, starts them again when they die, and ends all of them in order.

One thread, one loop (`pump`): the kernel ties children to the thread that made them, and a single loop has no races
to think about.
"""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import IO

from portal.serve import guardian
from portal.serve.journal import Journal
from portal.serve.lifeline import die_with_parent
from portal.serve.processes import Process

#: A process that lives this long (seconds) has recovered.
STEADY = 60.0
LONGEST_PAUSE = 30.0
#: From this many deaths in a row on, the log says what to do.
WORRYING = 4
LONGEST_LINE = 16_384


class Stopped(Exception):
    """A stop was asked for while something was awaited."""


class Child:
    """A process of the table and its present incarnation."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.popen: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_again_at = 0.0
        self.deaths = 0
        self.status: int | None = None
        self._rest = b""

    @property
    def running(self) -> bool:
        """Whether it has a process."""
        return self.popen is not None

    @property
    def output(self) -> IO[bytes]:
        """The reading end of what it says."""
        if self.popen is None or self.popen.stdout is None:
            raise RuntimeError(f"{self.process.name} is not running")
        return self.popen.stdout

    def read(self) -> tuple[list[str], bool]:
        """The lines that can be read now without waiting, and whether its output has ended."""
        try:
            data = os.read(self.output.fileno(), 65_536)
        except BlockingIOError:
            return [], False
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > LONGEST_LINE):
            whole, self._rest = [*whole, self._rest], b""
        return [line.decode("utf-8", "replace") for line in whole], not data


class Supervisor:
    """The children, the loop that serves them, and their end."""

    def __init__(self, journal: Journal, *, variables: Mapping[str, str], directory: Path, tag: str) -> None:
        """`variables` is the whole environment of a child; `tag` marks every process that descends from us."""
        self.journal = journal
        self.stopping = False
        self._hurry = False
        self._asked_at = 0.0
        self._variables = {**variables, "PORTAL_SUPERVISOR": tag, "PYTHONUNBUFFERED": "1"}
        self._directory = directory
        self._tag = tag
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._guardian: subprocess.Popen[bytes] | None = None
        self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wakeup[0], selectors.EVENT_READ)

    # ---- signals -------------------------------------------------------------------------------------------------

    def catch_signals(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as the wish to stop; a second one as the wish to stop now."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # so that the wakeup pipe hears of it
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        # Within a second it is the same wish, passed on by a shell or by make.
        self._hurry = self._hurry or (self.stopping and now - self._asked_at > 1)
        self._asked_at = self._asked_at if self.stopping else now
        self.stopping = True

    # ---- starting ------------------------------------------------------------------------------------------------

    def start(self, process: Process) -> Child:
        """Start a process and keep it: it is started again whenever it ends, unless its row says otherwise."""
        child = Child(process)
        self._children.append(child)
        self._launch(child)
        return child

    def _launch(self, child: Child) -> None:
        process = child.process
        self._watch_over_ourselves()
        child.started_at = time.monotonic()
        try:
            if process.before:
                process.before()
            child.popen = subprocess.Popen(
                process.command,
                cwd=self._directory,
                env={**self._variables, **process.variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(process.stop_signal, niceness=process.niceness),  # noqa: PLW1509 -- this process has one thread
            )
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is said and tried again
            self.journal.say(f"{process.name} could not be started: {error}")
            child.status = 127
            self._plan_restart(child)
            return
        os.set_blocking(child.output.fileno(), False)
        self._selector.register(child.output, selectors.EVENT_READ, child)
        self._tell_guardian(f"+ {child.popen.pid} {int(process.stop_signal)}")

    def _watch_over_ourselves(self) -> None:
        if self._guardian is not None and self._guardian.poll() is None:
            return
        self._guardian = subprocess.Popen(
            [sys.executable, "-S", "-E", guardian.__file__, self._tag],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        for child in self._children:
            if child.popen:
                self._tell_guardian(f"+ {child.popen.pid} {int(child.process.stop_signal)}")

    def _tell_guardian(self, line: str) -> None:
        if self._guardian is None or self._guardian.stdin is None:
            return
        try:
            self._guardian.stdin.write(f"{line}\n".encode())
            self._guardian.stdin.flush()
        except BrokenPipeError:
            return  # it was killed; the next start brings another, which is told everything

    # ---- the loop ------------------------------------------------------------------------------------------------

    def pump(self, seconds: float) -> None:
        """Pass on what children say, for at most `seconds`; note who ended, start again those whose time has come."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._drain_wakeup()
            else:
                self._pass_on(key.data)
        for child in list(self._children):
            if child.popen and child.popen.poll() is not None:
                self._ended(child)
            elif (
                not child.popen
                and child.start_again_at
                and time.monotonic() >= child.start_again_at
                and not self.stopping
            ):
                child.start_again_at = 0.0
                self._launch(child)

    def _drain_wakeup(self) -> None:
        try:
            os.read(self._wakeup[0], 4096)
        except BlockingIOError:
            return

    def _pass_on(self, child: Child) -> bool:
        """Write what a child said; False when there is nothing more to read."""
        lines, ended = child.read()
        for line in filter(str.strip, lines):
            self.journal.say(line, child.process.name)
        if ended:
            self._selector.unregister(child.output)
        return bool(lines) and not ended

    def _ended(self, child: Child) -> None:
        if child.popen is None:
            return
        # What the process started goes with it, so that its successor finds the ports free.
        guardian.send(child.popen.pid, signal.SIGKILL)
        if child.output.fileno() in self._selector.get_map():
            while self._pass_on(child):
                pass
        if child.output.fileno() in self._selector.get_map():
            self._selector.unregister(child.output)
        child.output.close()
        self._tell_guardian(f"- {child.popen.pid}")
        child.status, child.popen = child.popen.returncode, None
        if self.stopping:
            return
        if child.process.restart:
            self._plan_restart(child)
        elif child.status:
            self.journal.say(f"{child.process.name} ended ({_how(child.status)}): its lines above say why.")

    def _plan_restart(self, child: Child) -> None:
        """Choose the time of the next start: at once the first time, then later and later."""
        name, now = child.process.name, time.monotonic()
        child.deaths = 1 if now - child.started_at > STEADY else child.deaths + 1
        pause = min(LONGEST_PAUSE, 0.25 * 2 ** (child.deaths - 1))
        child.start_again_at = now + pause
        text = f"{name} ended ({_how(child.status)}): starting it again in {pause:.0f} s."
        if child.deaths >= WORRYING:
            log = child.process.log or self.journal.path
            where = f" and in {log}" if log else ""
            text = (
                f"{name} ended {child.deaths} times in a row ({_how(child.status)}): its lines above{where} say why."
                f" Once the cause is put right it comes back by itself; next try in {pause:.0f} s."
            )
        self.journal.say(text)

    # ---- waiting -------------------------------------------------------------------------------------------------

    def wait_until(self, condition: Callable[[], bool], seconds: float, every: float = 0.1) -> bool:
        """Serve the children until `condition`, asked `every` so often, holds (True) or the time is over (False).

        Raises Stopped.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if self.stopping:
                raise Stopped
            if time.monotonic() > deadline:
                return False
            pause = time.monotonic() + every
            while time.monotonic() < pause and not self.stopping:
                self.pump(every)
        return True

    def run(self, process: Process) -> int:
        """Run a process to its end and return its status (negative: a signal's number). Raises Stopped."""
        child = self.start(process)
        try:
            while child.popen:
                if self.stopping:
                    raise Stopped
                self.pump(0.2)
        finally:
            if not child.popen:
                self._children.remove(child)
        return child.status or 0

    def supervise(self, chores: Callable[[], None] | None = None) -> None:
        """Serve until a stop is asked for; `chores` is called about every second."""
        while not self.stopping:
            self.pump(1.0)
            if chores and not self.stopping:
                chores()

    # ---- the end -------------------------------------------------------------------------------------------------

    def stop(self, seconds: float = 5.0, server_seconds: float = 3.0) -> None:
        """End everything: first what uses the servers, then the servers. What does not stop in time is killed."""
        self.stopping = True
        self._end([child for child in self._children if not child.process.server], seconds)
        self._end([child for child in self._children if child.process.server], server_seconds)
        for pid in guardian.tagged(self._tag):
            guardian.kill(pid)
        if self._guardian and self._guardian.stdin:
            self._guardian.stdin.close()
            self._guardian.wait()
        signal.set_wakeup_fd(-1)
        for descriptor in self._wakeup:
            os.close(descriptor)
        self._selector.close()

    def _end(self, children: list[Child], seconds: float) -> None:
        for child in children:
            child.start_again_at = 0.0
            if child.popen:
                child.popen.send_signal(child.process.stop_signal)
        deadline = time.monotonic() + seconds
        while any(child.popen for child in children) and time.monotonic() < deadline and not self._hurry:
            self.pump(0.1)
        for child in children:
            if child.popen:
                self.journal.say(f"{child.process.name} did not stop in time and is ended.")
                guardian.send(child.popen.pid, child.process.kill_signal)
        deadline = time.monotonic() + 2
        while any(child.popen for child in children):
            if time.monotonic() > deadline:
                for child in children:
                    if child.popen:
                        guardian.send(child.popen.pid, signal.SIGKILL)
            self.pump(0.1)


def _how(status: int | None) -> str:
    if status is not None and status < 0:
        return f"by {signal.Signals(-status).name}"
    return f"status {status}"
