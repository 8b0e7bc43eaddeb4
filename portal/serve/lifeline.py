"""A child does not outlive its parent: the kernel sends it a signal when the parent is gone, however it went."""

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1

# Loaded here, not between fork and exec, where the loader's lock may be held.
_libc = ctypes.CDLL(None, use_errno=True)


#: Where each session is a group of its own for the scheduler, nice counts within a session only; this counts between them (sched(7)).
_AUTOGROUP = Path("/proc/self/autogroup")


def die_with_parent(number: signal.Signals = signal.SIGTERM, *, niceness: int = 0) -> Callable[[], None]:
    """What a new process runs before its program (`preexec_fn`), so that it gets `number` when this process dies.

    ``niceness`` is added to this process's own.
    """
    parent = os.getpid()

    def tie() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        _step_back(niceness)
        if os.getppid() != parent:
            # The parent died before the line above: nobody will send the signal.
            os._exit(1)

    return tie


def _step_back(niceness: int) -> None:
    if not niceness:
        return
    own = os.nice(niceness)
    # Not there without such groups, and refused when it is changed often: then others only wait a little longer.
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(own))
