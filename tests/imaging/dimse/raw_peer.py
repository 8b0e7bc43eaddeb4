"""A DICOM peer that says exactly what a test wants it to say, right or wrong (PS3.8 section 9.3)."""

import io
import socket
import struct
from types import TracebackType
from typing import Self

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"

Contexts = dict[int, tuple[str, list[str]]]
CT_CONTEXT: Contexts = {1: (CT_IMAGE, [EXPLICIT])}


class Rejected(Exception):
    """A-ASSOCIATE-RJ: result, source, diagnostic."""

    @property
    def codes(self) -> tuple[int, int, int]:
        return self.args[0]


class Aborted(Exception):
    """A-ABORT, or the connection was closed."""


def item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def request(calling: str, called: str, contexts: Contexts, *, version: int = 1, maximum: int = 16384) -> bytes:
    """An A-ASSOCIATE-RQ PDU."""
    body = struct.pack(">HH", version, 0) + called.encode().ljust(16) + calling.encode().ljust(16) + bytes(32)
    body += item(0x10, APPLICATION_CONTEXT.encode())
    for key, (abstract, syntaxes) in contexts.items():
        inner = item(0x30, abstract.encode()) + b"".join(item(0x40, syntax.encode()) for syntax in syntaxes)
        body += item(0x20, struct.pack(">BBBB", key, 0, 0, 0) + inner)
    body += item(0x50, item(0x51, struct.pack(">L", maximum)) + item(0x52, b"1.2.3.4.5"))
    return pdu(0x01, body)


def pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBL", kind, 0, len(body)) + body


def values(*parts: tuple[int, int, bytes]) -> bytes:
    """A P-DATA-TF PDU of (context ID, control, fragment)."""
    return pdu(0x04, b"".join(struct.pack(">LBB", len(data) + 2, key, control) + data for key, control, data in parts))


def element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, number, len(value)) + value


def even(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text.encode()) % 2)


def command(
    sop_class_uid: str, sop_instance_uid: str, *, field: int = 0x0001, has_data: bool = True, message_id: int = 7
) -> bytes:
    """A C-STORE-RQ command set, or another one of the same form."""
    body = element(0x0002, even(sop_class_uid)) if sop_class_uid else b""
    body += element(0x0100, struct.pack("<H", field)) + element(0x0110, struct.pack("<H", message_id))
    body += element(0x0700, b"\0\0") + element(0x0800, struct.pack("<H", 0x0001 if has_data else 0x0101))
    body += element(0x1000, even(sop_instance_uid)) if sop_instance_uid else b""
    return element(0x0000, struct.pack("<L", len(body))) + body


def encoded(made: Dataset, syntax: str = EXPLICIT) -> bytes:
    """The bytes of a data set, without file meta group."""
    buffer = DicomBytesIO()
    uid = UID(syntax)
    buffer.is_implicit_VR, buffer.is_little_endian = uid.is_implicit_VR, uid.is_little_endian
    write_dataset(buffer, made)
    return buffer.getvalue()


def read_command(content: bytes) -> dict[int, bytes]:
    """Element number to value of a command set."""
    found = {}
    stream = io.BytesIO(content)
    while head := stream.read(8):
        _group, number, length = struct.unpack("<HHL", head)
        found[number] = stream.read(length)
    return found


class RawPeer:
    """A connection; leaving the block closes it."""

    def __init__(self, port: int, *, patience: float = 15.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.accepted: dict[int, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> tuple[int, bytes]:
        """One PDU as (type, body). Raises ``Aborted``."""
        kind, length = struct.unpack(">BxL", self._exactly(6))
        body = self._exactly(length)
        if kind == 0x07:
            raise Aborted(body)
        return kind, body

    def _exactly(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            try:
                part = self.socket.recv(length - len(data))
            except ConnectionResetError as error:
                raise Aborted from error
            if not part:
                raise Aborted
            data += part
        return data

    def is_closed(self) -> bool:
        """Whether the other side ends the connection, waiting for it; whatever it still says is passed over."""
        try:
            while self.socket.recv(4096):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def associate(self, calling: str = "CT1", called: str = "NEGATOSCOPE", contexts: Contexts | None = None) -> Self:
        """Negotiate; the accepted contexts with their transfer syntax are in ``accepted``. Raises ``Rejected``."""
        self.send(request(calling, called, contexts or CT_CONTEXT))
        kind, body = self.receive()
        if kind == 0x03:
            raise Rejected((body[1], body[2], body[3]))
        assert kind == 0x02
        offset = 68
        while offset < len(body):
            what, length = struct.unpack(">BxH", body[offset : offset + 4])
            if what == 0x21 and body[offset + 6] == 0:
                syntax_length = struct.unpack(">H", body[offset + 10 : offset + 12])[0]
                self.accepted[body[offset + 4]] = body[offset + 12 : offset + 12 + syntax_length].decode()
            offset += 4 + length
        return self

    def answer(self) -> tuple[int, str]:
        """Status and error comment of the next response."""
        kind, body = self.receive()
        assert kind == 0x04
        found = read_command(body[6:])
        return struct.unpack("<H", found[0x0900])[0], found.get(0x0902, b"").decode().strip()

    def store(
        self,
        data: bytes,
        *,
        sop_instance_uid: str,
        sop_class_uid: str = CT_IMAGE,
        context: int = 1,
        fragment: int = 16000,
    ) -> tuple[int, str]:
        """Send one object and give the status and the comment of the answer."""
        self.send(values((context, 3, command(sop_class_uid, sop_instance_uid))))
        starts = range(0, max(1, len(data)), fragment)
        for start in starts:
            last = 2 if start + fragment >= len(data) else 0
            self.send(values((context, last, data[start : start + fragment])))
        return self.answer()

    def store_dataset(self, made: Dataset, syntax: str = EXPLICIT) -> tuple[int, str]:
        """Send a sound object."""
        return self.store(encoded(made, syntax), sop_instance_uid=made.SOPInstanceUID, sop_class_uid=made.SOPClassUID)

    def echo(self, context: int = 1) -> int:
        """Status of a C-ECHO."""
        self.send(values((context, 3, command(VERIFICATION, "", field=0x0030, has_data=False))))
        return self.answer()[0]

    def release(self) -> bool:
        """Whether the release is answered."""
        self.send(pdu(0x05, bytes(4)))
        return self.receive()[0] == 0x06
