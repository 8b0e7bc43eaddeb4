"""A real syslog server (Debian's rsyslog, with TLS by GnuTLS) that runs as whoever runs the tests, and its certificates."""

import datetime as dt
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.utils import timezone

_PATIENCE = 20.0
_DAY = dt.timedelta(days=1)


class Authority:
    """A hospital's own authority, and the certificates that it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Hospital authority")])
        now = timezone.now()
        signs = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = (
            x509.CertificateBuilder(self._name, self._name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(signs, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )
        self._certificate = made.sign(self._key, hashes.SHA256())

    @property
    def pem(self) -> str:
        """The authority's own certificate."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def signed(self, name: str) -> tuple[str, str]:
        """A certificate for this host, for both ends of a connection, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = timezone.now()
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            x509.CertificateBuilder(self._name, own, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(uses, critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


@dataclass(frozen=True, slots=True)
class SyslogServer:
    """Where it listens, and the file that it writes."""

    port: int
    written: Path

    def messages(self, count: int) -> list[bytes]:
        """The messages that have come, one a line; waits until there are so many."""
        until = time.monotonic() + _PATIENCE
        while True:
            lines = self.written.read_bytes().splitlines() if self.written.exists() else []
            if len(lines) >= count or time.monotonic() > until:
                return lines
            time.sleep(0.05)


_CONFIGURATION = """
global(
    workDirectory="{folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off"
    defaultNetstreamDriver="gtls"
    defaultNetstreamDriverCAFile="{folder}/ca.pem"
    defaultNetstreamDriverCertFile="{folder}/server.pem"
    defaultNetstreamDriverKeyFile="{folder}/server.key"
)
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="{asks}")
template(name="whole" type="string" string="%rawmsg%\\n")
ruleset(name="keep") {{ action(type="omfile" file="{folder}/messages" template="whole") }}
input(type="imtcp" port="{port}" ruleset="keep" maxFrameSize="200000")
"""


@contextmanager
def rsyslog(
    program: str, folder: Path, authority: Authority, *, port: int, is_mutual: bool = False
) -> Iterator[SyslogServer]:
    """Run the server on loopback until the block ends. What it has written stays in the folder."""
    folder.mkdir(exist_ok=True)
    certificate, key = authority.signed("localhost")
    for name, text in (("ca.pem", authority.pem), ("server.pem", certificate), ("server.key", key)):
        (folder / name).write_text(text)
    asks = "x509/certvalid" if is_mutual else "anon"
    (folder / "rsyslog.conf").write_text(_CONFIGURATION.format(folder=folder, port=port, asks=asks))
    command = [program, "-n", "-f", str(folder / "rsyslog.conf"), "-i", str(folder / "rsyslog.pid")]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _await(port, folder / "log", process)
        yield SyslogServer(port, folder / "messages")
    finally:
        process.terminate()
        process.wait(_PATIENCE)


def _await(port: int, log: Path, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"rsyslog does not listen: {log.read_text(errors='replace')[-2000:]}")


def uuids_of(messages: list[bytes]) -> list[str]:
    """The base64 of each message's EventUUID, in the order in which they came."""
    return [re.search(rb'type="EventUUID" value="([^"]+)"', line).group(1).decode() for line in messages]  # type: ignore[union-attr]
