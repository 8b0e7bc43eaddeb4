"""The decoder pool and the registered studies of these tests."""

from tests.decoder_pools import Pool, own_pool, pool, register, shared_pool, sockets

__all__ = ["Pool", "own_pool", "pool", "register", "shared_pool", "sockets"]
