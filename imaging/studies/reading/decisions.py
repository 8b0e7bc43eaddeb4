"""What a reader was just allowed to see, kept for one second in the process: a viewer asks for hundreds of frames of a series.

It is the only cache of decisions (DESIGN 4, "Placement and scope"). The second frame of a series within a second brings those
around it along, with one query; whoever loses a right, and whatever is withdrawn, is out of it after that second.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, fields
from typing import Final

from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies.models import InstanceVersion

SECONDS: Final = 1.0
#: Instances that are brought along, by their number: those before one that is asked for, and it with those behind.
BEHIND: Final = 16
AHEAD: Final = 64
#: Series of which something is kept; the oldest are dropped first.
_MOST: Final = 64
_OF_A_REQUEST: Final = "principal"

Key = tuple[Hashable, ...]


@dataclass(slots=True)
class _Kept:
    """What is known of one series for one reader: versions by SOP Instance UID, each with the moment of its decision."""

    asked_at: float
    versions: dict[str, tuple[float, InstanceVersion]] = field(default_factory=dict)


class Decisions:
    """The versions that readers were allowed to see within the last second."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()

    def find(self, key: Key, sop_instance_uid: str) -> InstanceVersion | None:
        """The version, if it was allowed within the last second."""
        with self._lock:
            kept = self._kept.get(key)
            found = kept.versions.get(sop_instance_uid) if kept else None
        return found[1] if found and time.monotonic() - found[0] < SECONDS else None

    def is_busy(self, key: Key) -> bool:
        """Whether the reader asked for something of this series within the last second; asking counts."""
        now = time.monotonic()
        with self._lock:
            kept = self._kept.setdefault(key, _Kept(-SECONDS))
            self._kept.move_to_end(key)
            is_busy, kept.asked_at = now - kept.asked_at < SECONDS, now
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return is_busy

    def keep(self, key: Key, decided_at: float, versions: Iterable[InstanceVersion]) -> None:
        """Remember what was allowed at a moment of the monotonic clock, taken before it was asked for."""
        with self._lock:
            kept = self._kept.setdefault(key, _Kept(decided_at))
            kept.versions = {uid: entry for uid, entry in kept.versions.items() if decided_at - entry[0] < SECONDS}
            kept.versions.update({row.instance.sop_instance_uid: (decided_at, row) for row in versions})

    def clear(self) -> None:
        """Forget everything, as a new process would."""
        with self._lock:
            self._kept.clear()


remembered = Decisions()


def key_of(scope: Scope, right: Right, study_instance_uid: str, series_instance_uid: str) -> Key:
    """What makes two decisions the same: all of the scope but the request that it came with."""
    held = tuple(getattr(scope, entry.name) for entry in fields(scope) if entry.name != _OF_A_REQUEST)
    return (scope.principal.kind, scope.principal.id, held, right, study_instance_uid, series_instance_uid)
