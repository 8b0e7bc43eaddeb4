"""C-STORE requests of one association, from presentation data values straight into the spool.

Knows the protocol's messages but no sockets and no threads: fed fragments, it gives answers. What is no C-STORE request is
handed to the library as it came.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from imaging.dicom import uids
from imaging.dimse import command_set, status
from imaging.dimse.command_set import Command
from imaging.dimse.status import Status
from imaging.ingest import services as ingest
from imaging.ingest.source import Source

logger = logging.getLogger(__name__)

#: Bits of the message control header (PS3.8 annex E.2).
_COMMAND: Final = 1
_LAST: Final = 2
#: No real command set is longer than a few hundred bytes.
_COMMAND_LIMIT: Final = 16 * 1024
#: A performed step names each of its images; the data sets of other services are small.
_FORWARDED_LIMIT: Final = 4 * 1024 * 1024


class ProtocolError(Exception):
    """The peer breaks the rules of message exchange: the association is aborted."""


@dataclass(frozen=True, slots=True)
class Context:
    """One accepted presentation context."""

    abstract_syntax: str
    transfer_syntax: str


@dataclass(slots=True)
class Tally:
    """What came over one association, for its log line and the audit."""

    stored: int = 0
    refused: int = 0
    octets: int = 0
    started: float = field(default_factory=time.monotonic)


class Store:
    """One C-STORE request whose data set is on its way."""

    def __init__(
        self, command: Command, context_id: int, reception: "ingest.Reception | None", failure: Status
    ) -> None:
        """Take bytes into ``reception``; without one they are read and dropped, and ``failure`` is the answer."""
        self.command = command
        self.context_id = context_id
        self._reception = reception
        self._failure = failure

    def write(self, chunk: memoryview) -> None:
        """Add data set bytes; a failure is kept for the answer, because the peer sends on to the end anyway."""
        if self._reception is None:
            return
        try:
            self._reception.write(chunk)
        except ingest.SpoolError as error:
            self._fail(error)

    def finish(self) -> Status:
        """The answer: success only when the bytes are durable."""
        if self._reception is None:
            return self._failure
        try:
            self._reception.commit()
        except ingest.Refused as refusal:
            return status.of_refusal(refusal.code, refusal.detail)
        except ingest.SpoolError as error:
            self._fail(error)
            return self._failure
        except Exception:
            logger.exception("C-STORE failed in a way that nobody foresaw.")
            return status.PROCESSING_FAILURE
        return status.SUCCESS

    def _fail(self, error: ingest.SpoolError) -> None:
        self._failure = failure_of(error)
        self.abandon()

    def abandon(self) -> None:
        """Forget the bytes: the association is gone."""
        if self._reception is not None:
            self._reception.abort()
            self._reception = None


def failure_of(error: ingest.SpoolError) -> Status:
    """A700 with the reason; logged, because somebody must make room."""
    logger.error("An object cannot be kept: %s.", error)
    return status.OUT_OF_RESOURCES if isinstance(error, ingest.SpoolFull) else status.CANNOT_WRITE


class Receiver:
    """Message exchange of one association (PS3.7 section 6.3)."""

    def __init__(
        self,
        *,
        source: Source,
        may_store: bool,
        contexts: Mapping[int, Context],
        forward: Callable[[int, bytes], None],
        is_used_up: Callable[[], bool] = lambda: False,
        tell_refused: Callable[[str], None] = lambda _words: None,
    ) -> None:
        """``forward`` takes (context ID, control byte and fragment) of every other request.

        ``is_used_up`` answers at once whether the sender's quota is; ``tell_refused`` hears the words of each refusal.
        """
        self._source = source
        self._may_store = may_store
        self._contexts = contexts
        self._forward = forward
        self._is_used_up = is_used_up
        self._tell_refused = tell_refused
        self._encoded_command = bytearray()
        self._store: Store | None = None
        self._forwarded: int | None = None
        self.tally = Tally()

    @property
    def is_busy(self) -> bool:
        """Whether a message has begun and has not ended."""
        return self._store is not None or self._forwarded is not None or bool(self._encoded_command)

    def receive(self, context_id: int, control: int, fragment: memoryview) -> tuple[int, bytes] | None:
        """Take one fragment; gives (context ID, encoded C-STORE response) when a request is complete.

        Raises ``ProtocolError``.
        """
        if control & _COMMAND:
            return self._receive_command(context_id, control, fragment)
        if self._store is not None:
            return self._receive_data(self._store, context_id, control, fragment)
        if self._forwarded is None:
            raise ProtocolError("a data set fragment without a command")
        self._forwarded += len(fragment)
        if self._forwarded > _FORWARDED_LIMIT:
            raise ProtocolError("a data set too large for its service")
        self._forward(context_id, bytes((control,)) + fragment)
        if control & _LAST:
            self._forwarded = None
        return None

    def _receive_command(self, context_id: int, control: int, fragment: memoryview) -> tuple[int, bytes] | None:
        if self._store is not None or self._forwarded is not None:
            raise ProtocolError("a command before the end of a data set")
        self._encoded_command += fragment
        if len(self._encoded_command) > _COMMAND_LIMIT:
            raise ProtocolError("a command set too large")
        if not control & _LAST:
            return None
        encoded = bytes(self._encoded_command)
        self._encoded_command.clear()
        if context_id not in self._contexts:
            raise ProtocolError("a presentation context that was not accepted")
        try:
            command = command_set.parse(encoded)
        except command_set.BadCommand as error:
            raise ProtocolError(f"a broken command set: {error}") from error
        if command.field != command_set.C_STORE_RQ:
            self._forwarded = 0 if command.has_data_set else None
            self._forward(context_id, bytes((_COMMAND | _LAST,)) + encoded)
            return None
        store = self._begin(command, context_id)
        if not command.has_data_set:
            store.abandon()
            return self._answer(command, context_id, status.NO_DATA_SET)
        self._store = store
        return None

    def _begin(self, command: Command, context_id: int) -> Store:
        context = self._contexts[context_id]
        failure = self._objection(command, context)
        if failure is None:
            try:
                reception = ingest.begin(
                    source=self._source,
                    sop_class_uid=command.sop_class_uid,
                    sop_instance_uid=command.sop_instance_uid,
                    transfer_syntax_uid=context.transfer_syntax,
                )
                return Store(command, context_id, reception, status.PROCESSING_FAILURE)
            except ingest.SpoolError as error:
                failure = failure_of(error)
        return Store(command, context_id, None, failure)

    def _objection(self, command: Command, context: Context) -> Status | None:
        if not self._may_store:
            return status.NOT_AUTHORISED
        if command.sop_class_uid != context.abstract_syntax:
            return status.SOP_CLASS_NOT_SUPPORTED
        if not uids.is_valid_uid(command.sop_instance_uid):
            return status.INVALID_INSTANCE
        return status.QUOTA_REACHED if self._is_used_up() else None

    def _receive_data(
        self, store: Store, context_id: int, control: int, fragment: memoryview
    ) -> tuple[int, bytes] | None:
        if context_id != store.context_id:
            raise ProtocolError("a data set in another presentation context than its command")
        store.write(fragment)
        self.tally.octets += len(fragment)
        if not control & _LAST:
            return None
        self._store = None
        return self._answer(store.command, context_id, store.finish())

    def _answer(self, command: Command, context_id: int, answer: Status) -> tuple[int, bytes]:
        if answer.code == status.SUCCESS.code:
            self.tally.stored += 1
        else:
            self.tally.refused += 1
            self._tell_refused(answer.comment)
            logger.warning("C-STORE from %s refused with %04X: %s.", self._source.sender, answer.code, answer.comment)
        return context_id, command_set.store_response(command, answer)

    def close(self) -> None:
        """Forget an object that was on its way when the association ended."""
        if self._store is not None:
            self._store.abandon()
            self._store = None
