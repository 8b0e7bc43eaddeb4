"""Turns at the database: the associations of one process share few connections, each for as long as it reads or writes.

A connection that was made stays open for the next turn, whichever association has it: making one costs more than most answers.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django import db
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

#: Queries and reports of one process that use the database at the same time.
MOST_AT_ONCE: Final = 4
#: Seconds that one waits for its turn.
WAIT: Final = 5.0
#: Seconds of rest after which a connection is tried before it is used, and of life after which it is made anew.
_TRIED_AFTER: Final = 5.0
_LONGEST_LIFE: Final = 600.0


class Busy(Exception):
    """No turn came in time."""


@dataclass(slots=True)
class _Kept:
    """An open connection that nobody uses."""

    connection: BaseDatabaseWrapper
    made_at: float
    rests_since: float


class Turns:
    """So many at once, each with a connection of its own while it lasts."""

    def __init__(self, at_once: int = MOST_AT_ONCE) -> None:
        """Allow ``at_once`` turns at the same time."""
        self._free = threading.BoundedSemaphore(at_once)
        self._kept: list[_Kept] = []
        self._is_closed = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Use the database. Raises ``Busy``."""
        if not self._free.acquire(timeout=WAIT):
            raise Busy
        try:
            made_at = self._take()
            try:
                yield
            except BaseException:
                db.connections.close_all()
                raise
            self._keep(made_at)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close what is kept; from now on every turn closes its own."""
        self._is_closed = True
        while self._kept:
            self._kept.pop().connection.close()

    def _take(self) -> float:
        """Give this thread a connection that is kept, if there is one; when it was made."""
        now = time.monotonic()
        try:
            kept = self._kept.pop()
        except IndexError:
            return now
        db.connections[DEFAULT_DB_ALIAS] = kept.connection
        is_stale = now - kept.made_at > _LONGEST_LIFE
        if is_stale or (now - kept.rests_since > _TRIED_AFTER and not kept.connection.is_usable()):
            kept.connection.close()
            return now
        return kept.made_at

    def _keep(self, made_at: float) -> None:
        """Take the connection from this thread, which may end before it asks again."""
        connection = db.connections[DEFAULT_DB_ALIAS]
        if self._is_closed or connection.in_atomic_block or connection.connection is None:
            db.connections.close_all()
            return
        if not connection.allow_thread_sharing:
            connection.inc_thread_sharing()
        del db.connections[DEFAULT_DB_ALIAS]
        self._kept.append(_Kept(connection, made_at, time.monotonic()))
