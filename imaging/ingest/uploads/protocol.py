"""The words of the tus resumable upload protocol, version 1.0.0 (https://tus.io/protocols/resumable-upload). Pure.

Core, and the extensions creation, creation-with-upload, expiration, termination and checksum.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,expiration,termination,checksum"
CONTENT_TYPE: Final = "application/offset+octet-stream"
#: The extension asks for SHA-1 at least; it finds what was damaged on the way, and guards nothing.
ALGORITHMS: Final = MappingProxyType(
    {"sha256": hashlib.sha256, "sha1": lambda: hashlib.sha1(usedforsecurity=False)},
)
#: The status of a piece whose bytes do not have the digest that was sent with it.
CHECKSUM_MISMATCH: Final = 460

_LONGEST_METADATA: Final = 64 * 1024
_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e]{1,64}", re.ASCII)


class Malformed(ValueError):
    """A header that the protocol does not allow. The text names the header, never its value."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The digest that a piece must have."""

    algorithm: str
    digest: bytes

    def hasher(self) -> Any:
        """A new hash object of this algorithm."""
        make: Callable[[], Any] = ALGORITHMS[self.algorithm]
        return make()


def number(text: str | None, header: str) -> int:
    """A whole number of bytes that is not negative. Raises ``Malformed``."""
    # Spaces and tabs only: what Python calls white space besides, `int` does not.
    digits = (text or "").strip(" \t")
    if not _NUMBER.fullmatch(digits):
        raise Malformed(header)
    return int(digits)


def metadata(text: str | None) -> dict[str, str]:
    """What ``Upload-Metadata`` says: pairs of a key and text in base64, with commas between; keys are unique.

    Values are read as UTF-8; what is not becomes U+FFFD. Raises ``Malformed``.
    """
    if not text or not text.strip():
        return {}
    if len(text) > _LONGEST_METADATA:
        raise Malformed("Upload-Metadata")
    found: dict[str, str] = {}
    for pair in text.split(","):
        key, _space, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise Malformed("Upload-Metadata")
        found[key] = _decoded(value.strip(), "Upload-Metadata").decode("utf-8", "replace")
    return found


def checksum(text: str | None) -> Checksum | None:
    """What ``Upload-Checksum`` says, or None without one. Raises ``Malformed``, also for an unknown algorithm."""
    if text is None:
        return None
    algorithm, _space, value = text.strip().partition(" ")
    digest = _decoded(value.strip(), "Upload-Checksum")
    if algorithm not in ALGORITHMS or not digest:
        raise Malformed("Upload-Checksum")
    return Checksum(algorithm, digest)


def fingerprint(text: str) -> str:
    """What a browser knows a file by: at most 128 visible characters of ASCII, or none. Raises ``Malformed``."""
    if len(text) > 128 or not text.isascii() or not text.isprintable():
        raise Malformed("Upload-Metadata")
    return text


def _decoded(value: str, header: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(header) from error
