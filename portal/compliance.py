"""The server itself: secrets and who reads them, what listens where, the database's role, the clock."""

import ipaddress
import os
import stat
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.compliance.registry import Answer, Area, attention, check, met, not_asked, not_met
from portal.environment import environment, variables_of_process
from portal.secret_variables import SECRET_FILES
from portal.variables import BASE_DIR, who_else_reads

#: Seconds by which the clocks of two machines may differ before moments in the audit cannot be put in order.
_APART: Final = 2.0


@check(
    "host.secret-files",
    area=Area.HOST,
    title=gettext_lazy("Secrets are read by the portal's account alone"),
    requirements=("ASVS 13.3.1", "ASVS 13.3.2"),
)
def secret_files() -> Answer:
    """Whether files with secrets, and the folder of data, are closed to other accounts."""
    variables = variables_of_process()
    named = {name: Path(variables[name]) for name in (*SECRET_FILES, "TLS_KEY") if variables.get(name)}
    wanted = {**named, "DATA_DIR": settings.DATA_DIR, "DATA_DIR/secrets": settings.DATA_DIR / "secrets"}
    # An empty name says that no such file is read.
    if env_file := os.environ.get("ENV_FILE", ".env"):
        wanted[".env"] = BASE_DIR / env_file
    open_ones = [name for name, path in wanted.items() if path.exists() and _is_open(path, name)]
    if open_ones:
        return not_met(
            _("Other accounts of this machine can read: %(names)s.") % {"names": ", ".join(sorted(open_ones))},
            _("chmod 600 the files and 700 the folders, and change the secrets that somebody may have read."),
        )
    return met(_("Files with secrets are closed to every other account of this machine."))


def _is_open(path: Path, name: str) -> bool:
    mode = path.stat().st_mode
    if name == "DATA_DIR":
        # Its parts are closed one by one; that others write into it would undo that.
        return bool(mode & (stat.S_IWGRP | stat.S_IWOTH)) and not mode & stat.S_ISVTX
    return bool(who_else_reads(path))


@check(
    "host.addresses",
    area=Area.HOST,
    title=gettext_lazy("The portal listens where it is meant to"),
    requirements=("SE-10", "ISO 27001 A.8.20"),
)
def addresses() -> Answer:
    """Whether a listener is open to every network of the machine."""
    if environment.demo:
        return met(_("The demo listens on this machine alone."))
    try:
        address = ipaddress.ip_address(environment.listen_address)
    except ValueError:
        return met(_("The portal listens on %(address)s.") % {"address": environment.listen_address})
    if address.is_unspecified:
        return attention(
            _("The portal listens on every network of this machine, its DICOM port too."),
            _("Name one address in LISTEN_ADDRESS, or see that a firewall lets in the hospital's networks alone."),
        )
    if address.is_global:
        return not_met(
            _("The portal, and its DICOM port, listen on an address of the Internet."),
            _("Listen on an address of the hospital's network, behind a front server: docs/install.md."),
        )
    return met(_("The portal listens on %(address)s.") % {"address": address})


@check(
    "host.front-server",
    area=Area.HOST,
    title=gettext_lazy("Only a named front server says who came"),
    requirements=("ASVS 4.1.3",),
)
def front_server() -> Answer:
    """Whether few addresses are believed about who the client is."""
    wide = [
        network
        for network in settings.TRUSTED_PROXIES
        if ipaddress.ip_network(network, strict=False).num_addresses > 256
    ]
    if wide:
        return attention(
            _("More than 256 addresses may say where a request comes from: %(names)s.") % {"names": ", ".join(wide)},
            _("Name the front servers one by one in TRUSTED_PROXIES."),
        )
    return met(_("What is said about a client's address is believed of the named front servers alone."))


@check(
    "host.database-role",
    area=Area.HOST,
    title=gettext_lazy("The portal's role in the database is a plain one"),
    requirements=("ASVS 13.2.2", "HIPAA 164.312(a)(1)"),
)
def database_role() -> Answer:
    """Whether the application's role is above rights, or may make roles and databases."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication"
            " FROM pg_roles WHERE rolname = current_user"
        )
        row = cursor.fetchone()
    if row is None or row[0]:
        return not_met(
            _("The portal is connected to the database as a role with powers of an administrator."),
            _("Connect as the application's role that docs/install.md makes."),
        )
    return met(_("The portal's role can neither make roles nor pass over rights."))


@check(
    "host.database-transport",
    area=Area.HOST,
    title=gettext_lazy("What leaves this machine for the database is encrypted"),
    requirements=("ASVS 12.3.1", "SE-14"),
)
def database_transport() -> Answer:
    """Whether the connection to a database on another machine uses TLS."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inet_client_addr() IS NULL OR host(inet_client_addr()) IN ('127.0.0.1', '::1'),"
            " COALESCE((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)"
        )
        is_local, is_encrypted = cursor.fetchone()
    if is_local:
        return met(_("The database is on this machine."))
    if not is_encrypted:
        return not_met(
            _("The connection to the database is not encrypted."),
            _("Add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL."),
        )
    if settings.DATABASES["default"]["OPTIONS"].get("sslmode") != "verify-full":
        return attention(
            _("The connection to the database is encrypted, and the database's name is not checked."),
            _("Add ?sslmode=verify-full&sslrootcert=… to DATABASE_URL."),
        )
    return met(_("The connection to the database is encrypted, and its name is checked."))


@check(
    "host.broker-transport",
    area=Area.HOST,
    title=gettext_lazy("What leaves this machine for the broker is encrypted"),
    requirements=("ASVS 12.3.1", "SE-14"),
)
def broker_transport() -> Answer:
    """Whether broker and cache on other machines are reached by TLS and with a password."""
    bare = [
        name
        for name, url in (("BROKER_URL", environment.broker_url), ("CACHE_URL", environment.cache_url))
        if not _is_local(url) and (urlsplit(url).scheme not in {"rediss", "amqps"} or not urlsplit(url).password)
    ]
    if bare:
        return not_met(
            _("Reached without encryption or password: %(names)s.") % {"names": ", ".join(bare)},
            _("Use rediss:// or amqps:// with a password."),
        )
    return met(_("Broker and cache are on this machine, or reached over TLS with a password."))


def _is_local(url: str) -> bool:
    parts = urlsplit(url)
    if "unix" in parts.scheme or "socket" in parts.scheme or not parts.hostname:
        return True
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"


@check(
    "host.mail-transport",
    area=Area.HOST,
    title=gettext_lazy("Mail leaves encrypted"),
    requirements=("ASVS 12.3.1",),
)
def mail_transport() -> Answer:
    """Whether mail is handed over with TLS."""
    if environment.demo:
        return not_asked(_("The demo writes its mail to a folder."))
    if not (environment.mail.use_tls or environment.mail.use_ssl) and environment.mail.host not in {
        "localhost",
        "127.0.0.1",
    }:
        return attention(
            _("Mail is handed over without encryption."), _("Use smtps://, or smtp:// with STARTTLS, in EMAIL_URL.")
        )
    return met(_("Mail is handed over encrypted, or to this machine."))


@check(
    "host.clock",
    area=Area.HOST,
    title=gettext_lazy("Clocks agree"),
    requirements=("ASVS 16.2.2", "IHE CT", "ISO 27001 A.8.17"),
)
def clock() -> Answer:
    """How far this machine's clock and the database's are apart."""
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    apart = abs((theirs - before).total_seconds())
    if apart > _APART:
        return not_met(
            _("The clocks of this machine and of the database are %(count).1f seconds apart.") % {"count": apart},
            _("Have both follow the hospital's time server."),
        )
    return met(_("The clocks of this machine and of the database agree."))
