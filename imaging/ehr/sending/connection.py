"""One connection to a receiver: a message goes, its acknowledgement comes, then the next (MLLP; HL7 v2.5.1 section 2.9)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings

from accounts.outbound import lines
from accounts.outbound.errors import OutboundError
from imaging.ehr.hl7.framing import Blocks, NotFramed, framed
from imaging.ehr.hl7.message import headline
from imaging.ehr.hl7.refusals import Refused
from imaging.ehr.models import Hl7Destination

#: Seconds for connecting and shaking hands, and for an acknowledgement.
_STEP: Final = 10.0
_PATIENCE: Final = 30.0
_LONGEST_ANSWER: Final = 1 << 20
_CHUNK: Final = 1 << 16
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")


class NotTaken(Exception):
    """No acknowledgement of the message came. ``code`` says why, in one word; the message may have arrived."""

    def __init__(self, code: str) -> None:
        """Keep the word for the admin."""
        super().__init__(code)
        self.code = code


def certificate_folder() -> Path:
    """The folder of the certificates with which the portal shows who it is to receivers."""
    return Path(settings.DATA_DIR) / "secrets" / "hl7"


class Exchange:
    """An open connection."""

    def __init__(self, line: lines.Line) -> None:
        """Begin with nothing heard."""
        self._line = line
        self._blocks = Blocks(_LONGEST_ANSWER)
        self._heard: list[bytes] = []

    def send(self, raw: bytes, control_id: str) -> tuple[str, str]:
        """Send a message; MSA-1 of its acknowledgement, and what was said beside it. Raises ``NotTaken``.

        What acknowledges another message is passed over: an application's second word on the one before, or a confused
        receiver, which has not taken this one.
        """
        ends = time.monotonic() + _PATIENCE
        late = "took_too_long"
        try:
            self._line.settimeout(_PATIENCE)
            self._line.sendall(framed(raw))
            while True:
                code, about, words = _read(self._next(ends, late))
                if about in {control_id, ""}:
                    return code, words
                late = "other_answer"
        except NotFramed as error:
            raise NotTaken("broken_answer") from error
        except TimeoutError as error:
            raise NotTaken(late) from error
        except OSError as error:
            raise NotTaken("connection_lost") from error

    def _next(self, ends: float, late: str) -> bytes:
        while not self._heard:
            left = ends - time.monotonic()
            if left <= 0:
                raise NotTaken(late)
            self._line.settimeout(left)
            data = self._line.recv(_CHUNK)
            if not data:
                raise NotTaken("connection_lost")
            self._heard += self._blocks.feed(data)
        return self._heard.pop(0)


@contextmanager
def opened(destination: Hl7Destination) -> Iterator[Exchange]:
    """Connect to a receiver. Raises ``NotTaken``."""
    try:
        if destination.uses_tls:
            own = certificate_folder() / destination.own_certificate if destination.own_certificate else None
            line: lines.Line = lines.secured(
                destination.host,
                destination.port,
                networks=destination.networks,
                certificates=destination.certificates,
                own_certificate=own,
                step=_STEP,
            )
        else:
            line = lines.plain(destination.host, destination.port, networks=destination.networks, step=_STEP)
    except OutboundError as error:
        raise NotTaken(error.code) from error
    with line:
        yield Exchange(line)


def _read(raw: bytes) -> tuple[str, str, str]:
    """MSA-1, MSA-2 and MSA-3 of an answer, with the words of ERR where there are any."""
    try:
        found = headline(raw)
    except Refused as error:
        raise NotTaken("broken_answer") from error
    text = raw.decode("utf-8", "replace").replace("\n", "\r")
    rows = [line.split(found.separator) for line in text.split("\r")]
    acknowledged = next((row for row in rows if row[0] == "MSA"), [])
    if len(acknowledged) < 2 or not acknowledged[1].strip():
        raise NotTaken("broken_answer")
    errors = [
        row[8] if len(row) > 8 and row[8] else (row[3] if len(row) > 3 else "") for row in rows if row[0] == "ERR"
    ]
    said = [acknowledged[3] if len(acknowledged) > 3 else "", *errors]
    about = acknowledged[2].strip() if len(acknowledged) > 2 else ""
    return acknowledged[1].strip().upper(), about, " ".join(_CONTROLS.sub(" ", part) for part in said if part)
