"""One delivery to a syslog server over TLS (RFC 5425), and the certainty that it was taken.

Syslog answers nothing. So each delivery is a connection of its own that is closed in order: only when the other side has
confirmed every byte and closed without a reset was the delivery taken.
"""

import contextlib
import fcntl
import socket
import ssl
import struct
import termios
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.conf import settings

from accounts.audit.models import AuditReceiver
from accounts.outbound import lines
from accounts.outbound.errors import OutboundError

#: Seconds for each step: connecting, shaking hands, sending, closing.
_STEP: Final = 10.0
_BLOCK: Final = 1 << 16
#: Linux, netinet/tcp.h: the connection was reset, or both sides have closed.
_TCP_CLOSE: Final = 7


class NotTaken(Exception):
    """The delivery may not have arrived. ``code`` says why, in one word for the admin."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def certificate_folder() -> Path:
    """Return the folder of the certificates with which the portal shows who it is to syslog servers."""
    return Path(settings.DATA_DIR) / "secrets" / "syslog"


def deliver(receiver: AuditReceiver, frames: Iterable[bytes]) -> None:
    """Deliver these frames. Raises :class:`NotTaken` unless all were taken; some may have been."""
    with _connected(receiver) as connection:
        try:
            block = bytearray()
            for frame in frames:
                block += frame
                if len(block) >= _BLOCK:
                    connection.sendall(block)
                    block.clear()
            connection.sendall(block)
            _close_in_order(connection)
        except NotTaken:
            raise
        except ssl.SSLError as error:
            raise NotTaken("not_trusted_by_receiver") from error
        except TimeoutError as error:
            raise NotTaken("took_too_long") from error
        except OSError as error:
            raise NotTaken("connection_lost") from error


def _connected(receiver: AuditReceiver) -> ssl.SSLSocket:
    own = certificate_folder() / receiver.own_certificate if receiver.own_certificate else None
    try:
        return lines.secured(
            receiver.host,
            receiver.port,
            networks=receiver.networks,
            certificates=receiver.certificates,
            own_certificate=own,
            step=_STEP,
        )
    except OutboundError as error:
        raise NotTaken(error.code) from error


def _close_in_order(connection: ssl.SSLSocket) -> None:
    """Say that nothing more comes, hear the same, and see every byte confirmed."""
    # Where it closes, or stays silent, without TLS's own farewell, what TCP knows decides.
    with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError, TimeoutError):
        connection.unwrap()
    until = time.monotonic() + _STEP
    while time.monotonic() < until:
        if _state(connection) == _TCP_CLOSE:
            raise NotTaken("connection_reset")
        if _unconfirmed(connection) == 0:
            return
        time.sleep(0.02)
    raise NotTaken("took_too_long")


def _unconfirmed(connection: ssl.SSLSocket) -> int:
    """Bytes that the other side's kernel has not confirmed (SIOCOUTQ)."""
    answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])


def _state(connection: ssl.SSLSocket) -> int:
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
