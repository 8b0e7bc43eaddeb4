"""The decoder pool, the registered studies and the large archive of the measurements."""

from tests.benchmarks.large_database import browser, large_archive_in_use, large_database, radiologist, scope
from tests.decoder_pools import own_pool, pool, register, shared_pool, sockets

__all__ = [
    "browser",
    "large_archive_in_use",
    "large_database",
    "own_pool",
    "pool",
    "radiologist",
    "register",
    "scope",
    "shared_pool",
    "sockets",
]
