"""One file of a delivery, as the walk found it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Self

from imaging.ingest.media.kinds import Kind
from imaging.ingest.media.trouble import MediaError, Trouble

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A file in a folder or an archive.

    ``path`` is to be shown only. ``position`` numbers the entries of one archive, so that a second walk over the same bytes
    meets the same file; ``archive`` is the archive within the walk that holds it. ``trouble`` says why it cannot be used.
    """

    path: str
    length: int
    kind: Kind
    streamer: Opener | None = None
    opener: Opener | None = None
    trouble: Trouble | None = None
    position: int = 0
    archive: Self | None = None

    def stream(self) -> BinaryIO:
        """The bytes, to be read once from the first to the last. Raises ``MediaError``; so does reading them."""
        if self.streamer is None:
            raise MediaError(self.trouble or Trouble.UNREADABLE)
        return self.streamer()

    def open(self) -> BinaryIO:
        """The bytes as a seekable file. Raises ``MediaError``; so does reading them."""
        opener = self.opener or self.streamer
        if opener is None:
            raise MediaError(self.trouble or Trouble.UNREADABLE)
        return opener()
