"""Where data lies: the database, the object store's tiers, the cache, the spool."""

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from portal.environment import environment, reserve_bytes


def database(url: str) -> dict[str, Any]:
    """Translate a `postgresql://` address (a unix socket folder as `?host=`) to Django's form."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": False, **query},
    }


DATABASES = {"default": {**database(environment.database_url), "CONN_MAX_AGE": 600}}
if environment.database_owner_url and not environment.serving:
    # Migrations and audit partitions only: a serving process never holds the owner's password.
    DATABASES["owner"] = {**database(environment.database_owner_url), "TEST": {"MIRROR": "default"}}
DATABASE_APP_ROLE = DATABASES["default"]["USER"]

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": environment.cache_url,
        "KEY_PREFIX": "negatoscope",
        # Nothing that is kept here is worth waiting for.
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}

SPOOL_DIR: Path = environment.data_dir / "spool"
# What people upload waits here until they have said what it is; it is no part of the archive.
UPLOAD_DIR: Path = environment.data_dir / "uploads"
# What one person's unfinished imports may hold; a single file may be as long as all of it.
UPLOAD_QUOTA_BYTES = environment.upload_quota_gb * 1024**3
UPLOAD_QUOTA_FILES = environment.upload_quota_files
# Bytes to keep free on a disk of so many bytes.
SPOOL_RESERVE = partial(reserve_bytes, environment.spool_reserve)
# What waits in quarantine for longer than this is pointed out.
QUARANTINE_NOTICE_DAYS = environment.quarantine_notice_days
# A study is settled when nothing arrived for this long (DESIGN 4.5).
STUDY_QUIET_SECONDS = 5 if environment.demo else 60
# A tier is an entry of STORAGES whose name starts with `tier-`; the first one written to is STORAGE_WRITE_TIER.
STORAGE_WRITE_TIER = "tier-online"
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    "tier-online": {
        "BACKEND": "imaging.storage.backends.FilesystemTier",
        "OPTIONS": {"location": environment.data_dir / "tiers" / "online"},
    },
}
# Where contents are to end besides: ordered in the transaction that keeps them, copied by `manage.py copier`.
STORAGE_COPY_TIERS: tuple[str, ...] = ()
STORAGE_COPY_THREADS = environment.object_store.threads
STORAGE_LOCAL_KEEP = environment.object_store.local_keep
if environment.object_store.endpoint:
    STORAGES["tier-s3"] = {
        "BACKEND": "imaging.storage.s3.S3Tier",
        "OPTIONS": environment.object_store.options(),
    }
    STORAGE_COPY_TIERS = ("tier-s3",)

DICOM_PORT = environment.dicom_port
DICOM_AE_TITLE = environment.dicom_ae_title
DICOM_PROCESSES = environment.dicom_processes
HL7_PORT = environment.hl7.port
HL7_TLS_CERT = environment.hl7.tls_cert
HL7_TLS_KEY = environment.hl7.tls_key
HL7_TLS_CLIENTS_CA = environment.hl7.clients_ca
LISTEN_ADDRESS = environment.listen_address
DECODER_SOCKET = environment.decoder_socket
CLAMD_SOCKET = environment.clamd_socket
# How many may store over the web, and store or upload, at the same time in one process: the other threads are for readers.
STORE_REQUESTS = max(1, environment.web_threads // 2)
# As many may take a download at the same time in one process: they count among those with a body on its way.
DOWNLOADS = STORE_REQUESTS
BODY_REQUESTS = max(1, environment.web_threads - max(2, environment.web_threads // 4))
