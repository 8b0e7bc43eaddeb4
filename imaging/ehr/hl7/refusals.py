"""Why a message is refused, in the codes that the sender's system knows (HL7 table 0357)."""

from __future__ import annotations

from enum import Enum


class Code(Enum):
    """HL7 table 0357, message error condition codes."""

    SEGMENT_ORDER = "100", "Segment sequence error"
    FIELD_MISSING = "101", "Required field missing"
    DATA_TYPE = "102", "Data type error"
    NOT_IN_TABLE = "103", "Table value not found"
    MESSAGE_TYPE = "200", "Unsupported message type"
    EVENT = "201", "Unsupported event code"
    PROCESSING_ID = "202", "Unsupported processing id"
    VERSION = "203", "Unsupported version id"
    UNKNOWN_KEY = "204", "Unknown key identifier"
    DUPLICATE_KEY = "205", "Duplicate key identifier"
    LOCKED = "206", "Application record locked"
    INTERNAL = "207", "Application internal error"

    def __init__(self, number: str, title: str) -> None:
        """Number and title, as the table has them."""
        self.number = number
        self.title = title


class Refused(Exception):
    """A message that cannot be taken over: the code, where (``PID^1^3``: segment, repetition, field), and a sentence.

    ``is_passing`` is true where the same message may be sent again later. The sentence never quotes the message: it goes into
    the logs of other systems.
    """

    def __init__(self, code: Code, location: str, text: str, *, is_passing: bool = False) -> None:
        """Keep what the answer needs."""
        super().__init__(f"{code.number} at {location}: {text}")
        self.code = code
        self.location = location
        self.text = text
        self.is_passing = is_passing


class Held(Exception):
    """A message that is right and kept, and has its effect when a person says so. The sentence quotes nothing of it."""

    def __init__(self, text: str) -> None:
        """Keep what the list of messages says."""
        super().__init__(text)
        self.text = text
