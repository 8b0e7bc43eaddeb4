"""Answers of several parts, written as they are sent: RFC 2387 as PS3.18 section 8.6.1 uses it. Pure."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its media type with parameters, its bytes in pieces, its length (None: unknown) and its address."""

    content_type: str
    body: Iterable[bytes]
    length: int | None
    location: str = ""

    @property
    def header(self) -> bytes:
        """The part's own header fields, with the empty line that ends them."""
        lines = [f"Content-Type: {self.content_type}"]
        if self.length is not None:
            lines.append(f"Content-Length: {self.length}")
        if self.location:
            lines.append(f"Content-Location: {self.location}")
        return "\r\n".join([*lines, "", ""]).encode("ascii")


def new_boundary() -> str:
    """Return a boundary that no object's bytes can be made to hold."""
    return f"part-{secrets.token_hex(20)}"


def content_type(part_type: str, boundary: str, transfer_syntax_uid: str = "") -> str:
    """Return the outer media type; the transfer syntax stands on it too, because viewers read it there."""
    syntax = f"; transfer-syntax={transfer_syntax_uid}" if transfer_syntax_uid else ""
    return f'multipart/related; type="{part_type}"{syntax}; boundary={boundary}'


def write(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    """Yield the body in pieces; a part's bytes are asked for only when their turn comes."""
    for part in parts:
        yield f"--{boundary}\r\n".encode("ascii") + part.header
        yield from part.body
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode("ascii")


def length(parts: Iterable[Part], boundary: str) -> int:
    """Return the number of bytes that `write` will yield, without reading any part; the length of each must be known."""
    around = len(boundary) + 4
    return sum(around + len(part.header) + (part.length or 0) + 2 for part in parts) + around + 2
