"""The HL7 listener: MLLP over TCP, or over TLS with or without certificates of the senders (HL-1).

One thread per connection: its messages are answered in their order. A connection that falls silent in the middle of a block,
or sends what is no HL7, is closed; nothing of it was acknowledged.
"""

import logging
import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django import db

from imaging.ehr import selectors, services
from imaging.ehr.hl7.framing import Blocks, NotFramed, framed

logger = logging.getLogger(__name__)

MAXIMUM_CONNECTIONS: Final = 64
#: The longest message: a report with its PDF (HL-1).
LONGEST: Final = 64 * 2**20
#: Seconds that a sender may rest between two messages, and within one.
IDLE: Final = 3600.0
SILENCE: Final = 30.0
_CHUNK: Final = 64 * 1024
_HANDSHAKE: Final = 10.0


class PortTaken(Exception):
    """Another program listens there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificate and key of ours; with ``clients_ca`` only senders with a certificate of that authority get through."""

    certificate: Path
    key: Path
    clients_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 at least (BCP 195)."""
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        made.load_cert_chain(self.certificate, self.key)
        if self.clients_ca is not None:
            made.load_verify_locations(self.clients_ca)
            made.verify_mode = ssl.CERT_REQUIRED
        return made


class _Connection(socketserver.BaseRequestHandler):
    """Reads blocks and answers each before the next is looked at."""

    server: "Server"

    def handle(self) -> None:
        """Serve one sender until it leaves."""
        address = _address(self.client_address)
        try:
            if not selectors.is_expected(address):
                logger.warning("A connection from %s was closed: no active HL7 system may call from there.", address)
                return
            with self.server.secured(self.request) as connection:
                self._serve(connection, address)
        except db.Error:
            logger.warning("A connection from %s was closed: the database does not answer.", address)
        except NotFramed as error:
            logger.warning("The connection of %s was closed: %s.", address, error)
        except (OSError, ssl.SSLError) as error:
            logger.info("The connection of %s ended: %s.", address, type(error).__name__)
        finally:
            db.connections.close_all()

    def _serve(self, connection: socket.socket, address: str) -> None:
        blocks = Blocks(self.server.longest)
        while not self.server.is_stopping.is_set():
            connection.settimeout(self.server.silence if blocks.is_within else IDLE)
            data = connection.recv(_CHUNK)
            if not data:
                return
            whole = blocks.feed(data)
            while whole:
                # As at the end of a request: what met a database that went away does not meet it again.
                db.close_old_connections()
                # Taken out of the list: a report of twenty megabytes is not held while the next one comes.
                for answer in services.receive(whole.pop(0), address):
                    connection.sendall(framed(answer))


class Server(socketserver.ThreadingTCPServer):
    """Accepts connections; more than so many at once are turned away."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(
        self, address: str, port: int, *, tls: Tls | None = None, longest: int = LONGEST, silence: float = SILENCE
    ) -> None:
        """Bind and listen. Raises ``PortTaken`` with a sentence."""
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.longest, self.silence = longest, silence
        self.is_stopping = threading.Event()
        self._tls = tls.context() if tls else None
        self._open: set[socket.socket] = set()
        self._at_work = threading.Lock()
        try:
            super().__init__((address, port), _Connection)
        except OSError as error:
            raise PortTaken(f"The HL7 port {port} on {address} cannot be used: {error.strerror}.") from error

    def secured(self, connection: socket.socket) -> socket.socket:
        """The connection, with TLS where it is asked for."""
        if self._tls is None:
            return connection
        connection.settimeout(_HANDSHAKE)
        return self._tls.wrap_socket(connection, server_side=True)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Turn away what is too much, before a byte is read."""
        address = _address(client_address)
        if len(self._open) >= MAXIMUM_CONNECTIONS:
            logger.warning("A connection from %s was turned away: %d are open.", address, len(self._open))
            return False
        return True

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count the connection, then serve it in a thread."""
        with self._at_work:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Count it no more."""
        with self._at_work:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log without a traceback that quotes a message."""
        logger.error("A connection from %s could not be served.", _address(client_address))

    def stop(self) -> None:
        """Take no more connections or messages; what is being applied is answered by its own thread."""
        self.is_stopping.set()
        self.shutdown()
        self.server_close()


def _address(client_address: Any) -> str:
    """The sender's address; an IPv4 one that came by IPv6 as itself."""
    found = str(client_address[0])
    return found.removeprefix("::ffff:") if "." in found else found
