"""A child does not outlive its parent: the kernel sends it a signal when the parent is gone, however it went."""

import ctypes
import os
import signal
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1

# Loaded here, not between fork and exec, where the loader's lock may be held.
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(number: signal.Signals = signal.SIGTERM, *, niceness: int = 0) -> Callable[[], None]:
    """What a new process runs before its program (`preexec_fn`), so that it gets `number` when this process dies.

    ``niceness`` is added to this process's own.
    """
    parent = os.getpid()

    def tie() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        os.nice(niceness)
        if os.getppid() != parent:
            # The parent died before the line above: nobody will send the signal.
            os._exit(1)

    return tie
