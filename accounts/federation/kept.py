"""What single sign-on keeps for a while in the cache of all processes, and what becomes of it while the cache is away."""

import logging
from typing import Any, Final

from django.core.cache import cache

log = logging.getLogger(__name__)

_AWAY: Final = "The cache does not answer (%s): nothing of single sign-on is kept."


def get(name: str) -> Any:
    """Return what is kept; None for nothing, and while the cache is away."""
    try:
        return cache.get(name)
    except Exception as error:  # noqa: BLE001  # whatever the cache's client raises: it is fetched again
        log.warning(_AWAY, type(error).__name__)
        return None


def put(name: str, value: Any, seconds: int) -> bool:
    """Keep a value for so long. Whether it is kept."""
    try:
        cache.set(name, value, seconds)
    except Exception as error:  # noqa: BLE001  # as above
        log.warning(_AWAY, type(error).__name__)
        return False
    return True


def take(name: str) -> Any:
    """Return what is kept, once: of two that ask for it at the same time one gets it."""
    found = get(name)
    try:
        return found if found is not None and cache.delete(name) else None
    except Exception as error:  # noqa: BLE001  # as above
        log.warning(_AWAY, type(error).__name__)
        return None


def is_first(name: str, seconds: int, *, without_cache: bool) -> bool:
    """Whether this is asked for the first time in so many seconds; ``without_cache`` while nobody can tell."""
    try:
        return bool(cache.add(name, 1, seconds))
    except Exception as error:  # noqa: BLE001  # as above
        log.warning(_AWAY, type(error).__name__)
        return without_cache
