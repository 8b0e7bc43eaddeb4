"""TCP ports for the servers that tests start, which nobody else takes meanwhile.

A port that the kernel names as free may be given away again before a server binds it: to a connection of this machine, or to a
test in another worker. So ours lie below those that the kernel gives away, each worker has a range of its own, and each
port is given once until the range is through.
"""

import contextlib
import itertools
import os
import socket

# Below 32768, where Linux begins to give ports away, whatever is added to them: an object store adds 10,000.
_LOWEST = 12_000
_OF_ONE_WORKER = 1_000
WORKERS = 10

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
# Two runs beside one another begin at different places.
_order = itertools.cycle((os.getpid() + number) % _OF_ONE_WORKER for number in range(_OF_ONE_WORKER))


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("", port)):
        return True
    return False


def free_port(*, above: int = 0) -> int:
    """A port on which nobody listens, as nobody does `above` ports further up."""
    for number in _order:
        port = _LOWEST + _worker * _OF_ONE_WORKER + number
        if _is_free(port) and _is_free(port + above):
            return port
    raise AssertionError("The order of the ports has no end.")
