"""A connection to another system that speaks no HTTP: over TLS, or in the clear to a listed address, always one that was checked."""

import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

from accounts.outbound.errors import Failed, OutboundError
from accounts.outbound.services import checked_addresses, private_addresses, trust

Line = socket.socket


def secured(
    host: str,
    port: int,
    *,
    networks: Sequence[str],
    certificates: str = "",
    own_certificate: Path | None = None,
    step: float = 10.0,
) -> ssl.SSLSocket:
    """Connect over TLS to the first of the host's addresses that answers; ``step`` seconds for each step, also later ones.

    ``own_certificate`` is a PEM file with certificate and key. Raises ``Refused`` and ``Failed``, with the further codes
    ``own_certificate_unreadable`` and ``no_tls``.
    """
    try:
        context = trust(certificates)
        if own_certificate is not None:
            context.load_cert_chain(own_certificate)
    except (OSError, ssl.SSLError) as error:
        raise Failed("own_certificate_unreadable") from error
    last: OutboundError = Failed("no_connection")
    for address in checked_addresses(host, port, networks=networks, encrypted=True):
        try:
            plain = socket.create_connection((address, port), timeout=step)
        except OSError:
            continue
        try:
            return context.wrap_socket(plain, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            last = Failed("not_trusted")
            last.__cause__ = error
        except OSError as error:
            last = Failed("no_tls")
            last.__cause__ = error
        plain.close()
    raise last


def plain(host: str, port: int, *, networks: Sequence[str], step: float = 10.0) -> Line:
    """Connect in the clear to the first of the host's listed addresses that answers. Raises ``Refused`` and ``Failed``."""
    for address in private_addresses(host, port, networks=networks):
        try:
            return socket.create_connection((address, port), timeout=step)
        except OSError:
            continue
    raise Failed("no_connection")
