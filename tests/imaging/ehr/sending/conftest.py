"""A hospital that tells other systems: its receivers, and one that does what a test wants."""

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from imaging.ehr.hl7.framing import Blocks, framed
from imaging.ehr.hl7.message import headline


@dataclass
class Receiver:
    """Listens on this machine, keeps what came, and answers the next messages with ``answers``, then with AA.

    An answer is a code; ``silent`` says nothing, ``hangs_up`` closes in place of an answer, ``other`` first answers a message
    that nobody sent, ``wrong`` answers that one alone. ``after`` closes the connection after each answer.
    """

    listening: socket.socket
    answers: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    connections: int = 0
    closes_after_each: bool = False
    context: ssl.SSLContext | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listening.getsockname()[1])

    def serve(self) -> None:
        """Serve one connection after the other until the socket is closed."""
        while True:
            try:
                line, _address = self.listening.accept()
                self.connections += 1
                with self.context.wrap_socket(line, server_side=True) if self.context else line as secured:
                    self._talk(secured)
            except ssl.SSLError:
                continue
            except OSError:
                return

    def _talk(self, line: socket.socket) -> None:
        blocks = Blocks(1 << 26)
        while data := line.recv(65536):
            for raw in blocks.feed(data):
                found = headline(raw)
                self.messages.append(raw.decode("utf-8").replace("\r", "\n"))
                answer = self.answers.pop(0) if self.answers else "AA"
                if answer == "hangs_up":
                    return
                if answer in {"other", "wrong"}:
                    line.sendall(framed(b"MSH|^~\\&|||||||ACK|X|P|2.5.1\rMSA|AE|NOBODY\r"))
                if answer == "nonsense":
                    line.sendall(framed(b"<html>"))
                    continue
                if answer in {"silent", "wrong"}:
                    continue
                code = "AA" if answer == "other" else answer
                said = f"MSH|^~\\&|HIS||NEGATOSCOPE||20260105||ACK|A{len(self.messages)}|P|2.5.1\rMSA|{code}|{found.control_id}"
                error = "\rERR||OBR^1^4|103^Table value not found^HL70357|E||||No such exam" if code == "AE" else ""
                line.sendall(framed(f"{said}{error}\r".encode()))
                if self.closes_after_each:
                    return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Receiver(listening)
        thread = threading.Thread(target=found.serve, daemon=True)
        thread.start()
        yield found
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)
