"""Asking a peer whether it hears us: one C-ECHO as SCU (PS3.7 section 9.1.5, PS3.4 annex A), with an answer in words.

Who calls decides whom: this checks only that the address is one that a device could have.
"""

import ipaddress
import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pynetdicom import evt
from pynetdicom.ae import ApplicationEntity as LocalEntity

from imaging.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from imaging.dimse.contexts import VERIFICATION

#: Seconds for each step: connecting, the association, the answer. A person waits for all of them.
PATIENCE: Final = 5.0
_SUCCESS: Final = 0x0000
#: PS3.8 section 9.3.4: source 1 (service user), reasons 3 and 7.
_UNKNOWN_CALLING: Final = (1, 3)
_UNKNOWN_CALLED: Final = (1, 7)


class Heard(StrEnum):
    """How a peer answered."""

    ANSWERED = "answered"
    NO_SUCH_HOST = "no_such_host"
    NOT_ALLOWED = "address_not_allowed"
    NO_CONNECTION = "no_connection"
    NO_DICOM = "no_dicom"
    OUR_TITLE_UNKNOWN = "our_title_unknown"
    ITS_TITLE_UNKNOWN = "its_title_unknown"
    REJECTED = "rejected"
    NO_VERIFICATION = "no_verification"
    WRONG_ANSWER = "wrong_answer"


@dataclass(frozen=True, slots=True)
class Echo:
    """The answer, how long it took in all in milliseconds, and the address that was called."""

    heard: Heard
    milliseconds: int
    address: str = ""


def echo(host: str, port: int, *, called_ae_title: str, calling_ae_title: str, patience: float = PATIENCE) -> Echo:
    """Send one C-ECHO. Never raises for what the network or the peer does: that is the answer."""
    started = time.monotonic()
    address, heard = _resolved(host, port)
    if heard is None and not _is_open(address, port, patience):
        heard = Heard.NO_CONNECTION
    if heard is None:
        heard = _asked(address, port, called_ae_title, calling_ae_title, patience)
    return Echo(heard, round((time.monotonic() - started) * 1000), address)


def _resolved(host: str, port: int) -> tuple[str, Heard | None]:
    """Return the address to call, resolved once so that what was checked is what is called."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "", Heard.NO_SUCH_HOST
    address = str(found[0][4][0])
    plain = ipaddress.ip_address(address.partition("%")[0])
    plain = getattr(plain, "ipv4_mapped", None) or plain
    # The addresses of a cloud's own services are link-local; no device of a hospital lives there.
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified:
        return address, Heard.NOT_ALLOWED
    return address, None


def _is_open(address: str, port: int, patience: float) -> bool:
    """Whether anything listens there. The library leaves its own socket open when it cannot connect."""
    try:
        socket.create_connection((address, port), timeout=patience).close()
    except OSError:
        return False
    return True


def _asked(address: str, port: int, called: str, calling: str, patience: float) -> Heard:
    entity = LocalEntity(calling)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = patience
    entity.add_requested_context(VERIFICATION)
    connected: list[bool] = []
    opened = [(evt.EVT_CONN_OPEN, lambda _event: connected.append(True))]
    association: Any = entity.associate(address, port, ae_title=called, evt_handlers=opened)  # type: ignore[arg-type]
    if not association.is_established:
        return _why(association) if connected else Heard.NO_CONNECTION
    try:
        status = association.send_c_echo()
    except (RuntimeError, ValueError):  # it ended the association before it was asked
        return Heard.WRONG_ANSWER
    finally:
        if association.is_established:
            association.release()
    return Heard.ANSWERED if "Status" in status and status.Status == _SUCCESS else Heard.WRONG_ANSWER


def _why(association: Any) -> Heard:
    if not association.is_rejected:
        answer = association.acceptor.primitive
        return Heard.NO_VERIFICATION if answer is not None and answer.result == 0 else Heard.NO_DICOM
    answer = association.acceptor.primitive
    told = (answer.result_source, answer.diagnostic)
    if told == _UNKNOWN_CALLING:
        return Heard.OUR_TITLE_UNKNOWN
    return Heard.ITS_TITLE_UNKNOWN if told == _UNKNOWN_CALLED else Heard.REJECTED
