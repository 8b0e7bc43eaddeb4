"""The listener of one process: the library's server on a socket that the supervisor of the processes has bound."""

import logging
import socket
import struct
import time
from datetime import timedelta
from typing import Any, Final, cast

from pynetdicom import _config, evt
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.ae import ApplicationEntity as LocalEntity
from pynetdicom.transport import AssociationServer, AssociationSocket, RequestHandler

from imaging.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from imaging.dimse import contexts, find_exchange
from imaging.dimse.admission import Admission, Caller, Refusal
from imaging.dimse.finding import Asker, Finder
from imaging.dimse.performed_steps import PerformedSteps
from imaging.dimse.turns import Turns
from imaging.dimse.upper_layer import SILENCE, StreamingAssociation
from imaging.dimse.worklist import Worklist

logger = logging.getLogger(__name__)

MAXIMUM_PDU_SIZE: Final = 131072
#: Per process. More callers than this are told to come again (local limit exceeded).
MAXIMUM_ASSOCIATIONS: Final = 100
#: Connections beyond this are closed at once: they have not even asked for an association yet.
_MAXIMUM_CONNECTIONS: Final = 200
#: Seconds a quiet association may stay open between two objects.
_IDLE: Final = 60.0
#: Seconds that a stop waits for objects that are on their way.
_GRACE: Final = 8.0

# Nothing about objects goes to the log, and UIDs are checked by us.
_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = False
_config.LOG_RESPONSE_IDENTIFIERS = False


class _Handler(RequestHandler):
    """Makes a streaming association out of a connection."""

    def _create_association(self) -> StreamingAssociation:
        association = StreamingAssociation(self.ae, MODE_ACCEPTOR)
        association._server = self.server
        # The library finds its acceptors by this name.
        association.name = f"AcceptorThread@{self.client_address[0]}:{self.client_address[1]}"
        association.set_socket(AssociationSocket(association, client_socket=self.request))
        association.acceptor.maximum_length = self.ae.maximum_pdu_size
        association.acceptor.ae_title = self.server.ae_title
        association.acceptor.address_info = self.local
        association.acceptor.implementation_class_uid = self.ae.implementation_class_uid
        association.acceptor.implementation_version_name = self.ae.implementation_version_name
        association.requestor.address_info = self.remote
        association.bind(evt.EVT_REQUESTED, cast(Server, self.server).on_requested)
        association.bind(evt.EVT_SOP_EXTENDED, cast(Server, self.server).on_extended)
        return association


class Server(AssociationServer):
    """Accepts connections of a socket that is bound and listening already, perhaps shared with other processes."""

    def __init__(self, listening: socket.socket, *, ae_title: str, admission: Admission) -> None:
        """Take over ``listening``; ``admission`` decides who may call."""
        entity = LocalEntity(ae_title)
        entity.maximum_pdu_size = MAXIMUM_PDU_SIZE
        entity.maximum_associations = MAXIMUM_ASSOCIATIONS
        entity.acse_timeout = SILENCE
        entity.dimse_timeout = SILENCE
        entity.network_timeout = _IDLE
        entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        self._listening = listening
        self._admission = admission
        self._turns = turns = Turns()
        self._finder = Finder(ae_title=ae_title, turns=turns)
        self._worklist = Worklist(turns=turns)
        self._performed_steps = PerformedSteps(turns=turns)
        super().__init__(entity, listening.getsockname(), ae_title, [], request_handler=_Handler)
        cast(list[Any], entity._servers).append(self)

    def server_bind(self) -> None:
        """Use the socket that was handed over instead of a new one."""
        super().server_close()
        self.socket = self._listening
        # Another process may have taken the connection that woke this one.
        self._listening.setblocking(False)
        self.server_address = self._listening.getsockname()

    def server_activate(self) -> None:
        """Listening already."""

    def server_close(self) -> None:
        """Close our copy only: a shutdown would end it for the other processes as well."""
        self._listening.close()

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; it is told to answer at once and never to block for ever."""
        connection, address = self._listening.accept()
        connection.setblocking(True)
        patience = struct.pack("@ll", int(SILENCE), 0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, patience)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, patience)
        return connection, address

    def verify_request(self, _request: Any, _address: Any) -> bool:
        """Refuse connections far beyond what may become associations."""
        return len(self.active_associations) < _MAXIMUM_CONNECTIONS

    def handle_error(self, _request: Any, client_address: Any) -> None:
        """Log without the traceback of a hostile connection."""
        logger.warning("A connection from %s could not be served.", client_address[0])

    def on_requested(self, event: Any) -> None:
        """Decide about an association request, before it is negotiated (EVT_REQUESTED)."""
        association: StreamingAssociation = event.assoc
        # Known by now: the library calls this on receiving the request.
        request, address = cast(Any, association.requestor.primitive), cast(Any, association.requestor.address_info)
        caller = Caller(
            calling_ae_title=str(request.calling_ae_title).strip(),
            called_ae_title=str(request.called_ae_title).strip(),
            address=str(address.address),
        )
        decision = self._admission.decide(caller)
        if isinstance(decision, Refusal):
            self._admission.tell_refused(caller, decision)
            association.acse.send_reject(*decision.codes)
            association.kill()
            return
        self._admission.tell_accepted(caller)
        association.source = source = self._admission.source_of(decision, caller)
        association.is_used_up = lambda: self._admission.is_used_up(source)
        association.tell_refused = lambda words: self._admission.tell_object_refused(source, words)
        association.may_store = decision.may_store
        association.asker = Asker(caller.actor, decision.department_ids, decision.may_query, decision.may_ask_worklist)
        association.finder = self._finder
        association.worklist = self._worklist
        association.performed_steps = self._performed_steps
        association.acceptor.supported_contexts = contexts.supported(request.presentation_context_definition_list)

    def on_extended(self, event: Any) -> dict[Any, bytes]:
        """Agree on what a query may ask beyond its SOP class (EVT_SOP_EXTENDED)."""
        association: StreamingAssociation = event.assoc
        association.agreed = find_exchange.agreed(event.app_info)
        return find_exchange.agreement(event.app_info)

    def stop(self, grace: timedelta = timedelta(seconds=_GRACE)) -> None:
        """Accept no more, let objects that are on their way come to their end, then end every association.

        To be called from another thread than the one that serves.
        """
        self.shutdown()
        deadline = time.monotonic() + grace.total_seconds()
        while self.active_associations and time.monotonic() < deadline:
            for association in self.active_associations:
                cast(StreamingAssociation, association).close_if_idle()
            time.sleep(0.02)
        for association in self.active_associations:
            association.abort()
        self._turns.close()
