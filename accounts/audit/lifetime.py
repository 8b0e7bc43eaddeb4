"""When a process of the portal began to work, and when it ended in order (DCM 110120 and 110121)."""

import contextlib
import os
import platform
from collections.abc import Iterator

from accounts.actor import SYSTEM
from accounts.audit.actions import Action
from accounts.audit.record import AuditUnavailable, record


@contextlib.contextmanager
def recorded(process: str) -> Iterator[None]:
    """Record the beginning and the orderly end of this process. Nothing waits for it: a start that cannot be told goes on."""
    _say(Action.PORTAL_STARTED, process)
    try:
        yield
    finally:
        _say(Action.PORTAL_STOPPED, process)


def _say(action: Action, process: str) -> None:
    # The alarm is in the log already.
    with contextlib.suppress(AuditUnavailable):
        record(
            action,
            actor=SYSTEM,
            subject_type="process",
            subject_uid=process,
            detail={"host": platform.node(), "pid": os.getpid()},
        )
