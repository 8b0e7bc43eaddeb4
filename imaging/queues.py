"""The only way to Celery: two decorators that name a task's queue and its promise, and publishing that never hurts the caller.

The job table is the truth and a Celery message is only a nudge (DESIGN 4.5). So publishing may fail, and then says so in the
log: the periodic sweep offers the work again. It must never fail or hold up the transaction that asked for it.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from celery import Task, current_app, shared_task
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError

logger = logging.getLogger(__name__)

SHORT: Final = "short"
LONG: Final = "long"

#: Seconds. A short task is idempotent and done within a minute; a long one is cut off after six hours.
SHORT_LIMIT: Final = 60
LONG_LIMIT: Final = 6 * 3600

#: The task that drains the outbox, by name: those who append events know nothing of who reacts to them.
DRAIN: Final = "imaging.pipeline.drain"
RUN_STEP: Final = {SHORT: "imaging.pipeline.run_short_step", LONG: "imaging.pipeline.run_long_step"}

# After a failure the broker is left alone for a while, so that a dead one costs a caller next to nothing.
_PAUSE: Final = 3.0
_PATIENCE: Final = 0.5
_lock = threading.Lock()
_quiet_until = 0.0


def short_task(**options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    """Declare an idempotent task of less than a minute; it is stopped when it takes longer."""
    return _task(queue=SHORT, soft_time_limit=SHORT_LIMIT - 5, time_limit=SHORT_LIMIT, **options)


def long_task(**options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    """Declare an idempotent task that may take hours, on workers of its own."""
    return _task(queue=LONG, soft_time_limit=LONG_LIMIT - 60, time_limit=LONG_LIMIT, **options)


def _task(**options: Any) -> Callable[[Callable[..., Any]], Task[..., Any]]:
    decorate: Callable[[Callable[..., Any]], Task[..., Any]] = shared_task(
        ignore_result=True, acks_late=True, **options
    )
    return decorate


def wake() -> bool:
    """Ask a worker to drain the outbox now. Worth nothing later: the message expires."""
    return publish(DRAIN, queue=SHORT, expires=30)


def run(job_id: int, queue: str) -> bool:
    """Offer a job to the workers of its queue."""
    return publish(RUN_STEP[queue], job_id, queue=queue, expires=3600)


def publish(name: str, *arguments: Any, queue: str, expires: int) -> bool:
    """Send a task by name. False when the broker did not take it at once; never raises, never waits longer than a moment."""
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return False
    try:
        with _lock, _connection() as connection:
            current_app.send_task(
                name,
                args=arguments,
                queue=queue,
                expires=expires,
                connection=connection,
                retry=False,
                ignore_result=True,
            )
    except (KombuError, CeleryError, OSError, *_broker_errors()) as error:
        _quiet_until = time.monotonic() + _PAUSE
        logger.warning("the broker did not take %s (%s): the sweep will offer it again", name, type(error).__name__)
        return False
    return True


def _connection() -> Any:
    # A connection of our own: the workers' ones wait for messages, so their timeouts and retries are other than a sender's.
    return current_app.connection_for_write(
        connect_timeout=_PATIENCE,
        transport_options={
            "socket_timeout": _PATIENCE,
            "socket_connect_timeout": _PATIENCE,
            "retry_on_timeout": False,
            "max_retries": 0,
            "interval_start": 0,
            "interval_max": 0,
        },
    )


def _broker_errors() -> tuple[type[BaseException], ...]:
    connection = current_app.connection_for_write()
    return (*connection.connection_errors, *connection.channel_errors)
