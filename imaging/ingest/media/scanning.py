"""Asks a virus scanner about a stream: clamd's INSTREAM command over a local socket (clamd(8)). Nothing is kept here."""

import socket
import struct
from pathlib import Path
from typing import BinaryIO, Final

_CHUNK: Final = 256 * 1024
#: Seconds in which the scanner has to take a piece, or to answer.
_PATIENCE: Final = 120.0
_LONGEST_ANSWER: Final = 4096


class Unavailable(Exception):
    """The scanner cannot be asked, or did not understand: nothing is known about the file."""


class TooLargeToScan(Exception):
    """The file is longer than the scanner takes (``StreamMaxLength`` of clamd.conf)."""


def signature_in(stream: BinaryIO, address: Path) -> str:
    """Return the name of what the scanner at a socket found in a stream; empty when it found nothing.

    Raises ``Unavailable``, ``TooLargeToScan``, and what reading the stream raises.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as scanner:
        scanner.settimeout(_PATIENCE)
        try:
            scanner.connect(str(address))
            scanner.sendall(b"zINSTREAM\0")
        except OSError as error:
            raise Unavailable from error
        _send(scanner, stream)
        return _understood(_answer(scanner))


def _send(scanner: socket.socket, stream: BinaryIO) -> None:
    """Send each piece behind its length, and an empty one at the end; a scanner that has heard enough closes early."""
    while chunk := stream.read(_CHUNK):
        try:
            scanner.sendall(struct.pack(">I", len(chunk)) + chunk)
        except (BrokenPipeError, ConnectionResetError):
            return
        except OSError as error:
            raise Unavailable from error
    try:
        scanner.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        return
    except OSError as error:
        raise Unavailable from error


def _answer(scanner: socket.socket) -> str:
    found = bytearray()
    try:
        while len(found) < _LONGEST_ANSWER and not found.endswith(b"\0"):
            chunk = scanner.recv(_LONGEST_ANSWER)
            if not chunk:
                break
            found += chunk
    except OSError as error:
        raise Unavailable from error
    return found.rstrip(b"\0\n").decode("utf-8", "replace")


def _understood(answer: str) -> str:
    """``stream: OK``, ``stream: NAME FOUND``, or an error."""
    if answer == "stream: OK":
        return ""
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND") or "?"
    if "size limit exceeded" in answer:
        raise TooLargeToScan
    raise Unavailable
