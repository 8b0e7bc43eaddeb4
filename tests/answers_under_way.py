"""Requests that the tests' own server is still answering: a browser that was closed leaves some behind."""

import threading
import time
from typing import Any

from django.core.signals import request_finished, request_started

_PATIENCE = 30.0  # seconds

_changed = threading.Condition()
_threads: set[threading.Thread] = set()


def _started(**_told: Any) -> None:
    # The test's own client answers in the main thread, and never while that thread cleans up.
    if threading.current_thread() is not threading.main_thread():
        with _changed:
            _threads.add(threading.current_thread())


def _finished(**_told: Any) -> None:
    with _changed:
        _threads.discard(threading.current_thread())
        _changed.notify_all()


def _alive() -> int:
    return sum(thread.is_alive() for thread in _threads)


def listen() -> None:
    """Count from now on."""
    request_started.connect(_started, dispatch_uid="answers-under-way")
    request_finished.connect(_finished, dispatch_uid="answers-under-way")


def wait() -> None:
    """Return once nothing is answered any more; fail when that takes too long."""
    deadline = time.monotonic() + _PATIENCE
    with _changed:
        while _alive():
            left = deadline - time.monotonic()
            assert left > 0, f"{_alive()} requests are still being answered after {_PATIENCE:.0f} s."
            _changed.wait(min(left, 1.0))
