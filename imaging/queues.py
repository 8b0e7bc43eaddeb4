"""The only way to Celery: two decorators that name a task's queue and promise, and publishing that never hurts.

The job table is the truth and a Celery message is only a nudge (DESIGN 4.5). So publishing may fail, and then says so
in the log: the periodic sweep nudges again. It must never fail or hold up the transaction that asked for the work.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from celery import Task, current_app, shared_task
from celery.exceptions import CeleryError
from kombu import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

SHORT: Final = "short"
LONG: Final = "long"

#: Seconds. A short task is idempotent and done within a minute; a long one is cut off after six hours.
SHORT_LIMIT: Final = 60
LONG_LIMIT: Final = 6 * 3600

#: Tasks by name: those who append events and jobs know nothing of who reacts to them.
DRAIN: Final = "imaging.pipeline.drain"
FOLLOW_UP_EMERGENCIES: Final = "imaging.pipeline.follow_up_emergencies"
SEND_MESSAGES: Final = "imaging.pipeline.send_messages"
RUN_STEP: Final = {SHORT: "imaging.pipeline.run_short_step", LONG: "imaging.pipeline.run_long_step"}


def short_task(**options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    """Declare an idempotent task of less than a minute; it is stopped when it takes longer."""
    return _task(promise=SHORT, soft_time_limit=SHORT_LIMIT - 5, time_limit=SHORT_LIMIT, **options)


def long_task(**options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    """Declare an idempotent task that may take hours, on workers of its own."""
    return _task(promise=LONG, soft_time_limit=LONG_LIMIT - 60, time_limit=LONG_LIMIT, **options)


def _task(**options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    decorate: Callable[[Callable[..., Any]], Task[..., Any]] = shared_task(
        ignore_result=True, acks_late=True, **options
    )
    return decorate


def route(_name: str, _arguments: Any, _keywords: Any, _options: Any, task: Any = None, **_more: Any) -> dict[str, str]:
    """Send a task to the queue that its decorator promises (Celery's ``task_routes``)."""
    return {"queue": getattr(task, "promise", SHORT)}


class Publisher:
    """Sends messages over one connection per process, and leaves a dead broker alone for a while.

    ``patience`` is the longest wait for the broker and ``pause`` the silence after a failure, both in seconds.
    """

    def __init__(self, *, patience: float = 0.5, pause: float = 3.0) -> None:
        self.patience = patience
        self.pause = pause
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._process = 0
        self._quiet_until = 0.0

    def publish(self, name: str, *, queue: str, expires: int) -> bool:
        """Send a task by name. False when the broker did not take it at once; never raises."""
        if time.monotonic() < self._quiet_until:
            return False
        with self._lock:
            try:
                current_app.send_task(
                    name, queue=queue, expires=expires, connection=self._open(), retry=False, ignore_result=True
                )
            except (KombuError, CeleryError, RedisError, OSError) as error:
                self._quiet_until = time.monotonic() + self.pause
                self._connection = None
                logger.warning("the broker did not take %s (%s); the sweep will nudge", name, type(error).__name__)
                return False
        return True

    def reset(self) -> None:
        """Forget the connection, and that the broker failed."""
        with self._lock:
            self._connection, self._quiet_until = None, 0.0

    def _open(self) -> Connection:
        # A connection of our own, for the workers' ones wait long; and never one that was opened before a fork.
        if self._connection is None or self._process != os.getpid():
            self._process = os.getpid()
            self._connection = current_app.connection_for_write(
                connect_timeout=self.patience,
                transport_options={
                    **current_app.conf.broker_transport_options,
                    "socket_timeout": self.patience,
                    "socket_connect_timeout": self.patience,
                    "retry_on_timeout": False,
                    "max_retries": 0,
                },
            )
        return self._connection


_publisher = Publisher()


def wake() -> bool:
    """Ask a worker to drain the outbox now."""
    return _publisher.publish(DRAIN, queue=SHORT, expires=30)


def nudge(queue: str) -> bool:
    """Tell the workers of a queue that a job is waiting."""
    return _publisher.publish(RUN_STEP[queue], queue=queue, expires=600)


def hurry(name: str) -> bool:
    """Ask a worker to run a short periodic task now, and not at its next turn."""
    return _publisher.publish(name, queue=SHORT, expires=60)


def forget_broker() -> None:
    """Open a new connection for the next message: the broker's address has changed, or it is there again."""
    _publisher.reset()
