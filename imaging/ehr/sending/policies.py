"""When a message is tried again, when somebody is told, and what an answer means."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

#: After the first failure, the second, …; the last one repeats, for as long as it takes.
_PAUSES: Final = (5, 15, 60, 300, 900)
#: A message that has been owed for so long is worth a word to those who look after machines.
TOLD_AFTER: Final = timedelta(minutes=15)
#: So often a message may be answered "later" before it is laid aside: it would keep all others back.
MOST_LATER: Final = 8

#: MSA-1 (table 0008), of the application or of the transport.
TAKEN: Final = frozenset({"AA", "CA"})
LATER: Final = frozenset({"AR", "CR"})


def pause(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return timedelta(seconds=_PAUSES[min(failures, len(_PAUSES)) - 1])
