"""The library's upper layer (PS3.8) with a short way for data: P-DATA of an established association goes to the receiver at once.

Negotiation, release, abort, timers and the state machine stay the library's. Two things differ while the association is in
state 6 (data transfer): PDUs are read in one call into one buffer, and C-STORE messages are answered from here instead of
being collected in memory and passed between threads. Lengths are checked before anything is allocated.
"""

import contextlib
import logging
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final, cast

from pynetdicom.association import Association
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import P_DATA

from accounts.actor import ANONYMOUS
from accounts.roles import Door
from imaging.dimse import find_exchange, performed_exchange
from imaging.dimse.finding import Agreed, Asker, Finder
from imaging.dimse.performed_steps import PerformedSteps
from imaging.dimse.reception import Context, ProtocolError, Receiver
from imaging.dimse.worklist import Worklist
from imaging.ingest.source import Source

logger = logging.getLogger(__name__)

#: Seconds of silence within one PDU, and for the whole of it, after which the peer is taken for gone.
SILENCE: Final = 8.0
_PDU_TIME: Final = 60.0
#: A slow line brings at least so many bytes in `SILENCE`; less is taken for silence.
_TRICKLE: Final = 1024
#: How long an ended association is listened to before its connection is closed, so that the peer reads our abort.
_FAREWELL: Final = 1.0
#: How long a quiet association waits for data before it looks at what else is to be done.
_PAUSE: Final = 0.02

_P_DATA_TF: Final = 0x04
_PDU_TYPES: Final = range(0x01, 0x08)
#: Peers were told `maximum_pdu_size`; a little more does no harm, 4 GiB would.
_P_DATA_LIMIT: Final = 1024 * 1024
_OTHER_LIMIT: Final = 256 * 1024
_DATA_TRANSFER: Final = "Sta6"
_AWAITING_CLOSE: Final = "Sta13"

_HEAD = struct.Struct(">BBL")
_VALUE_HEAD = struct.Struct(">LBB")


#: Until the peer is recognised nothing is found.
_NOBODY: Final = Finder(ae_title="")
_NOBODYS_WORKLIST: Final = Worklist()
_NOBODYS_STEPS: Final = PerformedSteps()


class _Ended(Exception):
    """The peer closed the connection, or says nothing any more."""


class StreamingUpperLayer(DULServiceProvider):
    """One association's upper layer."""

    def __init__(self, assoc: Association) -> None:
        """Begin without a receiver: it is made when the contexts are agreed upon."""
        super().__init__(assoc)
        self.receiver: Receiver | None = None
        #: Set by who wants the association to end; whereupon we say when it is between two messages, and read no more.
        self.is_asked_to_end = False
        self.may_end = False
        self._buffer = bytearray(64 * 1024)
        self._poll: Any = None

    @property
    def _connection(self) -> socket.socket | None:
        return self.socket.socket if self.socket is not None else None

    def run_reactor(self) -> None:
        """Run as the library does, and never leave half an object behind."""
        try:
            super().run_reactor()
        finally:
            self.assoc._reactor_checkpoint.set()
            if self.receiver is not None:
                self.receiver.close()

    def hang_up(self) -> None:
        """End a connection over which no request came; the library waits for one in its queue, where nothing is a refusal."""
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        cast(Any, self.to_user_queue).put(None)

    def _is_transport_event(self) -> bool:
        connection = self._connection
        if connection is not None and self.state_machine.current_state == _AWAITING_CLOSE:
            self._part(connection)
            return True
        if connection is None or self.state_machine.current_state != _DATA_TRANSFER:
            self.may_end = self.is_asked_to_end
            return bool(super()._is_transport_event())
        if self.receiver is None:
            self.receiver = cast("StreamingAssociation", self.assoc).make_receiver()
        receiver = self.receiver
        seen = False
        try:
            while self._is_free(receiver) and self._is_readable(connection):
                seen = True
                self._idle_timer.restart()
                # The library's own loop over this association may rest while objects stream.
                self.assoc._reactor_checkpoint.clear()
                if not self._read_data(receiver):
                    break
        finally:
            # Between objects a modality may be quiet for long; within one, silence means that it is gone.
            self._idle_timer.timeout = SILENCE if receiver.is_busy else self.network_timeout
            self.assoc._reactor_checkpoint.set()
        return seen

    def _is_free(self, receiver: Receiver) -> bool:
        """Whether more may be read: what the library has to answer or to send comes first, or a flood would pile up in memory."""
        # Only this thread knows whether a message has begun: another one would see it between two of its steps.
        if self.is_asked_to_end and not receiver.is_busy:
            self.may_end = True
            return False
        return not self._kill_thread and self.to_provider_queue.empty() and self.assoc.dimse.msg_queue.empty()

    def _part(self, connection: socket.socket) -> None:
        """Pass over what the peer still says, unread as PDUs: it may be anything; then close."""
        deadline = time.monotonic() + _FAREWELL
        with contextlib.suppress(OSError):
            while time.monotonic() < deadline and connection.recv(_OTHER_LIMIT, socket.MSG_DONTWAIT):
                pass
        if self.socket is not None:
            self.socket.close()

    def _is_readable(self, connection: socket.socket) -> bool:
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(connection, select.POLLIN)
        return bool(self._poll.poll(_PAUSE * 1000)) or bool(getattr(connection, "pending", int)())

    def _read_data(self, receiver: Receiver) -> bool:
        """Read one PDU; False when the library has something to do now."""
        try:
            kind, length = self._read_head()
            if kind != _P_DATA_TF:
                self._read_other(kind, length)
                return False
            if not 6 <= length <= _P_DATA_LIMIT:
                raise ProtocolError(f"a P-DATA PDU of {length} bytes")
            self._receive_values(receiver, self._read(length))
        except _Ended:
            self.event_queue.put("Evt17")
            return False
        except ProtocolError as error:
            logger.warning("Association aborted: %s.", error)
            self.event_queue.put("Evt19")
            return False
        return True

    def _receive_values(self, receiver: Receiver, values: memoryview) -> None:
        """Hand each presentation data value of a P-DATA-TF PDU to the receiver (PS3.8 section 9.3.5.1)."""
        offset = 0
        while offset < len(values):
            if offset + _VALUE_HEAD.size > len(values):
                raise ProtocolError("a P-DATA PDU ends within a value's head")
            length, context_id, control = _VALUE_HEAD.unpack_from(values, offset)
            end = offset + 4 + length
            if length < 2 or end > len(values):
                raise ProtocolError("a presentation data value that does not fit its PDU")
            answer = receiver.receive(context_id, control, values[offset + 6 : end])
            if answer is not None:
                self._send_command(*answer)
            offset = end

    def _send_command(self, context_id: int, encoded: bytes) -> None:
        """Send a command set as P-DATA-TF, in fragments that the peer's maximum length allows."""
        largest = self.assoc.requestor.maximum_length or len(encoded) + 6
        step = max(1, largest - 6)
        pdus = bytearray()
        for start in range(0, len(encoded), step):
            fragment = encoded[start : start + step]
            control = 0x01 | (0x02 if start + step >= len(encoded) else 0)
            pdus += _HEAD.pack(_P_DATA_TF, 0, len(fragment) + 6)
            pdus += _VALUE_HEAD.pack(len(fragment) + 2, context_id, control)
            pdus += fragment
        connection = self._connection
        if connection is None:
            raise _Ended
        try:
            connection.sendall(pdus)
        except OSError as error:
            raise _Ended from error

    def _read_pdu_data(self) -> None:
        """Read a PDU in any other state than data transfer: the library's events, our limits."""
        try:
            self._read_other(*self._read_head())
        except _Ended:
            self.event_queue.put("Evt17")
        except ProtocolError as error:
            logger.warning("Association aborted: %s.", error)
            self.event_queue.put("Evt19")

    def _read_other(self, kind: int, length: int) -> None:
        if kind not in _PDU_TYPES:
            raise ProtocolError(f"no PDU type: {kind:02X}")
        if length > (_P_DATA_LIMIT if kind == _P_DATA_TF else _OTHER_LIMIT):
            raise ProtocolError(f"a PDU of {length} bytes")
        body = self._read(length)
        try:
            pdu, event = self._decode_pdu(bytearray(_HEAD.pack(kind, 0, length)) + body)
        except Exception as error:  # the library raises anything for broken items
            raise ProtocolError(f"a PDU that cannot be decoded ({type(error).__name__})") from error
        self.event_queue.put(event)
        self._recv_pdu.put(pdu)

    def _read_head(self) -> tuple[int, int]:
        kind, _reserved, length = _HEAD.unpack(self._read(6))
        return int(kind), int(length)

    def _read(self, length: int) -> memoryview:
        """Exactly so many bytes; the view is valid until the next call. Raises ``_Ended``."""
        if length > len(self._buffer):
            self._buffer = bytearray(length)
        view = memoryview(self._buffer)[:length]
        connection = self._connection
        if connection is None:
            raise _Ended
        flags = 0 if hasattr(connection, "pending") else socket.MSG_WAITALL
        deadline = time.monotonic() + _PDU_TIME
        got = 0
        try:
            while got < length:
                count = connection.recv_into(view[got:], length - got, flags)
                got += count
                # With MSG_WAITALL the kernel gives less than asked for only after `SILENCE`, or at the end.
                if got < length and (not count or (flags and count < _TRICKLE) or time.monotonic() > deadline):
                    raise _Ended
        except OSError as error:
            raise _Ended from error
        return view


def _context(accepted: Any) -> Context:
    return Context(str(accepted.abstract_syntax), str(accepted.transfer_syntax[0]))


def _service_of(msg: Any, context: Context) -> Callable[["StreamingAssociation", Any, int, Context], None] | None:
    """Who answers a message of ours; None for the library."""
    if find_exchange.is_query(msg, context.abstract_syntax):
        return find_exchange.serve
    if performed_exchange.is_report(msg, context.abstract_syntax):
        return performed_exchange.serve
    return None


class StreamingAssociation(Association):
    """An association whose upper layer streams; everything else is the library's."""

    def __init__(self, ae: Any, mode: str) -> None:
        """Replace the upper layer before anything refers to it."""
        super().__init__(ae, mode)
        self.dul: StreamingUpperLayer = StreamingUpperLayer(self)
        # The library sets timers on the upper layer by these.
        self.acse_timeout = ae.acse_timeout
        self.network_timeout = ae.network_timeout
        self.source: Source | None = None
        self.may_store = False
        self.is_used_up: Callable[[], bool] = lambda: False
        self.tell_refused: Callable[[str], None] = lambda _words: None
        self.asker = Asker(ANONYMOUS)
        self.agreed = Agreed()
        self.finder = _NOBODY
        self.worklist = _NOBODYS_WORKLIST
        self.performed_steps = _NOBODYS_STEPS

    def _serve_request(self, msg: Any, context_id: int) -> None:
        """Answer queries and performed steps by our own services, and everything else as the library does."""
        accepted = self._accepted_cx.get(context_id)
        context = _context(accepted) if accepted is not None else None
        serve = _service_of(msg, context) if context is not None else None
        if context is None or serve is None:
            super()._serve_request(msg, context_id)
            return
        self._is_paused = True
        try:
            serve(self, msg, context_id, context)
        finally:
            self._is_paused = False

    def make_receiver(self) -> Receiver:
        """A receiver for the contexts that were agreed upon; before the peer is recognised nothing may be stored."""
        return Receiver(
            source=self.source or Source(door=Door.DIMSE, sender=""),
            may_store=self.may_store and self.source is not None,
            contexts={key: _context(accepted) for key, accepted in self._accepted_cx.items()},
            forward=self.forward,
            is_used_up=self.is_used_up,
            tell_refused=self.tell_refused,
        )

    def forward(self, context_id: int, value: bytes) -> None:
        """Give a message fragment to the library's own message exchange."""
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((context_id, value))
        self.dimse.receive_primitive(primitive)

    def close_if_idle(self) -> None:
        """Abort the association once it is not in the middle of an object; to be asked again until then."""
        self.dul.is_asked_to_end = True
        if self.requestor.primitive is None:
            self.dul.hang_up()
        elif self.dul.may_end or not self.dul.is_alive():
            self.abort()
