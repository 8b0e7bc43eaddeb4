"""Senders that go on while everything around them is killed, and remember what they were told is safe."""

import threading
import urllib.error
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

from tests.journeys import doors
from tests.journeys.running_portal import RunningPortal

#: What a client sees when the other side dies in mid-sentence.
_GONE = (urllib.error.URLError, HTTPException, OSError, ValueError)


@dataclass
class Stowing:
    """A machine that stores batches by STOW-RS until it is told to stop."""

    portal: RunningPortal
    paths: list[Path]
    acknowledged: set[Path] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        by_uid = {path.stem: path for path in self.paths}
        for start in range(0, len(self.paths), 4):
            batch = self.paths[start : start + 4]
            while not self._stop.wait(0.05):
                try:
                    answer = doors.stow(self.portal, [path.read_bytes() for path in batch])
                    self.acknowledged |= {by_uid[uid] for uid in doors.stored_by_stow(answer)}
                except _GONE:
                    continue
                if answer.status in {200, 202}:
                    break

    def stop(self) -> set[Path]:
        """Finish the request that is under way; what was acknowledged."""
        self._stop.set()
        self._thread.join(60)
        return set(self.acknowledged)


@dataclass
class Uploading:
    """A person's browser that brings files in, and tries again as the page's script does."""

    desk: doors.Desk
    paths: list[Path]
    acknowledged: set[Path] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.key = self.desk.begin("Killed on the way")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        for path in self.paths:
            while not self._stop.wait(0.05):
                try:
                    answer = self.desk.send_file(self.key, path.name, path.read_bytes())
                except _GONE:
                    continue
                if answer.status == 201 and int(answer.headers["Upload-Offset"]) == path.stat().st_size:
                    self.acknowledged.add(path)
                    break

    def stop(self) -> set[Path]:
        """Finish the file that is under way; what was acknowledged."""
        self._stop.set()
        self._thread.join(60)
        return set(self.acknowledged)
