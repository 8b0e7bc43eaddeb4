"""What a supervised process is: its program, how it is stopped, how one sees that it is ready."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Process:
    """One row of the supervisor's table."""

    name: str
    command: Sequence[str]
    #: Added to the variables that every process gets.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: Done before each start, for instance to clear a lock that a killed one left.
    before: Callable[[], object] | None = None
    #: Says whether it does its work by now; None: it is ready when it runs.
    ready: Callable[[], bool] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    #: Sent when it did not stop in time; PostgreSQL is never killed outright.
    kill_signal: signal.Signals = signal.SIGKILL
    #: The database and the broker stop after those that use them.
    server: bool = False
    #: How far it steps back for others when the processor is short: people at a page come first, then what arrives (nice 0 to 19).
    niceness: int = 0
    #: A log of its own, named when it keeps dying.
    log: Path | None = None
    #: Started again when it ends. False: a task that is done once.
    restart: bool = True
