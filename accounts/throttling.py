"""How many requests one principal may make in a minute: counted for all processes in the shared cache.

A sliding minute: the present one, and of the last one the part that still lies within sixty seconds. Without the cache
nobody is slowed down: reading images matters more, and the log says so.
"""

import logging
import math
import time
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

from accounts.actor import Actor

log = logging.getLogger(__name__)

WINDOW: Final = 60
#: Refused sign-ins of one address in a minute, whatever the way in, that are each put on record.
REFUSALS_ON_RECORD: Final = 60
#: Seconds for which a cache that did not answer is not asked again.
_LEFT_ALONE: Final = 5.0
_away_until = [0.0]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a principal may do now: ``limit`` requests a minute, of which ``left`` are left; ``wait`` seconds when none are."""

    limit: int
    left: int
    wait: int = 0


def spend(actor: Actor, what: str, *, limit: int, length: int = WINDOW) -> Allowance | None:
    """Count one request of the kind ``what``, of which there may be ``limit`` a minute; None where nobody counts.

    ``length`` counts over another stretch of time, in seconds, under a ``what`` of its own.
    """
    if time.monotonic() < _away_until[0]:
        return None
    now = time.time()
    window, past = divmod(now, length)
    name = f"{what}:{actor.kind}:{actor.id}:"
    try:
        cache.add(f"{name}{int(window)}", 0, timeout=2 * length + 1)
        present = int(cache.incr(f"{name}{int(window)}"))
        before = int(cache.get(f"{name}{int(window) - 1}") or 0)
    except Exception as error:  # noqa: BLE001  # whatever the cache's client raises: reading goes on
        _away_until[0] = time.monotonic() + _LEFT_ALONE
        log.critical("ALARM: the cache does not answer (%s), and requests are not counted.", type(error).__name__)
        return None
    used = present + before * (1 - past / length)
    if used <= limit:
        return Allowance(limit, max(0, int(limit - used)))
    return Allowance(limit, 0, max(1, math.ceil(_wait(limit, present, before, past, length))))


def is_worth_a_record(address: str) -> bool:
    """Whether a refusal of a stranger at ``address`` goes into the audit: nobody fills it by knocking."""
    stranger = Actor(kind="user", id=address, name="", address=address)
    allowance = spend(stranger, "refusals-on-record", limit=REFUSALS_ON_RECORD)
    if allowance is None or not allowance.wait:
        return True
    log.warning("Refusals of one address are not put on record one by one any more: there are too many.")
    return False


def _wait(limit: int, present: int, before: int, past: float, length: int) -> float:
    """Seconds until there is room again, if nobody asks meanwhile."""
    if present <= limit and before:
        return length * (1 - (limit - present) / before) - past
    return length - past + length * (1 - limit / present)


def begin_anew() -> None:
    """Ask the cache again at once, as a new process does."""
    _away_until[0] = 0.0
