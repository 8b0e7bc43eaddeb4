"""The decoder pool and the registered studies of the measurements."""

from tests.decoder_pools import own_pool, pool, register, shared_pool, sockets

__all__ = ["own_pool", "pool", "register", "shared_pool", "sockets"]
