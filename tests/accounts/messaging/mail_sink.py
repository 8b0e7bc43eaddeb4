"""A mail server on loopback (RFC 5321, as much as a client needs), which keeps what it is given."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailSink:
    """Keeps every mail with its envelope; refuses the recipients that ``refuses`` names, with its answer."""

    port: int = 0
    refuses: dict[str, str] = field(default_factory=dict)
    greeting: str = "220 sink"
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)


class Server(socketserver.ThreadingTCPServer):
    """Serves one sink."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, sink: MailSink) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.sink = sink
        sink.port = self.server_address[1]


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    server: Server

    def handle(self) -> None:
        """Answer until the client leaves."""
        self.sender, self.recipients = "", list[str]()
        self._say(self.server.sink.greeting)
        for line in self.rfile:
            verb, _colon, path = line.decode().strip().partition(":")
            verb = verb.upper()
            if verb == "QUIT":
                self._say("221 bye")
                return
            self._say(self._answer(verb, path.partition(">")[0].strip("<> ")))

    def _answer(self, verb: str, address: str) -> str:
        if verb == "MAIL FROM":
            self.sender, self.recipients = address, []
        elif verb == "RCPT TO":
            if address in self.server.sink.refuses:
                return self.server.sink.refuses[address]
            self.recipients.append(address)
        elif verb == "DATA":
            self._take()
        return "250 ok"

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        self.server.sink.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self.server.sink.envelopes.append((self.sender, self.recipients))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving() -> Iterator[MailSink]:
    """Serve until the block ends."""
    sink = MailSink()
    with Server(sink) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()
