"""Command sets of C-STORE (PS3.7 section 9.3.1), always Implicit VR Little Endian: read and written without a data set."""

import struct
from dataclasses import dataclass
from typing import Final

from imaging.dimse.status import COMMENT_LIMIT, Status

C_STORE_RQ: Final = 0x0001
_C_STORE_RSP: Final = 0x8001
_NO_DATA_SET: Final = 0x0101

_ELEMENT = struct.Struct("<HHL")
_AFFECTED_SOP_CLASS: Final = 0x0002
_COMMAND_FIELD: Final = 0x0100
_MESSAGE_ID: Final = 0x0110
_DATA_SET_TYPE: Final = 0x0800
_AFFECTED_SOP_INSTANCE: Final = 0x1000
_NUMBERS: Final = frozenset({_COMMAND_FIELD, _MESSAGE_ID, _DATA_SET_TYPE})


class BadCommand(Exception):
    """The bytes are no command set: the association is aborted."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a C-STORE request says of the object that follows; for other requests only ``field`` counts."""

    field: int
    message_id: int
    has_data_set: bool
    sop_class_uid: str
    sop_instance_uid: str


def parse(encoded: bytes | bytearray) -> Command:
    """Read a command set. Raises ``BadCommand``."""
    values: dict[int, bytes] = {}
    offset = 0
    while offset < len(encoded):
        if offset + 8 > len(encoded):
            raise BadCommand("it ends within an element")
        group, number, length = _ELEMENT.unpack_from(encoded, offset)
        offset += 8
        if group != 0 or offset + length > len(encoded):
            raise BadCommand("an element is no command element, or longer than the command set")
        values[number] = bytes(encoded[offset : offset + length])
        offset += length
    if any(len(values.get(number, b"")) != 2 for number in (_COMMAND_FIELD, _DATA_SET_TYPE)):
        raise BadCommand("the command field or the data set type is missing")
    numbers = {number: int.from_bytes(values.get(number, b"")[:2], "little") for number in _NUMBERS}
    return Command(
        field=numbers[_COMMAND_FIELD],
        message_id=numbers[_MESSAGE_ID],
        has_data_set=numbers[_DATA_SET_TYPE] != _NO_DATA_SET,
        sop_class_uid=_uid(values.get(_AFFECTED_SOP_CLASS, b"")),
        sop_instance_uid=_uid(values.get(_AFFECTED_SOP_INSTANCE, b"")),
    )


def _uid(value: bytes) -> str:
    return value[:128].decode("ascii", "replace").strip("\0 ")


def store_response(command: Command, status: Status) -> bytes:
    """The C-STORE-RSP command set. UIDs are given back as they came, capped."""
    body = b"".join(
        (
            _text(_AFFECTED_SOP_CLASS, command.sop_class_uid[:64], b"\0"),
            _number(_COMMAND_FIELD, _C_STORE_RSP),
            _number(0x0120, command.message_id),
            _number(_DATA_SET_TYPE, _NO_DATA_SET),
            _number(0x0900, status.code),
            _text(0x0902, status.comment[:COMMENT_LIMIT], b" ") if status.comment else b"",
            _text(_AFFECTED_SOP_INSTANCE, command.sop_instance_uid[:64], b"\0"),
        )
    )
    return _ELEMENT.pack(0, 0, 4) + struct.pack("<L", len(body)) + body


def _number(number: int, value: int) -> bytes:
    return _ELEMENT.pack(0, number, 2) + struct.pack("<H", value)


def _text(number: int, value: str, padding: bytes) -> bytes:
    encoded = value.encode("ascii", "replace")
    encoded += padding * (len(encoded) % 2)
    return _ELEMENT.pack(0, number, len(encoded)) + encoded
