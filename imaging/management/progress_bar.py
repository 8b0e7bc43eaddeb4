"""A small progress bar for people at a terminal; silent everywhere else."""

import shutil
import sys
import time
from typing import TextIO

_EVERY = 0.1


class ProgressBar:
    """One line on stderr that is written over, and taken away at the end."""

    def __init__(self, total: int, *, stream: TextIO | None = None, silent: bool = False) -> None:
        """``total`` may be too small: it grows."""
        self._stream = stream or sys.stderr
        self._total = max(1, total)
        self._done = 0
        self._began = self._shown = time.monotonic()
        self._is_shown = not silent and self._stream.isatty()

    def tick(self) -> None:
        """One more is done."""
        self._done += 1
        self._total = max(self._total, self._done)
        now = time.monotonic()
        if self._is_shown and now - self._shown > _EVERY:
            self._shown = now
            self._draw(now)

    def say(self, line: str) -> None:
        """Write a whole line above the bar."""
        self.clear()
        self._stream.write(line + "\n")
        self._stream.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self._is_shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()

    def _draw(self, now: float) -> None:
        rate = self._done / max(now - self._began, 0.001)
        width = max(10, min(40, shutil.get_terminal_size().columns - 50))
        filled = width * self._done // self._total
        bar = "#" * filled + "." * (width - filled)
        self._stream.write(f"\r\x1b[2K[{bar}] {self._done} of {self._total} files, {rate:.0f}/s")
        self._stream.flush()
