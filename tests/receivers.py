"""Another system that takes our messages: a real TLS server on loopback, which remembers what it was sent."""

import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone


@dataclass(frozen=True, slots=True)
class Message:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers with ``status`` (and what ``extra`` says), and keeps every message, with its body unless ``keeps`` is off.

    ``drips`` of its answer come as long as asked.
    """

    port: int
    certificate: str
    status: int = 204
    extra: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    drips: bool = False
    keeps: bool = True
    messages: list[Message] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"https://localhost:{self.port}/changes"


def certificate(host: str) -> tuple[bytes, bytes]:
    """Make a certificate of its own authority for a host; certificate and key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = timezone.now()
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), private


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A system beside the portal that listens by https."""
    chain, key = certificate("localhost")
    (tmp_path / "receiver.pem").write_bytes(chain + key)

    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.messages.append(
                Message(
                    self.path,
                    {name.lower(): value for name, value in self.headers.items()},
                    body if found.keeps else b"",
                )
            )
            while found.drips:
                try:
                    self.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                except OSError:
                    return
                done.wait(0.05)
            self.send_response(found.status)
            for name, value in found.extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "receiver.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Receiver(server.server_port, chain.decode())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    found.drips = False
    done.set()
    server.shutdown()
    thread.join()
    server.server_close()
