"""One child of the decoder pool: takes a connection from the supervisor, does what it asks, answers, waits for the next."""

from __future__ import annotations

import array
import contextlib
import gc
import os
import signal
import socket
from collections.abc import Callable
from typing import Any, NoReturn

from imaging.dicom.errors import DicomError
from imaging.rendering import isolation, operations, protocol
from imaging.rendering.isolation import Limits
from imaging.rendering.protocol import Lane, Message

#: Seconds for a client to hand over its request and to take the answer; our clients send at once.
_PATIENCE = 10.0
_DONE = b"."


def serve(control: socket.socket, limits: Limits) -> NoReturn:
    """Run until the supervisor closes ``control`` or kills this process; never returns."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # The supervisor decides: a group's signal must not interrupt a picture half-way.
        signal.signal(number, signal.SIG_IGN)
    isolation.confine(limits)
    gc.freeze()
    while True:
        connection = _next(control)
        if connection is None:
            os._exit(0)
        with contextlib.suppress(OSError), connection:
            connection.settimeout(_PATIENCE)
            _answer(connection, limits)
        control.sendall(_DONE)


def _next(control: socket.socket) -> socket.socket | None:
    room = socket.CMSG_SPACE(array.array("i").itemsize)
    data, ancillary, _flags, _address = control.recvmsg(1, room)
    if not data or not ancillary:
        return None
    received = array.array("i")
    received.frombytes(ancillary[0][2][: received.itemsize])
    return socket.socket(fileno=received[0])


def _answer(connection: socket.socket, limits: Limits) -> None:
    request = protocol.receive(connection)
    conversion = request.lane is Lane.CONVERSION
    isolation.allow_cpu(int(limits.conversion_wall) if conversion else limits.cpu)
    try:
        answer = _perform(request)
    finally:
        for descriptor in request.descriptors:
            os.close(descriptor)
    protocol.send(connection, answer)


def _perform(request: Message) -> Message:
    try:
        perform: Callable[[Message], Message] = operations.OPERATIONS[request.header["operation"]]
        answer = perform(request)
        answer.header["ok"] = True
    except DicomError as error:
        return _refusal(error.code, error.detail)
    except MemoryError:
        return _refusal("too_large", "the picture needs more memory than one may take")
    except Exception as error:  # noqa: BLE001 -- any failure of a decoder is about this image only
        # Only the kind of error: its text may quote the object, and the object is hostile and about a patient.
        return _refusal("decode_failed", type(error).__name__)
    return answer


def _refusal(code: str, detail: str) -> Message:
    header: dict[str, Any] = {"ok": False, "code": code, "detail": detail}
    return Message(header)
