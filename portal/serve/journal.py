"""The one readable log of `serve`: a line has the time, who speaks, and what is said."""

import json
import logging.handlers
import re
import sys
import time
import zlib
from pathlib import Path
from typing import TextIO

from accounts.invisible import shown

#: Who speaks when the supervisor itself does.
OURSELVES = "serve"

_WIDTH = 10
_ISO = "%Y-%m-%dT%H:%M:%S%z"
_COLOURS = (36, 32, 35, 34, 33, 96, 92, 95, 94)
# Escape sequences and control characters of a child must not reach the terminal.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Journal:
    """Writes to the console, in colours where it is one, and to DATA_DIR/log/negatoscope.log (5 files of 10 MB)."""

    def __init__(self, folder: Path | None, console: TextIO | None = None, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._console = console or sys.stdout
        self._colours = self._console.isatty()
        self.path = folder / "negatoscope.log" if folder else None
        self._file: logging.Handler | None = None
        if self.path:
            self._file = logging.handlers.RotatingFileHandler(self.path, maxBytes=10_000_000, backupCount=4)
            self._file.setFormatter(logging.Formatter("%(message)s"))

    def say(self, text: str, name: str = OURSELVES) -> None:
        """Write `text`, each of its lines prefixed with the time and `name`."""
        for line in text.rstrip("\n").split("\n"):
            clean = shown(_CONTROL.sub("", line).expandtabs()).rstrip()
            self._to_console(name, clean)
            self._to_file(name, clean)

    def _to_console(self, name: str, line: str) -> None:
        try:
            print(self._shown(name, line), file=self._console, flush=True)
        except (OSError, ValueError):
            # The terminal is gone; the file goes on.
            return

    def _shown(self, name: str, line: str) -> str:
        if self._as_json:
            return json.dumps({"time": time.strftime(_ISO), "name": name, "line": line}, ensure_ascii=False)
        prefix = f"{time.strftime('%H:%M:%S')} {name:<{_WIDTH}}"
        if self._colours:
            bold = "1;" if name == OURSELVES else ""
            prefix = f"\x1b[{bold}{_COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]}m{prefix}\x1b[0m"
        return f"{prefix} {line}"

    def _to_file(self, name: str, line: str) -> None:
        if self._file:
            message = f"{time.strftime(_ISO)} {name:<{_WIDTH}} {line}"
            self._file.handle(logging.LogRecord(name, logging.INFO, "", 0, message, None, None))

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
