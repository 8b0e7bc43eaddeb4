"""The addresses of the embedded servers of a data folder, for any process beside a running `serve`."""

from pathlib import Path
from urllib.parse import quote

from portal.embedded import paths
from portal.embedded.secrets import secret

DATABASE = "negatoscope"
APP_ROLE = "negatoscope_app"
OWNER_ROLE = "negatoscope_owner"
SUPERUSER = "postgres"

#: PostgreSQL names its socket after a port, even without TCP.
PORT = 5432
REDIS_SOCKET = "redis.sock"


def database_url(data_dir: Path, role: str, database: str = DATABASE) -> str:
    """The address of the embedded PostgreSQL for a role."""
    password = secret(data_dir, f"postgres_{role}")
    folder = quote(str(paths.postgres_sockets_folder(data_dir)), safe="/")
    return f"postgresql://{role}:{quote(password, safe='')}@/{database}?host={folder}&port={PORT}"


def database_urls(data_dir: Path) -> tuple[str, str]:
    """The addresses of the embedded PostgreSQL: the application's role, then the owner's."""
    return database_url(data_dir, APP_ROLE), database_url(data_dir, OWNER_ROLE)


def redis_url(data_dir: Path) -> str:
    """The address of the embedded Redis as redis-py and Django's cache spell it."""
    return f"unix://{quote(str(paths.socket(data_dir, REDIS_SOCKET)), safe='/')}"


def broker_url(data_dir: Path) -> str:
    """The same as Celery spells it."""
    return f"redis+socket://{quote(str(paths.socket(data_dir, REDIS_SOCKET)), safe='/')}"
