"""What the client accepts, and what we can give: PS3.18 section 8.7 on top of RFC 9110 section 12.5.1. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"
JSON = "application/json"
MULTIPART = "multipart/related"
OCTETS = "application/octet-stream"

_LONGEST = 4096
_MOST_RANGES = 64

Offered = TypeVar("Offered")


class NotUnderstood(ValueError):
    """The request itself is wrong: 400. The text is shown to the client and holds nothing of ours."""


class NotAcceptable(ValueError):
    """We have nothing in a form that the client accepts: 406."""


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One entry of an Accept header."""

    media_type: str
    parameters: Mapping[str, str]
    quality: float = 1.0

    @property
    def is_multipart(self) -> bool:
        """Whether the client takes several parts in one answer."""
        return self.media_type in {MULTIPART, "multipart/*", "*/*"}

    @property
    def part_type(self) -> str:
        """The media type that each part may have: `type` of a multipart range (PS3.18 section 8.7.4), else the type itself."""
        if self.media_type in {MULTIPART, "multipart/*"}:
            return self.parameters.get("type", "*/*").lower()
        return self.media_type

    @property
    def transfer_syntax(self) -> str:
        """The transfer syntax asked for; empty when none was, `*` for any (PS3.18 section 8.7.3.5.2)."""
        return self.parameters.get("transfer-syntax", "")

    def takes(self, media_type: str) -> bool:
        """Whether a part of `media_type` is accepted."""
        kind, _slash, _subtype = media_type.partition("/")
        return self.part_type in {"*/*", f"{kind}/*", media_type}

    def takes_syntax(self, transfer_syntax_uid: str) -> bool:
        """Whether a part in this transfer syntax is accepted; a client that names none takes it as it is stored."""
        return self.transfer_syntax in {"", "*", transfer_syntax_uid}


def ranges(header: str | None, query: str | None = None) -> tuple[MediaRange, ...]:
    """Return what is accepted, best first. The query parameter `accept` comes before the header (PS3.18 section 8.3.3.1).

    Raises NotUnderstood for what cannot be read.
    """
    text = query or header or "*/*"
    if len(text) > _LONGEST:
        raise NotUnderstood("The Accept header is too long.")
    entries = [_range(entry) for entry in _split(text, ",") if entry.strip()]
    if len(entries) > _MOST_RANGES:
        raise NotUnderstood("The Accept header names too many media types.")
    usable = [entry for entry in entries or [_range("*/*")] if entry.quality > 0]
    return tuple(sorted(usable, key=lambda entry: -entry.quality))


def first(accepted: Iterable[MediaRange], offer: Callable[[MediaRange], Offered | None], available: str) -> Offered:
    """Return the first thing offered for a range, in the client's order. Raises NotAcceptable, which names what is available."""
    for entry in accepted:
        found = offer(entry)
        if found is not None:
            return found
    raise NotAcceptable(f"Available here: {available}.")


def _range(entry: str) -> MediaRange:
    media_type, *parameters = _split(entry, ";")
    kind, slash, subtype = media_type.strip().lower().partition("/")
    if not (kind and slash and subtype) or " " in kind + subtype:
        raise NotUnderstood("The Accept header cannot be read.")
    named = dict(_parameter(text) for text in parameters if text.strip())
    return MediaRange(f"{kind}/{subtype}", named, _quality(named.pop("q", "1")))


def _parameter(text: str) -> tuple[str, str]:
    name, _equals, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"').replace("\\", "")


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        raise NotUnderstood("The Accept header cannot be read.") from None
    if not 0 <= quality <= 1:
        raise NotUnderstood("The Accept header cannot be read.")
    return quality


def _split(text: str, separator: str) -> Iterator[str]:
    """Yield the pieces between separators that are not inside quotes."""
    piece: list[str] = []
    quoted = False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char == separator and not quoted:
            yield "".join(piece)
            piece = []
        else:
            piece.append(char)
    if quoted:
        raise NotUnderstood("The Accept header has an open quote.")
    yield "".join(piece)
