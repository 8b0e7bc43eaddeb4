"""The body of a store request: what it says to be, and its bytes as they come, however many (PS3.18 section 10.5.1)."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from imaging.dicomweb import negotiation
from imaging.dicomweb.multipart_reader import BrokenBody, MediaType

_ROOTS: Final = frozenset({negotiation.DICOM, negotiation.DICOM_JSON, negotiation.DICOM_XML})
_CHUNK: Final = 256 * 1024
#: After an error a sender is listened to this long and this far, so that it hears the answer.
_DRAINED_OCTETS: Final = 16 * 1024 * 1024
_DRAINED_SECONDS: Final = 3.0


class StalledBody(Exception):
    """Nothing came for too long."""


class Declined(Exception):
    """The request as a whole is not served; ``text`` is shown to the sender."""

    def __init__(self, status: int, text: str, *, retry_after: int = 0) -> None:
        """Keep what is answered; ``retry_after`` in seconds, 0 for no advice."""
        super().__init__(text)
        self.status = status
        self.text = text
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Form:
    """How the body is made: parts between ``boundary``, of which the first is of type ``root``; or one object alone."""

    root: str
    boundary: str = ""
    is_single: bool = False


class Body:
    """The bytes of a request, read from the web server and nowhere kept."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        """Read `wsgi.input` (PEP 3333). Raises ``Declined`` when nobody can say where the body ends."""
        said = str(environ.get("CONTENT_LENGTH") or "")
        self._stream = environ["wsgi.input"]
        self.length = int(said) if said.isdecimal() else None
        self._left = self.length
        if self.length is None and not environ.get("wsgi.input_terminated"):
            raise Declined(411, _("The length of the body is missing."))

    def read(self, size: int = _CHUNK, /) -> bytes:
        """At most ``size`` octets, none at the end. Raises ``StalledBody``, or ``BrokenBody`` when it ends too early."""
        if self._left is not None:
            size = min(size if size >= 0 else _CHUNK, self._left)
        if not size:
            return b""
        try:
            chunk: bytes = self._stream.read(size)
        except TimeoutError as error:
            raise StalledBody from error
        except OSError as error:
            raise BrokenBody(_("The body cannot be read to its end.")) from error
        if self._left is not None:
            if not chunk:
                raise BrokenBody(_("The body is shorter than its length says."))
            self._left -= len(chunk)
        return chunk

    def drain(self) -> None:
        """Read some of what is left and forget it."""
        deadline = time.monotonic() + _DRAINED_SECONDS
        left = _DRAINED_OCTETS
        with suppress(StalledBody, BrokenBody):
            while left > 0 and time.monotonic() < deadline and (chunk := self.read()):
                left -= len(chunk)


def form_of(environ: Mapping[str, Any]) -> Form:
    """How the body is made. Raises ``Declined`` when it is nothing that can be stored."""
    encoding = str(environ.get("HTTP_CONTENT_ENCODING", "")).strip().lower()
    if encoding not in {"", "identity"}:
        raise Declined(415, _("Compressed bodies are not taken."))
    try:
        outer = MediaType.parse(str(environ.get("CONTENT_TYPE", "")))
    except BrokenBody as error:
        raise Declined(400, str(error)) from error
    if outer.name == negotiation.DICOM:
        if not environ.get("CONTENT_LENGTH"):
            # Nothing else would tell an object from its beginning.
            raise Declined(411, _("The length of the body is missing."))
        return Form(negotiation.DICOM, is_single=True)
    root = outer.parameters.get("type", "").lower()
    if outer.name != negotiation.MULTIPART or root not in _ROOTS:
        raise Declined(
            415,
            _("Objects are taken as multipart/related with a type of %(types)s, or one alone as application/dicom.")
            % {"types": ", ".join(sorted(_ROOTS))},
        )
    return Form(root, outer.parameters.get("boundary", ""))
