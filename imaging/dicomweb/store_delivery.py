"""The objects of one store request on their way into the archive, and what is to be told of each.

Objects lie in the spool as they come. A batch of them is made durable together, which costs the disk little more than one,
and registered in one transaction while the request is still read. So neither memory nor open files grow with a request of
thousands of instances, no lock is held while a slow sender is waited for, and what was complete before a sender broke off
is kept: sending it again changes nothing. One transaction for the whole request would gain nothing, for instances succeed
or fail one by one (PS3.18 section 10.5.3), and would lose all of that. Nothing is told before it is durable.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import BinaryIO, Final

from imaging.dicom import uids
from imaging.dicom.header import Header
from imaging.dicomweb.store_answer import Failure, Told, Warned
from imaging.ingest import intake, services
from imaging.ingest.intake import Outcome, Result
from imaging.ingest.services import Received, Refused, SpoolError
from imaging.ingest.source import Source

#: Objects in one transaction; each has an open file until then.
BATCH: Final = 100
#: An object waits no longer than this for others, in seconds.
_PATIENCE: Final = 1.0
#: The quarantine reason that depends on the object alone; any other may tell what the archive holds.
_UNREADABLE: Final = "unreadable"

_NOT_KEPT: Final = "nothing more can be kept now"
_FAILURES: Final = {
    "study_mismatch": Failure.ANOTHER_STUDY,
    "unknown_transfer_syntax": Failure.TRANSFER_SYNTAX_NOT_SUPPORTED,
}


class Delivery:
    """What one sender hands over with one request; ``address_of`` gives the address under which an instance is retrieved."""

    def __init__(self, source: Source, *, study_instance_uid: str, address_of: Callable[[Header], str]) -> None:
        """Take objects of ``study_instance_uid`` only, or of any study when it is empty."""
        self.source = source
        self._study_instance_uid = study_instance_uid
        self._address_of = address_of
        self._told: list[Told] = []
        self._received: list[tuple[int, Received, Warned | None]] = []
        self._since = 0.0
        self.studies: set[str] = set()

    @property
    def told(self) -> list[Told]:
        """What is told, in the order of the request; complete after ``finish``."""
        return self._told

    def take(
        self, stream: BinaryIO, *, sop_class_uid: str = "", sop_instance_uid: str = "", warning: Warned | None = None
    ) -> None:
        """Take one object, as a Part 10 file. Its UIDs are named to the sender when the file itself names none.

        Raises what reading the stream raises, and ``SpoolError`` when nothing more can be kept; that is told too.
        """
        try:
            received = services.receive(stream, source=self.source, study_instance_uid=self._study_instance_uid)
        except Refused as refusal:
            if refusal.found is not None:
                found = refusal.found.instance
                sop_class_uid, sop_instance_uid = found.sop_class_uid, found.sop_instance_uid
            self.fail(
                _FAILURES.get(refusal.code, Failure.CANNOT_UNDERSTAND),
                refusal.detail or refusal.code,
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
            )
        except SpoolError:
            self.fail(
                Failure.OUT_OF_RESOURCES,
                _NOT_KEPT,
                sop_class_uid=sop_class_uid,
                sop_instance_uid=sop_instance_uid,
            )
            raise
        else:
            self._received.append((len(self._told), received, warning))
            self._told.append(Told())
            if len(self._received) == 1:
                self._since = time.monotonic()
        if len(self._received) >= BATCH or (self._received and time.monotonic() - self._since > _PATIENCE):
            self.finish()

    def fail(self, failure: Failure, comment: str, *, sop_class_uid: str = "", sop_instance_uid: str = "") -> None:
        """Tell of something that was not kept; of whom only by UIDs that are UIDs."""
        if not (uids.is_valid_uid(sop_class_uid) and uids.is_valid_uid(sop_instance_uid)):
            sop_class_uid = sop_instance_uid = ""
        self._told.append(Told(sop_class_uid, sop_instance_uid, failure=failure, comment=comment))

    def finish(self) -> None:
        """Make durable and register what has come. Raises ``SpoolError`` when that cannot be; it is told of each."""
        received, self._received = self._received, []
        if not received:
            return
        try:
            held = services.hold_together([item for _position, item, _warning in received])
        except SpoolError:
            for position, item, _warning in received:
                named = item.header.instance
                self._told[position] = Told(
                    named.sop_class_uid, named.sop_instance_uid, failure=Failure.OUT_OF_RESOURCES, comment=_NOT_KEPT
                )
            raise
        for (position, _item, warning), result in zip(received, intake.register(held), strict=True):
            self._told[position] = self._told_of(result, warning)

    def failures(self) -> dict[str, int]:
        """How many of each failure, by its code in hexadecimal digits."""
        return Counter(f"{item.failure:04X}" for item in self._told if item.failure is not None)

    def _told_of(self, result: Result, warning: Warned | None) -> Told:
        """The truth, without what the archive held before: conflicts and quarantine are plain success."""
        header = result.header
        sop_class_uid, sop_instance_uid = header.instance.sop_class_uid, header.instance.sop_instance_uid
        if result.outcome is Outcome.QUARANTINED and result.reason == _UNREADABLE:
            # Kept, and so no failure: a sender that is told one would send it again for ever.
            comment = result.detail or "cannot be read"
            return Told(sop_class_uid, sop_instance_uid, warning=Warned.DOES_NOT_MATCH_SOP_CLASS, comment=comment)
        self.studies.add(header.study.study_instance_uid)
        return Told(sop_class_uid, sop_instance_uid, retrieve_url=self._address_of(header), warning=warning)
