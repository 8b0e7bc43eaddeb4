"""How the decoder pool is spoken to: one connection, one request, one answer, over a unix socket (no Django here).

Request and answer have the same form: a lane (one byte), the length of a JSON header (4 bytes), the header, the length of
the payload (8 bytes), the payload; numbers are big-endian. File descriptors may come with the first byte (SCM_RIGHTS):
big objects are read from the first and written to the second, without passing through the socket.
"""

from __future__ import annotations

import array
import json
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

#: A header beyond this, or a payload beyond the other, is no request of ours.
MAX_HEADER: Final = 32 * 1024 * 1024
MAX_PAYLOAD: Final = 1024 * 1024 * 1024
#: The code of a refusal that is the disk's fault, not the object's.
NO_ROOM: Final = "no_room"
_MAX_DESCRIPTORS: Final = 2
_CHUNK: Final = 1024 * 1024
_HEADER: Final = struct.Struct(">cI")
_PAYLOAD: Final = struct.Struct(">Q")


class Lane(Enum):
    """Who waits: a person first, then the background; conversions of whole objects never take every child."""

    PERSON = b"p"
    BACKGROUND = b"b"
    CONVERSION = b"c"


class Broken(ConnectionError):
    """The other side went away in the middle of a message, or sent none that we know."""


@dataclass(slots=True)
class Message:
    """A request or an answer."""

    header: dict[str, Any]
    payload: bytes = b""
    lane: Lane = Lane.BACKGROUND
    descriptors: list[int] = field(default_factory=list)


def send(connection: socket.socket, message: Message) -> None:
    """Send a whole message; ``descriptors`` stay open on this side."""
    header = json.dumps(message.header, separators=(",", ":")).encode()
    head = b"".join((_HEADER.pack(message.lane.value, len(header)), header, _PAYLOAD.pack(len(message.payload))))
    if message.descriptors:
        rights = array.array("i", message.descriptors)
        connection.sendmsg([head[:1]], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        head = head[1:]
    connection.sendall(head)
    if message.payload:
        connection.sendall(message.payload)


def receive(connection: socket.socket) -> Message:
    """Receive a whole message. Raises ``Broken``, ``TimeoutError`` or another ``OSError``."""
    descriptors: list[int] = []
    lane, length = _HEADER.unpack(_first(connection, _HEADER.size, descriptors))
    if length > MAX_HEADER:
        raise Broken("the header is too long")
    try:
        header = json.loads(_exactly(connection, length))
        known = Lane(lane)
    except ValueError as error:
        raise Broken("the header cannot be read") from error
    (length,) = _PAYLOAD.unpack(_exactly(connection, _PAYLOAD.size))
    if length > MAX_PAYLOAD or not isinstance(header, dict):
        raise Broken("the payload is too long, or the header no object")
    return Message(header, bytes(_exactly(connection, length)), known, descriptors)


def _first(connection: socket.socket, size: int, descriptors: list[int]) -> bytes:
    room = socket.CMSG_SPACE(_MAX_DESCRIPTORS * array.array("i").itemsize)
    data, ancillary, _flags, _address = connection.recvmsg(size, room, socket.MSG_CMSG_CLOEXEC)
    for level, kind, rights in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received = array.array("i")
            received.frombytes(rights[: len(rights) - len(rights) % received.itemsize])
            descriptors.extend(received)
    if not data:
        raise Broken("the other side closed the connection")
    return data + bytes(_exactly(connection, size - len(data)))


def _exactly(connection: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    at = 0
    while at < size:
        got = connection.recv_into(view[at : at + _CHUNK])
        if not got:
            raise Broken("the other side closed the connection in the middle of a message")
        at += got
    return data
