"""The environment variables of a deployment, read once, checked, and frozen.

Everything that needs a restart to change is here; everything else is a row in the database. Names and defaults are a
contract (`docs/install.md` lists them). `.env` in the project folder is read as well; a variable of the process wins over it.
"""

import ipaddress
import os
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict
from urllib.parse import urlsplit

from portal import directory, embedded, hl7, mail, object_store, secret_variables
from portal.embedded import paths
from portal.variables import (
    BASE_DIR,
    Misconfigured,
    Reader,
    read_env_file,
    reserve_bytes,
)

__all__ = ["Environment", "Misconfigured", "environment", "read", "reserve_bytes"]

Mode = Literal["demo", "production"]

#: Set by the supervisor for the processes that serve: they get their variables from it alone and never see the
#: owner's address.
SERVING_VARIABLE = "PORTAL_SERVING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What the variables say. Paths are absolute; an optional text that is not set is empty."""

    mode: Mode
    #: True in the processes that `serve` starts: they hold no owner's address.
    serving: bool
    data_dir: Path
    time_zone: str
    #: PORTAL_PORT: the web server's TCP port.
    portal_port: int
    #: DICOM_PORT and DICOM_AE_TITLE: the DICOM listener.
    dicom_port: int
    dicom_ae_title: str
    hl7: hl7.Hl7
    #: SPOOL_RESERVE as written: a share of the disk ("5%") or a size ("20G"); see `reserve_bytes`.
    spool_reserve: str
    secret_key: str = field(repr=False)
    #: Without a slash at the end; "http://localhost:8000" in demo mode.
    public_url: str
    listen_address: str
    #: The application's role. The embedded server's address where DATABASE_URL is not set (demo only).
    database_url: str = field(repr=False)
    #: The owner's role, for migrations and partitions. None in the processes that serve.
    database_owner_url: str | None = field(repr=False)
    #: True: `serve` runs the embedded PostgreSQL (DATABASE_URL is not set).
    database_embedded: bool
    broker_url: str = field(repr=False)
    #: True: `serve` runs the embedded Redis (BROKER_URL is not set).
    broker_embedded: bool
    #: CACHE_URL, or the broker where that is a Redis (redis-py's spelling: a socket is unix://…).
    cache_url: str = field(repr=False)
    tls_cert: Path | None
    tls_key: Path | None
    #: Addresses or networks of the front servers whose X-Forwarded-* are believed.
    trusted_proxies: tuple[str, ...]
    #: EMAIL_URL taken apart ("smtp://user:password@host:587" with STARTTLS, "smtps://…:465"); where it is not set
    #: (demo), mail is written to DATA_DIR/mail.
    mail: mail.Mail
    #: STORAGE_S3_* and STORAGE_LOCAL_KEEP: where contents are copied to, and what stays here besides.
    object_store: object_store.ObjectStore
    directory: directory.Directory
    demo_password: str = field(repr=False)
    #: BREACHED_PASSWORDS_FILE: digests of passwords that leaked elsewhere, one a line, in order; None: not looked up.
    breached_passwords_file: Path | None
    allowed_hosts: tuple[str, ...]
    secure_cookies: bool
    #: Folders of other binaries, or None for those of the wheels.
    postgres_bin: Path | None
    redis_bin: Path | None
    #: Where the decoder pool listens.
    decoder_socket: Path
    #: Where a virus scanner (clamd) listens; None without one.
    clamd_socket: Path | None
    web_workers: int
    web_threads: int
    short_workers: int
    long_workers: int
    dicom_processes: int
    #: UPLOAD_QUOTA_GB and UPLOAD_QUOTA_FILES: what one person's unfinished imports may hold.
    upload_quota_gb: int
    upload_quota_files: int
    #: QUARANTINE_NOTICE_DAYS: what waits in quarantine for longer is pointed out, by mail too.
    quarantine_notice_days: int
    #: API_READS_PER_MINUTE and API_WRITES_PER_MINUTE: requests of one person or machine at the REST API.
    api_reads_per_minute: int
    api_writes_per_minute: int
    #: /metrics answers to this token or to these addresses, and to nobody when both are empty.
    metrics_token: str = field(repr=False)
    metrics_addresses: tuple[str, ...]

    @property
    def demo(self) -> bool:
        """Whether this is the demo hospital: loopback only, sample people, no real data."""
        return self.mode == "demo"

    @property
    def tls(self) -> bool:
        """Whether our own web server speaks TLS."""
        return self.tls_cert is not None and self.tls_key is not None

    @property
    def spool_dir(self) -> Path:
        """Where objects wait for registration (the write-ahead log of ingest)."""
        return self.data_dir / "spool"

    @property
    def run_dir(self) -> Path:
        """Locks, state files, and sockets where the path is short enough."""
        return self.data_dir / "run"

    @property
    def log_dir(self) -> Path:
        """The log files of `serve`."""
        return self.data_dir / "log"


def _mode(reader: Reader) -> Mode:
    mode = reader.text("PORTAL_MODE", "production")
    if mode == "demo":
        return "demo"
    if mode != "production":
        reader.sentences.append(f"PORTAL_MODE={mode!r} is neither demo nor production.")
    return "production"


def _secret_key(reader: Reader, mode: Mode, data_dir: Path) -> str:
    if reader.text("SECRET_KEY_FILE"):
        key = reader.secret_file("SECRET_KEY_FILE")
        if key and len(key) < 50:
            reader.sentences.append(
                "The key in SECRET_KEY_FILE is too short: it needs 50 characters or more, such as `openssl rand"
                " -base64 48` gives."
            )
        elif key and secret_variables.is_sample(key):
            reader.sentences.append(
                "The key in SECRET_KEY_FILE is an example's, or no random one: make one with `openssl rand -base64 48`."
            )
        return key
    if mode == "demo":
        return embedded.secret(data_dir, "secret_key")
    return reader.required(
        "SECRET_KEY_FILE",
        "a file with the secret key that signs sessions, readable by this account only",
    )


def _public_url(reader: Reader, mode: Mode, port: int) -> str:
    if mode == "demo":
        return f"http://localhost:{port}"
    url = reader.required(
        "PUBLIC_URL",
        "the address that people type, such as https://imaging.example.org",
    ).rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme != "https" or not parts.hostname or parts.path or parts.query):
        reader.sentences.append(
            f"PUBLIC_URL={url!r} must be https:// and a host name, without a path: production refuses plain http."
        )
    return url


def _listen_address(reader: Reader, mode: Mode) -> str:
    if mode == "demo":
        # Never LISTEN_ADDRESS: accounts with a known password stay on this machine.
        return "127.0.0.1"
    return reader.required(
        "LISTEN_ADDRESS",
        "the network address to listen on, such as 10.0.0.5, or 0.0.0.0 for all",
    )


def _database(reader: Reader, mode: Mode, data_dir: Path) -> tuple[str, str | None]:
    serving = bool(reader.text(SERVING_VARIABLE))
    url = reader.text("DATABASE_URL")
    owner = reader.text("DATABASE_OWNER_URL")
    if mode == "demo" and not url:
        url, owner = embedded.database_urls(data_dir)
    elif mode == "production":
        reader.required(
            "DATABASE_URL",
            "the address of the database for the application's role, postgresql://user:password@host/name",
        )
        if not serving:
            reader.required(
                "DATABASE_OWNER_URL",
                "the address of the same database for the role that owns it (used for migrations only)",
            )
        if url and url == owner:
            reader.sentences.append(
                "DATABASE_OWNER_URL is the same as DATABASE_URL: the application's role must not own the database."
            )
    if mode == "production":
        secret_variables.refuse_samples(reader, DATABASE_URL=url, DATABASE_OWNER_URL=owner)
    return url, None if serving else owner or None


def _broker(reader: Reader, mode: Mode, data_dir: Path) -> str:
    if mode == "demo":
        return reader.text("BROKER_URL") or embedded.broker_url(data_dir)
    return reader.required("BROKER_URL", "the address of Redis, such as redis://127.0.0.1:6379/0")


def _cache(reader: Reader, mode: Mode, data_dir: Path) -> str:
    broker = reader.text("BROKER_URL")
    url = reader.text("CACHE_URL") or (broker if broker.startswith(("redis://", "rediss://", "unix://")) else "")
    if not url and mode == "demo" and not broker:
        return embedded.redis_url(data_dir)
    if not url and broker:
        reader.sentences.append(
            "CACHE_URL is not set: BROKER_URL is not a Redis, and the cache needs one, such as"
            " redis://127.0.0.1:6379/1."
        )
    return url


def _tls(reader: Reader, mode: Mode) -> tuple[Path | None, Path | None]:
    if mode == "demo":
        return None, None
    cert, key = reader.path("TLS_CERT"), reader.path("TLS_KEY")
    if (cert is None) != (key is None):
        reader.sentences.append(
            "TLS_CERT and TLS_KEY go together: set both, or neither behind a front server named in TRUSTED_PROXIES."
        )
    elif cert is None and not reader.items("TRUSTED_PROXIES"):
        reader.sentences.append(
            "TLS_CERT and TLS_KEY are not set: production needs them, or TRUSTED_PROXIES with the addresses of the"
            " front server that speaks TLS."
        )
    for name, path in (("TLS_CERT", cert), ("TLS_KEY", key)):
        if path is not None and not os.access(path, os.R_OK):
            reader.sentences.append(f"{name} names {path}, which cannot be read.")
    return cert, key


def _time_zone(reader: Reader) -> str:
    name = reader.text("TIME_ZONE", "UTC")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        reader.sentences.append(f"TIME_ZONE={name!r} is not a time zone such as Europe/Paris.")
    return name


def _networks(reader: Reader, name: str) -> tuple[str, ...]:
    items = reader.items(name)
    for item in items:
        try:
            ipaddress.ip_network(item, strict=False)
        except ValueError:
            reader.sentences.append(f"{name} has {item!r}, which is neither an address nor a network.")
    return items


def _allowed_hosts(reader: Reader, mode: Mode, public_url: str) -> tuple[str, ...]:
    if mode == "demo":
        return ("localhost", "127.0.0.1", "[::1]")
    host = urlsplit(public_url).hostname
    return tuple(dict.fromkeys([*([host] if host else []), *reader.items("ALLOWED_HOSTS")]))


def _spool_reserve(reader: Reader) -> str:
    reserve = reader.text("SPOOL_RESERVE", "5%")
    try:
        reserve_bytes(reserve, 1)
    except ValueError:
        reader.sentences.append(
            f"SPOOL_RESERVE={reserve!r} is neither a share of the disk such as 5% nor a size such as 20G."
        )
    return reserve


def _ae_title(reader: Reader) -> str:
    title = reader.text("DICOM_AE_TITLE", "NEGATOSCOPE")
    if len(title) > 16 or not title.isascii() or not title.isprintable() or "\\" in title:
        reader.sentences.append(
            f"DICOM_AE_TITLE={title!r} must have 1 to 16 plain characters without a backslash (PS3.5 section 6.2)."
        )
    return title


class _Processes(TypedDict):
    web_workers: int
    web_threads: int
    short_workers: int
    long_workers: int
    dicom_processes: int


def _processes(reader: Reader) -> _Processes:
    cores = min(os.cpu_count() or 2, 8)
    return {
        "web_workers": reader.number("WEB_WORKERS", max(2, cores), 1, 256),
        "web_threads": reader.number("WEB_THREADS", 8, 1, 256),
        "short_workers": reader.number("SHORT_WORKERS", max(2, cores), 1, 256),
        "long_workers": reader.number("LONG_WORKERS", max(1, cores // 2), 1, 256),
        "dicom_processes": reader.number("DICOM_PROCESSES", cores, 1, 64),
    }


class _Limits(TypedDict):
    breached_passwords_file: Path | None
    upload_quota_gb: int
    upload_quota_files: int
    quarantine_notice_days: int
    api_reads_per_minute: int
    api_writes_per_minute: int


def _limits(reader: Reader) -> _Limits:
    return {
        "breached_passwords_file": reader.readable("BREACHED_PASSWORDS_FILE"),
        "upload_quota_gb": reader.number("UPLOAD_QUOTA_GB", 100, 1, 100_000),
        "upload_quota_files": reader.number("UPLOAD_QUOTA_FILES", 100_000, 1, 10_000_000),
        "quarantine_notice_days": reader.number("QUARANTINE_NOTICE_DAYS", 3, 1, 365),
        "api_reads_per_minute": reader.number("API_READS_PER_MINUTE", 1200, 1, 1_000_000),
        "api_writes_per_minute": reader.number("API_WRITES_PER_MINUTE", 600, 1, 1_000_000),
    }


def _hint(reader: Reader) -> list[str]:
    if reader.text("PORTAL_MODE"):
        return []
    return ["PORTAL_MODE is not set, so this is production; `make run` starts the demo."]


def read(variables: Mapping[str, str]) -> Environment:
    """The environment that these variables describe. Raises Misconfigured with a sentence for each thing that is wrong."""
    reader = Reader(variables)
    mode = _mode(reader)
    data_dir = reader.path("DATA_DIR") or BASE_DIR / "var"
    public_url = _public_url(reader, mode, portal_port := reader.port("PORTAL_PORT", 8000))
    database_url, database_owner_url = _database(reader, mode, data_dir)
    tls_cert, tls_key = _tls(reader, mode)
    environment = Environment(
        mode=mode,
        serving=bool(reader.text(SERVING_VARIABLE)),
        time_zone=_time_zone(reader),
        data_dir=data_dir,
        portal_port=portal_port,
        dicom_port=reader.port("DICOM_PORT", 11112),
        dicom_ae_title=_ae_title(reader),
        hl7=hl7.read(reader),
        spool_reserve=_spool_reserve(reader),
        secret_key=_secret_key(reader, mode, data_dir),
        public_url=public_url,
        listen_address=_listen_address(reader, mode),
        database_url=database_url,
        database_owner_url=database_owner_url,
        database_embedded=mode == "demo" and not reader.text("DATABASE_URL"),
        broker_url=_broker(reader, mode, data_dir),
        broker_embedded=mode == "demo" and not reader.text("BROKER_URL"),
        cache_url=_cache(reader, mode, data_dir),
        tls_cert=tls_cert,
        tls_key=tls_key,
        trusted_proxies=() if mode == "demo" else _networks(reader, "TRUSTED_PROXIES"),
        mail=mail.read(reader, needed=mode == "production", folder=data_dir / "mail", public_url=public_url),
        object_store=object_store.read(reader, demo=mode == "demo"),
        directory=directory.read(reader, demo=mode == "demo"),
        demo_password=reader.text("DEMO_PASSWORD", "negatoscope-demo"),
        allowed_hosts=_allowed_hosts(reader, mode, public_url),
        secure_cookies=mode != "demo",
        postgres_bin=reader.path("POSTGRES_BIN"),
        redis_bin=reader.path("REDIS_BIN"),
        decoder_socket=reader.path("DECODER_SOCKET") or paths.socket(data_dir, "decoder.sock"),
        clamd_socket=reader.path("CLAMD_SOCKET"),
        **_processes(reader),
        **_limits(reader),
        metrics_token=reader.secret_file("METRICS_TOKEN_FILE"),
        metrics_addresses=_networks(reader, "METRICS_ADDRESSES"),
    )
    if reader.sentences:
        raise Misconfigured([*reader.sentences, *_hint(reader)])
    return environment


def variables_of_process() -> dict[str, str]:
    """The process's variables over those of `.env`, or of the file that ENV_FILE names (empty: none is read)."""
    if SERVING_VARIABLE in os.environ:
        return dict(os.environ)
    name = os.environ.get("ENV_FILE", ".env")
    return secret_variables.with_secrets({**(read_env_file(BASE_DIR / name) if name else {}), **os.environ})


environment = read(variables_of_process())
