"""Bodies of several parts, read as they come: RFC 2046 section 5.1 as RFC 2387 and PS3.18 section 8.6.1.2 use it. Pure.

Strict, because the sender is another program and a guess could cut an object in two: lines end with CRLF, a delimiter is
followed by a line end or `--`, no header field stands twice. Memory is bounded by one chunk and one part's header fields,
whatever the body's length. How the bytes were cut on their way never changes what is read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_CHUNK: Final = 256 * 1024
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_MEDIA_TYPE: Final = re.compile(rf"({_WORD}/{_WORD})[ \t]*")
#: Values with a slash belong into quotes (RFC 2045 section 5.1), which senders forget.
_PARAMETER: Final = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))[ \t]*')
_SEPARATOR: Final = re.compile(r"(?:;[ \t]*)+")
_FIELD: Final = re.compile(rf"({_WORD}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
#: RFC 2046 section 5.1.1: 1 to 70 of these, no space at the end.
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_LONGEST_TYPE: Final = 1024
_PADDING: Final = 256


class BrokenBody(ValueError):
    """The body or its type cannot be read: the text is shown to the sender and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one body: octets of what is kept in memory, and how many parts and header fields there may be."""

    parts: int = 100_000
    header_octets: int = 16 * 1024
    header_fields: int = 32
    preamble_octets: int = 64 * 1024


@dataclass(frozen=True, slots=True)
class MediaType:
    """A Content-Type, in lower case but for the parameters' values."""

    name: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "MediaType":
        """Read a field's value; the empty one is no type. Raises ``BrokenBody``, also for a parameter that stands twice."""
        text = text.strip()
        if not text:
            return cls()
        found = _MEDIA_TYPE.match(text)
        if found is None or len(text) > _LONGEST_TYPE:
            raise BrokenBody("The content type cannot be read.")
        parameters: dict[str, str] = {}
        position = found.end()
        while position < len(text):
            separator = _SEPARATOR.match(text, position)
            if separator is None:
                raise BrokenBody("The content type cannot be read.")
            position = separator.end()
            if position == len(text):
                break
            parameter = _PARAMETER.match(text, position)
            if parameter is None or parameter[1].lower() in parameters:
                raise BrokenBody("The content type cannot be read.")
            quoted = parameter[2]
            parameters[parameter[1].lower()] = parameter[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            position = parameter.end()
        return cls(found[1].lower(), parameters)


class Part:
    """One part: its header fields, and its bytes, to be read once and before the next part is asked for."""

    def __init__(self, fields: Mapping[str, str], take: Callable[[int], bytes]) -> None:
        """Keep the fields, by lower-case name; ``take`` gives the part's bytes."""
        self.fields = fields
        self._take = take

    @property
    def location(self) -> str:
        """The address that other parts name it by; empty without."""
        return self.fields.get("content-location", "")

    def media_type(self) -> MediaType:
        """What it says to be. Raises ``BrokenBody``."""
        return MediaType.parse(self.fields.get("content-type", ""))

    def read(self, size: int = _CHUNK, /) -> bytes:
        """At most ``size`` of its bytes (octets), empty at its end. Raises ``BrokenBody`` when the body ends before."""
        return self._take(_CHUNK if size < 0 else size)


class MultipartReader:
    """Reads parts out of ``read(size)``, which gives at most ``size`` octets, and none at the end of the body."""

    def __init__(self, read: Callable[[int], bytes], boundary: str, *, limits: Limits | None = None) -> None:
        """Begin. Raises ``BrokenBody`` when ``boundary`` cannot be one."""
        if not _BOUNDARY.fullmatch(boundary):
            raise BrokenBody("The boundary is missing, or cannot be a boundary.")
        self._read = read
        self._limits = limits or Limits()
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        # The line end before the first delimiter may be missing: it is that of the header before the body.
        self._buffer = bytearray(b"\r\n")
        self._in_part = False

    def parts(self) -> Iterator[Part]:
        """Yield part after part; what nobody read of one is skipped. Raises ``BrokenBody``, as reading them does."""
        self._skip_preamble()
        number = 0
        while self._another():
            number += 1
            if number > self._limits.parts:
                raise BrokenBody("The body has too many parts.")
            part = Part(self._fields(), self._content)
            self._in_part = True
            yield part
            while self._content(_CHUNK):
                pass

    def _content(self, size: int) -> bytes:
        """At most ``size`` octets of the part; empty, and the delimiter consumed, at its end."""
        while self._in_part:
            found = self._buffer.find(self._delimiter)
            if found == 0:
                del self._buffer[: len(self._delimiter)]
                self._in_part = False
                break
            # Without a whole delimiter, its beginning may stand at the end.
            certain = found if found > 0 else len(self._buffer) - len(self._delimiter) + 1
            if certain > 0:
                return self._taken(min(certain, size))
            self._fill()
        return b""

    def _skip_preamble(self) -> None:
        while (found := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > self._limits.preamble_octets:
                raise BrokenBody("The body does not begin with its boundary.")
            self._fill()
        if found > self._limits.preamble_octets:
            raise BrokenBody("The body does not begin with its boundary.")
        del self._buffer[: found + len(self._delimiter)]

    def _another(self) -> bool:
        """Whether a part follows the delimiter just read."""
        while len(self._buffer) < 2:
            self._fill()
        if self._buffer.startswith(b"--"):
            return False
        if self._line(_PADDING).strip(b" \t"):
            raise BrokenBody("A boundary is followed by something else than a part.")
        return True

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        left = self._limits.header_octets
        while line := self._line(left):
            left -= len(line) + 2
            found = _FIELD.fullmatch(line.decode("latin-1"))
            if found is None or found[1].lower() in fields or len(fields) == self._limits.header_fields:
                raise BrokenBody("The header of a part cannot be read.")
            fields[found[1].lower()] = found[2].strip()
        return fields

    def _line(self, limit: int) -> bytes:
        """One line without its end. Raises ``BrokenBody`` when it is longer than ``limit`` octets."""
        while (end := self._buffer.find(b"\r\n", 0, max(limit, 0) + 2)) < 0:
            if len(self._buffer) > limit + 1:
                raise BrokenBody("The header of a part is too long.")
            self._fill()
        line = self._taken(end)
        del self._buffer[:2]
        return line

    def _taken(self, size: int) -> bytes:
        with memoryview(self._buffer) as view:
            taken = bytes(view[:size])
        del self._buffer[:size]
        return taken

    def _fill(self) -> None:
        chunk = self._read(_CHUNK)
        if not chunk:
            raise BrokenBody("The body ends before its last boundary.")
        self._buffer += chunk
