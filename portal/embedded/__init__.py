"""The real PostgreSQL and Redis out of wheels: one database engine and one broker from a laptop to a cluster."""

from portal.embedded.addresses import broker_url, database_urls, redis_url
from portal.embedded.paths import Refused
from portal.embedded.secrets import secret

__all__ = ["Refused", "broker_url", "database_urls", "redis_url", "secret"]
