"""Answers of all services (PS3.4 annexes B, C, F and K): every refusal has its own code and words."""

from dataclasses import dataclass
from typing import Final

#: Longest error comment (PS3.7 annex C, VR LO).
COMMENT_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class Status:
    """A status code and, for a failure, the words that a technician reads on the console of the sender."""

    code: int
    comment: str = ""


SUCCESS: Final = Status(0x0000)
SOP_CLASS_NOT_SUPPORTED: Final = Status(0x0122, "SOP class is not that of the presentation context")
INVALID_INSTANCE: Final = Status(0x0117, "Affected SOP Instance UID is missing or is no UID")
NOT_AUTHORISED: Final = Status(0x0124, "This application entity may not store here")
OUT_OF_RESOURCES: Final = Status(0xA700, "No room left: disk reserve reached")
QUOTA_REACHED: Final = Status(0xA700, "The quota of this application entity is used up for today")
CANNOT_WRITE: Final = Status(0xA700, "The object cannot be made durable now")
NO_DATA_SET: Final = Status(0xC000, "The request has no data set")
PROCESSING_FAILURE: Final = Status(0x0110, "Processing failed")

_DOES_NOT_MATCH: Final = frozenset({"sop_instance_mismatch", "sop_class_mismatch"})


def of_refusal(code: str, detail: str) -> Status:
    """A900 when the data set is another object than announced, otherwise C000: cannot understand."""
    comment = f"{code}: {detail}"[:COMMENT_LIMIT].encode("ascii", "replace").decode()
    return Status(0xA900 if code in _DOES_NOT_MATCH else 0xC000, comment)


# Answers of the query service (PS3.4 table C.4-1).
PENDING: Final = Status(0xFF00)
#: Some keys were left out of account: they are not matched here.
PENDING_PARTLY: Final = Status(0xFF01)
CANCELLED: Final = Status(0xFE00)
MAY_NOT_QUERY: Final = Status(0x0124, "This application entity may not search here")
MAY_NOT_ASK_WORKLIST: Final = Status(0x0124, "This application entity may not ask for the worklist")
QUERIES_BUSY: Final = Status(0xA700, "Too many searches at the moment, ask again")
QUERY_TOO_BROAD: Final = Status(0xA700, "The search takes too long: narrow it")
QUERY_NOT_ANSWERED: Final = Status(0xA700, "The archive cannot be searched now, ask again")
QUERY_FAILED: Final = Status(0xC001, "The search failed")


def too_many_matches(most: int) -> Status:
    """A700 after as many matches as one query gives: those were sent, the rest were not."""
    return Status(0xA700, f"More than {most} matches: narrow the search")


def of_identifier(words: str) -> Status:
    """C000: unable to process, with the reason."""
    return Status(0xC000, words[:COMMENT_LIMIT].encode("ascii", "replace").decode())


def not_of_model(words: str) -> Status:
    """A900: the identifier does not match the SOP class."""
    return Status(0xA900, words[:COMMENT_LIMIT])


# Answers of the performed step service (PS3.7 annex C, PS3.4 sections F.7.2.1 and F.7.2.2).
MAY_NOT_REPORT: Final = Status(0x0124, "This application entity may not report exams")
DUPLICATE_INSTANCE: Final = Status(0x0111, "This performed procedure step was told already")
NO_SUCH_INSTANCE: Final = Status(0x0112, "No such performed procedure step of this application entity")
MAY_NO_LONGER_BE_UPDATED: Final = Status(0x0110, "Performed Procedure Step Object may no longer be updated")
#: The Error ID that goes with it (PS3.4 table F.7.2-3).
NO_LONGER_UPDATED_ID: Final = 0xA710
ATTRIBUTES_LEFT: Final = Status(0x0107, "Kept; attributes that may not change were left as they were")
CLASS_CONFLICT: Final = Status(0x0119, "SOP class is not that of the presentation context")
OPERATION_NOT_OFFERED: Final = Status(0x0211, "Only N-CREATE and N-SET are offered")
NOT_READABLE: Final = Status(0x0110, "The data set cannot be read")
REPORTS_BUSY: Final = Status(0x0213, "The report cannot be kept now, send it again")


def of_attribute(code: int, words: str) -> Status:
    """0106, 0120 or 0121: which attribute is invalid, missing or empty."""
    return Status(code, words[:COMMENT_LIMIT])
