"""Minimal Lower Layer Protocol: blocks out of a stream of bytes (HL7 v2.5.1 appendix C, MLLP release 1)."""

from __future__ import annotations

from typing import Final

START: Final = b"\x0b"
END: Final = b"\x1c\r"

#: Bytes between two blocks that are passed over: more of them is no HL7 at all.
_MOST_BETWEEN: Final = 64 * 1024


class NotFramed(ValueError):
    """What comes is no HL7, or a block is too long: the connection cannot go on."""


class Blocks:
    """Blocks as they become whole, however the network cut them. ``most`` is the longest block in bytes."""

    def __init__(self, most: int) -> None:
        """Begin between two blocks."""
        self._most = most
        self._kept = bytearray()
        self._searched = 0
        self._between = 0
        self._is_within = False

    @property
    def is_within(self) -> bool:
        """Whether a block has begun and not ended."""
        return self._is_within

    def feed(self, data: bytes) -> list[bytes]:
        """Take what came; the blocks that are whole now, without their frame. Raises ``NotFramed``."""
        self._kept += data
        blocks: list[bytes] = []
        while self._advance(blocks):
            pass
        return blocks

    def _advance(self, blocks: list[bytes]) -> bool:
        return self._ended(blocks) if self._is_within else self._begun()

    def _begun(self) -> bool:
        at = self._kept.find(START)
        self._between += len(self._kept) if at < 0 else at
        if self._between > _MOST_BETWEEN:
            raise NotFramed("no block begins")
        if at < 0:
            self._kept.clear()
            return False
        del self._kept[: at + 1]
        self._is_within, self._between, self._searched = True, 0, 0
        return True

    def _ended(self, blocks: list[bytes]) -> bool:
        at = self._kept.find(END, max(0, self._searched - 1))
        if (len(self._kept) if at < 0 else at) > self._most:
            raise NotFramed("a block is too long")
        if at < 0:
            self._searched = len(self._kept)
            return False
        blocks.append(bytes(self._kept[:at]))
        del self._kept[: at + len(END)]
        self._is_within = False
        return True


def framed(message: bytes) -> bytes:
    """A message in its frame."""
    return START + message + END
