"""Calling a peer: the address that is checked is the one that is called, and why a call comes to nothing is told apart.

Who calls decides whom: this checks only that the address is one that a device could have.
"""

import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity as LocalEntity
from pynetdicom.presentation import build_context

from accounts.outbound import services as outbound
from imaging.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

#: PS3.8 section 9.3.4: source 1 (service user), reasons 3 and 7.
_UNKNOWN_CALLING: Final = (1, 3)
_UNKNOWN_CALLED: Final = (1, 7)
_PLAIN_SYNTAXES: Final = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"]
#: PS3.8 section 9.3.4: a result that may be another one later.
_TRANSIENT: Final = 2


class Heard(StrEnum):
    """How a peer answered."""

    ANSWERED = "answered"
    NO_SUCH_HOST = "no_such_host"
    NOT_ALLOWED = "address_not_allowed"
    NO_CONNECTION = "no_connection"
    NO_TLS = "no_tls"
    NO_DICOM = "no_dicom"
    OUR_TITLE_UNKNOWN = "our_title_unknown"
    ITS_TITLE_UNKNOWN = "its_title_unknown"
    REJECTED = "rejected"
    BUSY = "busy"
    NO_VERIFICATION = "no_verification"
    WRONG_ANSWER = "wrong_answer"


class NotHeard(Exception):
    """There is no association; why, as a peer's answer."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(heard.value)
        self.heard = heard


def resolved(host: str, port: int) -> str:
    """Return the address to call, resolved once so that what was checked is what is called. Raises :class:`NotHeard`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotHeard(Heard.NO_SUCH_HOST) from None
    address = str(found[0][4][0])
    plain = ipaddress.ip_address(address.partition("%")[0])
    plain = getattr(plain, "ipv4_mapped", None) or plain
    # The addresses of a cloud's own services are link-local; no device of a hospital lives there.
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
        raise NotHeard(Heard.NOT_ALLOWED)
    return address


def called(
    host: str,
    port: int,
    *,
    called_ae_title: str,
    calling_ae_title: str,
    contexts: Iterable[tuple[str, list[str] | None]],
    patience: float,
    answer_within: float | None = None,
    certificates: str | None = None,
) -> Any:
    """Return an association with a peer. Raises :class:`NotHeard`.

    ``contexts`` are abstract syntaxes with their transfer syntaxes (None: the plain ones). ``patience`` in seconds, for each
    step; ``answer_within`` for an answer to a message. With ``certificates`` (PEM, may be empty) it is called over TLS.
    """
    address = resolved(host, port)
    if not _is_open(address, port, patience):
        raise NotHeard(Heard.NO_CONNECTION)
    entity = LocalEntity(calling_ae_title)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.connection_timeout = entity.acse_timeout = patience
    entity.dimse_timeout = entity.network_timeout = answer_within or patience
    # One context for each pair: in one of several transfer syntaxes the peer would choose, and could choose once only.
    entity.requested_contexts = [
        build_context(abstract, syntaxes or _PLAIN_SYNTAXES) for abstract, syntaxes in contexts
    ]
    connected: list[bool] = []

    def connect(event: Any) -> None:
        connected.append(True)
        # An object ends with a small piece, which would wait for the peer's delayed acknowledgement of the one before.
        _set(event, socket.TCP_NODELAY)

    # Many peers write an answer in two pieces, and wait with the second until the first is acknowledged: 40 ms an object.
    handlers = [(evt.EVT_CONN_OPEN, connect), (evt.EVT_DATA_SENT, lambda event: _set(event, socket.TCP_QUICKACK))]
    tls: Any = {} if certificates is None else {"tls_args": (outbound.trust(certificates), host)}
    association: Any = entity.associate(address, port, ae_title=called_ae_title, evt_handlers=handlers, **tls)  # type: ignore[arg-type]
    if not association.is_established:
        if not connected:
            raise NotHeard(Heard.NO_TLS if tls else Heard.NO_CONNECTION)
        raise NotHeard(_why(association))
    return association


def _set(event: Any, option: int) -> None:
    """Set an option of TCP on the connection of an association; one that has gone needs none."""
    with contextlib.suppress(OSError, AttributeError):
        event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, option, 1)


def _is_open(address: str, port: int, patience: float) -> bool:
    """Whether anything listens there. The library leaves its own socket open when it cannot connect."""
    try:
        socket.create_connection((address, port), timeout=patience).close()
    except OSError:
        return False
    return True


def _why(association: Any) -> Heard:
    answer = association.acceptor.primitive
    if not association.is_rejected:
        return Heard.NO_VERIFICATION if answer is not None and answer.result == 0 else Heard.NO_DICOM
    told = (answer.result_source, answer.diagnostic)
    if told == _UNKNOWN_CALLING:
        return Heard.OUR_TITLE_UNKNOWN
    if told == _UNKNOWN_CALLED:
        return Heard.ITS_TITLE_UNKNOWN
    return Heard.BUSY if answer.result == _TRANSIENT else Heard.REJECTED
