"""What a piece of the server's work takes: time on the clock, and time of the processor in this process and in its database.

Targets are times on the clock, of an idle machine. Where others work on the same machine, the processor's time tells more.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import connection


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds."""

    clock: float
    cpu: float


def spent(work: Callable[[], object]) -> Spent:
    """What this takes, once."""
    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    cpu, started = cpu_of(backend), time.perf_counter()
    work()
    return Spent(time.perf_counter() - started, cpu_of(backend) - cpu)


def usually(work: Callable[[], object], rounds: int = 3) -> Spent:
    """The median of several rounds."""
    times = [spent(work) for _ in range(rounds)]
    return Spent(statistics.median(one.clock for one in times), statistics.median(one.cpu for one in times))


def cpu_of(backend: int) -> float:
    """Seconds that this process and a backend of the database have computed so far."""
    return time.process_time() + int(Path(f"/proc/{backend}/schedstat").read_text().split()[0]) / 1e9


def cpu_of_processes(pids: Iterable[int]) -> float:
    """Seconds that all threads of these processes have computed so far."""
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def p95(values: Sequence[float]) -> float:
    """The value that one in twenty exceeds."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def line(what: str, times: Sequence[Spent], target: float) -> str:
    """One line of a report: milliseconds, and whether the target was met."""
    clock, cpu = p95([one.clock for one in times]), p95([one.cpu for one in times])
    median = statistics.median(one.clock for one in times)
    return f"{verdict(clock <= target)} {what}: p95 {_ms(clock)} (median {_ms(median)}; processor p95 {_ms(cpu)}); target {_ms(target)}"


def verdict(is_met: bool) -> str:
    """How a line of a report begins."""
    return "met   " if is_met else "MISSED"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
